"""The outbox: the mail that is to be sent, written in the transaction that it tells of."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .columns import UtcDateTime, new_id, utc_now


class Kind(StrEnum):
    """What a mail is about. What it says is decided when it is sent: services/letters.py."""

    SIGNED_UP = "signed_up"
    RESEND = "resend"
    RESET = "reset"
    PASSWORD_CHANGED = "password_changed"
    CONFIRM_EMAIL = "confirm_email"
    EMAIL_ASKED_FOR = "email_asked_for"
    EMAIL_CHANGED = "email_changed"
    DELETED = "deleted"
    MFA_ON = "mfa_on"
    MFA_OFF = "mfa_off"
    MFA_REMOVED = "mfa_removed"
    RECOVERY_CODE_USED = "recovery_code_used"
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed"
    NEW_DEVICE = "new_device"
    REFRESH_REUSED = "refresh_reused"


#: Their letters carry a token, which is made when they are sent. The others tell of something that has
#: happened: they are sent as they are, even if the account is gone.
WITH_LINK = (Kind.SIGNED_UP, Kind.RESEND, Kind.RESET, Kind.CONFIRM_EMAIL)


class Mail(Base):
    """A mail that has not been sent yet; then its row is gone. No token is in it, and no text."""

    __tablename__ = "outbox"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(32))
    #: None where there is no account, or none any more: an unknown e-mail has a row too (see `forgot`).
    account_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    email: Mapped[str | None] = mapped_column(String(254))  # None: where the account has its mail sent
    #: Of a sign-up for an address that has an account: what its link confirms. Otherwise None.
    name: Mapped[str | None] = mapped_column(String(100))
    password_hash: Mapped[str | None] = mapped_column(String(256))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)
