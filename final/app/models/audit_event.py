"""The table of the audit: what happened to the accounts, and who did it. Rows are added, never changed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .columns import UtcDateTime, new_id, utc_now


class AuditEvent(Base):
    """Something that was done, or tried.

    The ids refer to nothing that the database checks: what was done to an account stays known after it is
    deleted.
    """

    __tablename__ = "audit_events"
    # Read newest first, by the account or by the actor.
    __table_args__ = (Index(None, "account_id", "id"), Index(None, "actor_id", "id"))

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    action: Mapped[str] = mapped_column(String(40))
    outcome: Mapped[str] = mapped_column(String(16))
    account_id: Mapped[str | None] = mapped_column(String(36))  # None: of an unknown e-mail
    actor_id: Mapped[str | None] = mapped_column(String(36))  # None: not logged in, or an operator
    address: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[str | None] = mapped_column(String(64))  # None: a command
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
