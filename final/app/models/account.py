"""The table of accounts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .columns import UtcDateTime, new_id, utc_now


class Role(StrEnum):
    """What an account may do. The database knows no other."""

    MEMBER = "member"
    ADMIN = "admin"


class Account(Base):
    """An account, which one owner logs in to."""

    __tablename__ = "accounts"
    __table_args__ = (CheckConstraint("role IN ('member', 'admin')", name="role"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(254))  # as it was given: mail goes there
    #: The address in the one spelling that counts, so that the database refuses a second account for it.
    email_key: Mapped[str] = mapped_column(String(400), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(16), default=Role.MEMBER)
    password_hash: Mapped[str] = mapped_column(String(256))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When the owner proved to read the mail of this address.
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: One more with every change of what a client sees of it: its `ETag`.
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    #: The second factor: what the app of its owner makes codes from, sealed. None where there is none.
    mfa_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: Since when a log-in asks for it. None while its owner has not shown that the app has it.
    mfa_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Of which half-minute the last code was that was taken, or about when the secret was given: none older
    #: is good any more.
    mfa_step: Mapped[int] = mapped_column(default=0, server_default="0")

    def set_password(self, hashed: str) -> None:
        """Set another password. A second factor that is not confirmed ends: it may be a thief's."""
        self.password_hash = hashed
        if self.mfa_since is None:
            self.mfa_secret = None

    def change(self, **values: object) -> bool:
        """Set what differs, and say whether anything did; `version` moves with it.

        The only way to change what a client sees, so that no change leaves an ETag of before good.
        """
        different = {name: value for name, value in values.items() if getattr(self, name) != value}
        for name, value in different.items():
            setattr(self, name, value)
        if different:
            self.version += 1
        return bool(different)
