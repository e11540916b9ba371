"""Logging in, and who a token belongs to. Chapter 2 for the log-in, chapter 6 for the session behind it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from flask import current_app
from sqlalchemy import bindparam, select, update

from ..errors import WrongCredentials
from ..extensions import db, fetch_one, transaction
from ..models import Account, Session
from ..models.columns import utc_now
from . import passwords, tokens
from .emails import email_key

LAST_USE = timedelta(minutes=5)  # as exact as `last_used_at` is, so that not every request writes


class Principal(NamedTuple):
    """Who sends a request: an account, by one of its sessions."""

    session_id: str
    id: str
    email: str
    name: str
    role: str
    created_at: datetime
    last_used_at: datetime  # the session, to some minutes


class Device(NamedTuple):
    """From where somebody logs in, and by what. Only shown to them again; nothing is decided by it."""

    address: str | None
    agent: str | None


class Grant(NamedTuple):
    """What a log-in gives."""

    access_token: str
    expires_in: int  # seconds


# Built once: the first statement runs on every request that carries a token.
_PRINCIPAL = (
    select(
        Session.id,
        Account.id,
        Account.email,
        Account.name,
        Account.role,
        Account.created_at,
        Session.last_used_at,
    )
    .join(Account, Account.id == Session.account_id)
    .where(
        Session.id == bindparam("session_id"),
        Session.account_id == bindparam("account_id"),
        Session.revoked_at.is_(None),
        Session.expires_at > bindparam("now"),
        Account.disabled_at.is_(None),
    )
)
_CREDENTIALS = select(Account.id, Account.password_hash, Account.disabled_at).where(
    Account.email_key == bindparam("key")
)


def log_in(email: str, password: str, device: Device) -> Grant:
    """Begin a session for whoever knows ``password``, and return its first access token.

    Unknown, wrong and disabled cost exactly one hash and end in the same exception, so that neither the
    answer nor its time tells who has an account.

    Raises:
        WrongCredentials: the e-mail and the password prove nothing.
        TooBusy: too many passwords are being checked.
    """
    found = fetch_one(_CREDENTIALS, key=email_key(email))
    proved = passwords.current().verify(found.password_hash if found else None, password)
    if found is None or not proved or found.disabled_at is not None:
        raise WrongCredentials
    new_hash = None
    if passwords.current().is_outdated(found.password_hash):
        new_hash = passwords.current().hash(password)
    session_id = _begin_session(found.id, device, found.password_hash, new_hash)
    return Grant(tokens.issue(found.id, session_id), current_app.config["JWT_ACCESS_TOKEN_EXPIRES"])


def find_principal(session_id: str, account_id: str) -> Principal | None:
    """Return whose session this is, None if it or its account is not alive any more.

    Asked on every request, so that a log-out, a disabled account or a lost role count from the next one on
    (trap 8).
    """
    now = utc_now()
    row = fetch_one(_PRINCIPAL, session_id=session_id, account_id=account_id, now=now)
    if row is None:
        return None
    if row.last_used_at < now - LAST_USE:
        with transaction():
            db.session.execute(update(Session).where(Session.id == session_id).values(last_used_at=now))
    return Principal._make(row)


def _begin_session(account_id: str, device: Device, checked_hash: str, new_hash: str | None) -> str:
    # No lock was held while the password was checked. If it was changed meanwhile, or the account disabled,
    # what was checked is not true any more.
    with transaction():
        account = db.session.scalar(
            select(Account)
            .where(
                Account.id == account_id,
                Account.password_hash == checked_hash,
                Account.disabled_at.is_(None),
            )
            .with_for_update()
        )
        if account is None:
            raise WrongCredentials
        if new_hash is not None:
            account.password_hash = new_hash
        lifetime = timedelta(seconds=current_app.config["SESSION_LIFETIME"])
        session = Session(account_id=account_id, expires_at=utc_now() + lifetime)
        session.address, session.agent = _cut(device.address, 64), _cut(device.agent, 200)
        db.session.add(session)
        db.session.flush()
        return session.id


def _cut(text: str | None, length: int) -> str | None:
    # In the client's own words, so only what a screen and every database can take (NUL is not).
    kept = "".join(letter for letter in text or "" if letter.isprintable())
    return kept[:length] or None
