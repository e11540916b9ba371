"""Pruning: deleting what is not needed any more, in small steps; several machines may do it at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from time import sleep
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Delete, Update, and_, delete, exists, false, or_, select, update

from ..database import affected, fetch_all, transaction
from ..models import Account, AuditEvent, Mail, OneTimeToken, Role, Session, SigningKey
from ..models.columns import utc_now
from . import keys

BATCH = 500  # rows in one transaction: no request waits long for the locks of one
# Seconds between two: on SQLite one process writes at a time, and the others try again only now and then.
PAUSE = 0.02
KEPT = timedelta(days=7)  # what is over stays for so long, for an admin who looks into what happened


def prune() -> dict[str, int]:
    """Delete what is over, and return how many rows of each table.

    Sessions that have ended or expired a week ago, accounts that were not confirmed, links that do not work
    any more, keys whose last token has ended, and what the audit has kept for long enough: the address of an
    event, later the event. Never an account that was confirmed.
    """
    now = utc_now()
    old, address_old = _older(now, "AUDIT_DAYS"), _older(now, "ADDRESS_DAYS")
    idle = timedelta(seconds=current_app.config["SESSION_IDLE"])
    retired = keys.current().retired()
    over = or_(
        Session.revoked_at < now - KEPT,
        Session.expires_at < now - KEPT,
        Session.last_used_at < now - KEPT - idle,
    )
    return {
        "sessions": _change(delete(Session), Session.id, over),
        "unconfirmed accounts": _change(delete(Account), Account.id, _unconfirmed(now)),
        "one-time tokens": _change(delete(OneTimeToken), OneTimeToken.digest, OneTimeToken.expires_at < now),
        "signing keys": _change(delete(SigningKey), SigningKey.kid, SigningKey.kid.in_(retired)),
        # Its ids are in the order of time: behind the first that is young there is none that is old.
        "audit events": _change(delete(AuditEvent), AuditEvent.id, old, until=~old),
        "addresses": _change(
            update(AuditEvent).values(address=None),
            AuditEvent.id,
            and_(address_old, AuditEvent.address.is_not(None)),
            until=~address_old,
        ),
    }


def _unconfirmed(now: datetime) -> ColumnElement[bool]:
    """Return the condition for an account that was not confirmed in time, and cannot be by any link."""
    days = current_app.config["UNVERIFIED_DAYS"]
    if not days or not current_app.config["REQUIRE_VERIFIED_EMAIL"]:  # then it may be in use
        return false()
    link = exists().where(OneTimeToken.account_id == Account.id, OneTimeToken.expires_at > now)
    letter = exists().where(Mail.account_id == Account.id)
    old = Account.created_at < now - timedelta(days=days)
    return and_(old, Account.verified_at.is_(None), Account.role == Role.MEMBER, ~link, ~letter)


def _older(now: datetime, days: str) -> ColumnElement[bool]:
    kept = current_app.config[days]
    return AuditEvent.created_at < now - timedelta(days=kept) if kept else false()


def _change(
    change: Delete | Update, key: Any, over: ColumnElement[bool], until: ColumnElement[bool] | None = None
) -> int:
    """Do ``change`` to the rows that are ``over``, and return how many there were.

    Through the whole table by its key, so that no statement takes longer because there is more of it.

    Args:
        until: what is true of the first row behind which there is nothing to do.
    """
    end = false() if until is None else until
    looked_at = select(key, over.label("over"), end.label("end"))
    total, after = 0, ""
    while True:
        found = fetch_all(looked_at.where(key > after).order_by(key).limit(BATCH))
        gone = [row[0] for row in found if row.over]
        if gone:
            total += _change_those(change, key, gone, over)
            sleep(PAUSE)
        if len(found) < BATCH or found[-1].end:
            return total
        after = found[-1][0]


def _change_those(change: Delete | Update, key: Any, gone: list[str], over: ColumnElement[bool]) -> int:
    # Of several that prune at once, each takes rows that no other has locked; and a row that has been used
    # since it was read stays.
    some = select(key).where(key.in_(gone), over).with_for_update(skip_locked=True)
    with transaction():
        return affected(change.where(key.in_(some)).execution_options(synchronize_session=False))
