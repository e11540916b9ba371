"""The audit: a row for each event about log-ins and credentials. Without secrets, and without what was typed.

An e-mail that has no account leaves a row without an account: no address and no hash of one. People type
their password into the field of the e-mail, and an admin has no use for either; the client's address and the
time are in the row all the same. So a log-in costs one row, whether the e-mail is known or not.
"""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import Connection, func, insert, select

from .. import metrics
from ..database import AnyRow, fetch_all, transaction
from ..extensions import db
from ..models import AuditEvent
from ..models.columns import new_id

#: How it ended: done; what the client showed proved nothing; the account may not do this, or not so often.
DONE, FAILED, REFUSED = "done", "failed", "refused"

_NEWEST = select(func.max(AuditEvent.id))
_ADD = insert(AuditEvent)


def record(
    action: str,
    *,
    account_id: str | None = None,
    actor_id: str | None = None,
    outcome: str = DONE,
    **details: str | int | bool,
) -> None:
    """Add a row; inside of `transaction()` it is part of it, and lost if that is undone.

    A failure that ends in an exception is therefore recorded after the transaction, or without one.

    Args:
        action: what was done or tried, ``password.reset`` for example.
        account_id: the account it was done to.
        actor_id: the account that did it, where a token or a password has proved that.
        outcome: how it ended.
        details: what else an admin has to know. Nothing that a client typed.
    """
    request_id, address = current_app.extensions["origin"]()  # services see no request: logs.py says it
    metrics.current().count_event(action, outcome)
    event: dict[str, Any] = {
        "action": action,
        "outcome": outcome,
        "account_id": account_id,
        "actor_id": actor_id,
        "address": address and address[:64],
        "request_id": request_id,
        "details": details,
    }
    if db.session().in_transaction():
        _add(event, db.session.connection())
        return
    with transaction() as connection:
        _add(event, connection)


def find_page(after: str, limit: int, **filters: str) -> list[AnyRow]:
    """Return the next ``limit`` rows behind the one whose id is ``after``, newest first.

    Args:
        after: "" for the newest.
        filters: columns, with what has to be in them.
    """
    conditions = [AuditEvent.__table__.c[name] == value for name, value in filters.items()]
    if after:
        conditions.append(AuditEvent.id < after)
    statement = select(*AuditEvent.__table__.c).where(*conditions)
    return fetch_all(statement.order_by(AuditEvent.id.desc()).limit(limit))


def _add(event: dict[str, Any], connection: Connection) -> None:
    # Behind the newest, so that rows are read as they came, though this clock was set back, or another
    # machine is ahead. What its own clock said is in `created_at`.
    event["id"] = new_id(after=connection.scalar(_NEWEST))
    connection.execute(_ADD, event)
