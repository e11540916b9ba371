"""The tables. Models store; what may be done with them is decided in services/."""

from .account import Account, Role
from .session import Session

__all__ = ["Account", "Role", "Session"]
