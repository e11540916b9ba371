"""The table of sessions: one row for each log-in, so that it can be ended."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, bindparam
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .columns import UtcDateTime, new_id, utc_now


class Session(Base):
    """A log-in that lasts. Access tokens name it as `sid`, and are worth nothing once it is over."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    last_used_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)  # to some minutes
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Which of its refresh tokens is good: the first is 0, and every refresh makes it one more.
    generation: Mapped[int] = mapped_column(default=0, server_default="0")
    refreshed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: From where it was begun, and by what, in the client's own words. None where it did not say.
    address: Mapped[str | None] = mapped_column(String(64))
    agent: Mapped[str | None] = mapped_column(String(200))


#: Of a session that is neither ended, nor expired, nor unused for too long, for statements that name the
#: moment as `now` and `idle_since`.
ALIVE = (
    Session.revoked_at.is_(None),
    Session.expires_at > bindparam("now"),
    Session.last_used_at > bindparam("idle_since"),
)
