"""Refreshing: a refresh token is good once, and an old one ends its session (RFC 9700 4.14.2, ASVS 10.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

from flask import current_app
from sqlalchemy import Table, bindparam, select, update

from ..database import AnyRow, transaction
from ..exceptions import RefreshRefused
from ..extensions import db
from ..models import Account, Kind, Session
from ..models.columns import utc_now
from ..models.session import ALIVE
from . import audit, mail, refresh_tokens
from .auth import Grant, grant, idle_since

_SESSIONS, _ACCOUNTS = cast(Table, Session.__table__), cast(Table, Account.__table__)
_IS_ENABLED = select(_ACCOUNTS.c.id).where(
    _ACCOUNTS.c.id == _SESSIONS.c.account_id, _ACCOUNTS.c.disabled_at.is_(None)
)
# Compare and swap: of any number that come with the same token, one finds the generation as it was. The
# others wait for the row, and find it changed.
_ROTATE = (
    update(_SESSIONS)
    .where(
        _SESSIONS.c.id == bindparam("session"),
        _SESSIONS.c.generation == bindparam("shown"),
        *ALIVE,
        _IS_ENABLED.exists(),
    )
    .values(
        generation=_SESSIONS.c.generation + 1, refreshed_at=bindparam("now"), last_used_at=bindparam("now")
    )
    .returning(_SESSIONS.c.account_id, _SESSIONS.c.created_at, _SESSIONS.c.generation)
)
_FOUND = select(
    *(_SESSIONS.c.account_id, _SESSIONS.c.created_at, _SESSIONS.c.generation, _SESSIONS.c.refreshed_at)
).where(_SESSIONS.c.id == bindparam("session"), *ALIVE, _IS_ENABLED.exists())
_REVOKE = (
    update(_SESSIONS)
    .where(_SESSIONS.c.id == bindparam("session"), _SESSIONS.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
    .returning(_SESSIONS.c.account_id)
)


def refresh(token: str) -> Grant:
    """Return new tokens for a refresh token, which then stops working.

    The token before the current one works for REFRESH_LEEWAY seconds more, for the *same* new refresh token:
    the answer was lost, or two windows asked at once. A token that is older, or comes later, is used by two
    clients, and the service cannot tell which one is the owner: the session ends for both.

    Raises:
        RefreshRefused: it is not ours, was never given out, or its session is over.
    """
    shown = refresh_tokens.read(token)
    if shown is None:
        raise RefreshRefused
    with transaction() as connection:
        now = utc_now()
        values = {"session": shown.session_id, "now": now, "idle_since": idle_since(now)}
        found = connection.execute(_ROTATE, {**values, "shown": shown.generation}).first()
        if found is None:
            found = _again(shown, connection.execute(_FOUND, values).first())
    # Only here, so that the end of the session is committed and not undone.
    if found is None:
        raise RefreshRefused
    return grant(found.account_id, shown.session_id, found.generation, found.created_at)


def revoke(token: str) -> None:
    """End the session of a refresh token, the newest or an older one.

    A text that is not a token, or a token whose session is over, raises nothing (RFC 7009).
    """
    shown = refresh_tokens.read(token)
    if shown is None:
        return
    with transaction():
        account_id = db.session.execute(_REVOKE, {"session": shown.session_id, "now": utc_now()}).scalar()
        if account_id is not None:
            audit.record("session.end", account_id=account_id, actor_id=account_id)


def _again(shown: refresh_tokens.Shown, found: AnyRow | None) -> AnyRow | None:
    """Return the session if a token that is not the current one is good for it all the same."""
    if found is None or shown.generation >= found.generation:
        return None  # over; or never given out: the database is older than the token
    # The clock is read after the row, whose time another process may have written while this one waited.
    # The clocks of two machines differ, so the time between may come out negative.
    leeway = timedelta(seconds=current_app.config["REFRESH_LEEWAY"])
    since = abs(utc_now() - found.refreshed_at)
    if shown.generation == found.generation - 1 and since < leeway:
        return found
    # Of several that come at once one ends it, and the audit says so once.
    if db.session.execute(_REVOKE, {"session": shown.session_id, "now": utc_now()}).first():
        audit.record("refresh.reuse", account_id=found.account_id, outcome=audit.REFUSED)
        owner = select(Account.email).where(Account.id == found.account_id)
        mail.queue(Kind.REFRESH_REUSED, email=db.session.scalar(owner))
    return None
