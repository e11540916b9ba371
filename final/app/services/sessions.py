"""Sessions: the devices that an account is logged in on, and how they end. Chapter 6, built test first.

`auth.py` begins them. One that has ended stays as a row, with the moment in it, and no token is good for it.
"""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import ColumnElement, bindparam, select, update

from ..database import AnyRow, affected, fetch_all, transaction
from ..exceptions import AccountNotFound, SessionNotFound
from ..extensions import db
from ..models import Account, Session
from ..models.columns import utc_now
from ..models.session import ALIVE
from . import audit, one_time_tokens
from .auth import Principal, idle_since

_PAGE = (
    select(Session.id, Session.created_at, Session.last_used_at, Session.address, Session.agent)
    .where(Session.account_id == bindparam("account_id"), *ALIVE, Session.id > bindparam("after"))
    .order_by(Session.id)
    .limit(bindparam("limit"))
)


def find_page(account_id: str, after: str, limit: int) -> list[AnyRow]:
    """Return the next ``limit`` living sessions of an account behind the id ``after``, oldest first."""
    now = utc_now()
    values = {"account_id": account_id, "now": now, "idle_since": idle_since(now)}
    return fetch_all(_PAGE, **values, after=after, limit=limit)


def log_out(asker: Principal) -> None:
    """End the session that ``asker`` came by."""
    with suppress(SessionNotFound):  # of two clicks at the same moment the second has nothing left to do
        end(asker, asker.session_id)


def end(asker: Principal, session_id: str) -> None:
    """End one session of ``asker``.

    Raises:
        SessionNotFound: no session has that id, it is over, or it belongs to another account.
    """
    with transaction():
        if not end_of(asker.id, Session.id == session_id):
            raise SessionNotFound
        audit.record("session.end", account_id=asker.id, actor_id=asker.id)


def end_all(asker: Principal, account_id: str) -> None:
    """Log an account out everywhere: that of ``asker``, here too, or for an admin another.

    Its mailed links end with the sessions: a thief may have asked for another address.

    Raises:
        AccountNotFound: no account has that id.
    """
    with transaction():
        if db.session.get(Account, account_id, with_for_update=True) is None:
            raise AccountNotFound
        end_of(account_id)
        one_time_tokens.retire(account_id)
        audit.record("sessions.end", account_id=account_id, actor_id=asker.id)


def end_others(asker: Principal) -> None:
    """Log ``asker`` out everywhere else. Only inside of `transaction()`: it is part of a larger change."""
    end_of(asker.id, Session.id != asker.session_id)


def end_everybodys() -> int:
    """End the sessions and the mailed links of all accounts; return how many sessions have ended.

    For a database that was restored: what has ended since the backup would be good again.
    """
    with transaction():
        ended = affected(update(Session).where(Session.revoked_at.is_(None)).values(revoked_at=utc_now()))
        one_time_tokens.retire_everybodys()
        audit.record("sessions.end", everybody=True)
        return ended


def end_of(account_id: str, *which: ColumnElement[bool]) -> int:
    """End the sessions of an account, or ``which`` of them, and return how many.

    Only inside of `transaction()`, with the account locked where all of them have to end.
    """
    # The account is in every condition, so that no id, guessed or stolen, ends that of another.
    now = utc_now()
    alive = (Session.account_id == account_id, Session.revoked_at.is_(None), Session.expires_at > now)
    return affected(update(Session).where(*alive, *which).values(revoked_at=now))
