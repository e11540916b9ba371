"""Deleting what is of no use any more, in small steps: at any time, on any machine, on several at once."""

from __future__ import annotations

from datetime import timedelta
from time import sleep
from typing import Any, cast

from flask import current_app
from sqlalchemy import ColumnElement, CursorResult, delete, or_, select

from ..extensions import Base, db, fetch_all, transaction
from ..models import OneTimeToken, Session, SigningKey
from ..models.columns import utc_now
from . import keys

BATCH = 500  # rows in one transaction: no request waits long for the locks of one
PAUSE = (
    0.02  # seconds between two: on SQLite one writes at a time, and who waits looks again only now and then
)
KEPT = timedelta(days=7)  # what is over stays for so long, for whoever looks into what happened


def prune() -> dict[str, int]:
    """Delete what is over, and return how many rows of each table.

    Sessions that have ended or expired a week ago, links that do not work any more, and keys whose last token
    has ended. Never an account, and nothing of the audit: how long that is kept is for its owner to say.
    """
    now = utc_now()
    idle = timedelta(seconds=current_app.config["SESSION_IDLE"])
    over = or_(
        Session.revoked_at < now - KEPT,
        Session.expires_at < now - KEPT,
        Session.last_used_at < now - KEPT - idle,
    )
    return {
        "sessions": _delete(Session, Session.id, over),
        "one-time tokens": _delete(OneTimeToken, OneTimeToken.digest, OneTimeToken.expires_at < now),
        "signing keys": _delete(SigningKey, SigningKey.kid, SigningKey.kid.in_(keys.current().retired())),
    }


def _delete(model: type[Base], key: Any, over: ColumnElement[bool]) -> int:
    # Through the whole table by its key, so that no statement takes longer because there is more of it.
    total, after = 0, ""
    while True:
        found = fetch_all(select(key, over.label("over")).where(key > after).order_by(key).limit(BATCH))
        gone = [row[0] for row in found if row.over]
        if gone:
            total += _delete_those(model, key, gone, over)
            sleep(PAUSE)
        if len(found) < BATCH:
            return total
        after = found[-1][0]


def _delete_those(model: type[Base], key: Any, gone: list[str], over: ColumnElement[bool]) -> int:
    # Of several that prune at once, each takes rows that no other has locked; and a row that has been used
    # since it was read stays.
    some = select(key).where(key.in_(gone), over).with_for_update(skip_locked=True)
    with transaction():
        result = db.session.execute(
            delete(model).where(key.in_(some)).execution_options(synchronize_session=False)
        )
    return cast(CursorResult[Any], result).rowcount
