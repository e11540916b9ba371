"""The export: all that the service keeps about an account, for its owner (GDPR, articles 15 and 20)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, case, select

from ..database import AnyRow, fetch_all
from ..models import AuditEvent, Session
from . import audit
from .auth import Principal

EVENTS = 1000  # the newest

_SESSIONS = (
    select(
        *(Session.id, Session.created_at, Session.last_used_at, Session.expires_at, Session.revoked_at),
        *(Session.address, Session.agent),
    )
    .where(Session.account_id == bindparam("me"))
    .order_by(Session.id)
)
# From where others acted is about them.
_EVENTS = (
    select(
        *(AuditEvent.created_at, AuditEvent.action, AuditEvent.outcome),
        case((AuditEvent.actor_id == bindparam("me"), AuditEvent.address)).label("address"),
    )
    .where(AuditEvent.account_id == bindparam("me"))
    .order_by(AuditEvent.id.desc())
    .limit(EVENTS)
)


def collect(asker: Principal) -> dict[str, Any]:
    """Return all that is kept about ``asker``, except the credentials."""
    audit.record("account.export", account_id=asker.id, actor_id=asker.id)
    shown = ("id", "email", "name", "role", "created_at", "verified_at", "mfa_since")
    return {
        "account": {name: getattr(asker, name) for name in shown},
        "sessions": _rows(fetch_all(_SESSIONS, me=asker.id)),
        "events": _rows(fetch_all(_EVENTS, me=asker.id)),
    }


def _rows(found: list[AnyRow]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in found]
