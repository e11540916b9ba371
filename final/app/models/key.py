"""The table of the keys that sign access tokens: one for every process on every machine."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .columns import UtcDateTime, utc_now


class SigningKey(Base):
    """A key, and from when on it signs. The next one replaces it; nothing is ever switched by hand."""

    __tablename__ = "signing_keys"

    #: 1, 2, 3...: of two processes that make the same number at the same moment one is refused.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kid: Mapped[str] = mapped_column(String(43), unique=True)  # the thumbprint of its public half (RFC 7638)
    algorithm: Mapped[str] = mapped_column(String(16))
    private_key: Mapped[bytes] = mapped_column(LargeBinary)  # sealed: worth nothing without SECRET_KEY
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    signs_from: Mapped[datetime] = mapped_column(UtcDateTime)
