"""The table of one-time tokens: what a mailed link carries."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .columns import UtcDateTime


class Purpose(StrEnum):
    """What a token is good for, and nothing else. Links name it too."""

    VERIFY = "verify"
    RESET = "reset"
    EMAIL = "confirm_email"


class OneTimeToken(Base):
    """A token that works once. Only its hash is here: a copy of the table opens nothing."""

    __tablename__ = "one_time_tokens"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256, in hexadecimal
    purpose: Mapped[str] = mapped_column(String(16))
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(254))  # where it was mailed to, which is what it proves
    #: What the account becomes by it; None where it stays as it is.
    name: Mapped[str | None] = mapped_column(String(100))
    password_hash: Mapped[str | None] = mapped_column(String(256))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
