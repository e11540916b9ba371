"""Sessions: the devices that an account is logged in on, and how they end. Chapter 6, built test first.

`auth.py` begins them. One that has ended stays as a row, with the moment in it, and no token is good for it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, bindparam, select, update

from ..errors import SessionNotFound
from ..extensions import AnyRow, db, fetch_all, transaction
from ..models import Session
from ..models.columns import utc_now
from .auth import Principal

_PAGE = (
    select(Session.id, Session.created_at, Session.last_used_at, Session.address, Session.agent)
    .where(
        Session.account_id == bindparam("account_id"),
        Session.revoked_at.is_(None),
        Session.expires_at > bindparam("now"),
        Session.id > bindparam("after"),
    )
    .order_by(Session.id)
    .limit(bindparam("limit"))
)


def find_page(asker: Principal, after: str, limit: int) -> list[AnyRow]:
    """Return the next ``limit`` living sessions of ``asker`` behind the id ``after``, oldest first."""
    return fetch_all(_PAGE, account_id=asker.id, now=utc_now(), after=after, limit=limit)


def log_out(asker: Principal) -> None:
    """End the session that ``asker`` came by."""
    with suppress(SessionNotFound):  # of two clicks at the same moment the second has nothing left to do
        end(asker, asker.session_id)


def end(asker: Principal, session_id: str) -> None:
    """End one session of ``asker``.

    Raises:
        SessionNotFound: there is none by that id, it is over, or it is somebody else's.
    """
    with transaction():
        if not _end(asker, Session.id == session_id):
            raise SessionNotFound


def end_all(asker: Principal) -> None:
    """Log ``asker`` out everywhere, here too."""
    with transaction():
        _end(asker)


def end_others(asker: Principal) -> None:
    """Log ``asker`` out everywhere else. Only inside of `transaction()`: it is part of a larger change."""
    _end(asker, Session.id != asker.session_id)


def _end(asker: Principal, *which: ColumnElement[bool]) -> int:
    # The account is in every condition, so that no id, guessed or stolen, ends the session of somebody else.
    now = utc_now()
    alive = (Session.account_id == asker.id, Session.revoked_at.is_(None), Session.expires_at > now)
    ended = db.session.execute(update(Session).where(*alive, *which).values(revoked_at=now))
    return cast(CursorResult[Any], ended).rowcount
