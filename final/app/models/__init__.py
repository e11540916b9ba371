"""The tables. Models store; what may be done with them is decided in services/."""

from .account import Account, Role
from .audit_event import AuditEvent
from .key import SigningKey
from .one_time_token import OneTimeToken, Purpose
from .outbox import WITH_LINK, Kind, Mail
from .recovery_code import RecoveryCode
from .session import Session

__all__ = [
    "WITH_LINK",
    "Account",
    "AuditEvent",
    "Kind",
    "Mail",
    "OneTimeToken",
    "Purpose",
    "RecoveryCode",
    "Role",
    "Session",
    "SigningKey",
]
