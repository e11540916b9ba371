"""The table of recovery codes, for owners who have lost the app that makes codes."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base


class RecoveryCode(Base):
    """A code that works once; then its row is gone. Only its hash is here, so it cannot be shown again."""

    __tablename__ = "recovery_codes"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256, in hexadecimal
