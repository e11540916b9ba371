"""Logging in, and who a token belongs to. Chapter 2 for the log-in, chapter 6 for the session behind it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask import current_app
from flask_jwt_extended import decode_token
from sqlalchemy import Connection, bindparam, exists, insert, select, update

from ..database import AnyRow, Lookup, fetch_one, transaction
from ..exceptions import TokenRefused, WrongCredentials
from ..extensions import db
from ..models import Account, Kind, Session
from ..models.columns import new_id, utc_now
from ..models.session import ALIVE
from . import audit, codes, devices, mail, mfa_tokens, passwords, refresh_tokens, tokens
from .emails import email_key

DAY = 24 * 60 * 60  # seconds
NEW_DEVICES = 3  # letters in a day about a log-in on one
LAST_USE = timedelta(minutes=5)  # as exact as `last_used_at` is, so that not every request writes


class Principal(NamedTuple):
    """Who sends a request: an account, by one of its sessions."""

    session_id: str
    id: str
    email: str
    name: str
    role: str
    created_at: datetime
    verified_at: datetime | None
    disabled_at: datetime | None  # always None here; shown like that of any account
    mfa_since: datetime | None  # since when logging in asks for a code
    version: int
    last_used_at: datetime  # the session, to some minutes
    logged_in_at: datetime  # when a password was shown: a refresh does not move it


class Device(NamedTuple):
    """From where a client logs in, and by what program. It proves nothing; an owner is told of a new one."""

    address: str | None
    agent: str | None
    marks: str = ""  # by which it may be known: devices.py


class Grant(NamedTuple):
    """What a log-in or a refresh gives."""

    access_token: str
    refresh_token: str
    expires_in: int  # seconds
    marks: str = ""  # after a log-in, for the device to keep


class CodeWanted(NamedTuple):
    """What a log-in gives where the account has a second factor: worth nothing without a code."""

    mfa_token: str
    expires_in: int  # seconds


# Built once, and the first one compiled once too: it runs on every request that carries a token.
_PRINCIPAL = Lookup(
    select(
        Session.id,
        Account.id,
        Account.email,
        Account.name,
        Account.role,
        Account.created_at,
        Account.verified_at,
        Account.disabled_at,
        Account.mfa_since,
        Account.version,
        Session.last_used_at,
        Session.created_at,
    )
    .join(Account, Account.id == Session.account_id)
    .where(
        Session.id == bindparam("session_id"),
        Session.account_id == bindparam("account_id"),
        *ALIVE,
        Account.disabled_at.is_(None),
    )
)
_CREDENTIALS = select(
    *(Account.id, Account.password_hash, Account.disabled_at, Account.verified_at, Account.mfa_since),
    Account.version,
).where(Account.email_key == bindparam("key"))

_STILL_SO = (
    select(Account.mfa_since, Account.email)
    .where(
        Account.id == bindparam("account_id"),
        Account.password_hash == bindparam("checked_hash"),
        Account.disabled_at.is_(None),
    )
    .with_for_update()
)
_BEGIN = insert(Session)
# Whether an account has been logged in before, and from there by the same program.
_BEFORE = Session.account_id == bindparam("account_id")
_SEEN = select(
    exists().where(_BEFORE),
    exists().where(
        _BEFORE,
        Session.address.is_not_distinct_from(bindparam("address")),
        Session.agent.is_not_distinct_from(bindparam("agent")),
    ),
)


def log_in(email: str, password: str, device: Device) -> Grant | CodeWanted:
    """Begin a session for a client that knows ``password``, and return its first tokens.

    Where the account has a second factor, only a client that knows the password is told so: `mfa.log_in` is
    the second step.

    Unknown, wrong, disabled and unverified cost exactly one hash and one row of the audit, and end in the
    same exception, so that neither the answer nor its time tells who has an account.

    Raises:
        WrongCredentials: the e-mail and the password prove nothing.
        TooBusy: too many passwords are being checked.
    """
    found = fetch_one(_CREDENTIALS, key=email_key(email))
    proved = passwords.current().verify(found.password_hash if found else None, password)
    if found is None or not proved or not _may_come_in(found):
        audit.record("login", account_id=found.id if found else None, outcome=audit.FAILED, password=proved)
        raise WrongCredentials
    new_hash = None
    if passwords.current().is_outdated(found.password_hash):
        new_hash = passwords.current().hash(password)
    if found.mfa_since is not None:
        begun: str | CodeWanted | None = _ask_for_code(found, new_hash)
    else:
        begun = begin_session(found.id, device, found.password_hash, new_hash)
    if begun is None and new_hash is not None:  # another log-in has renewed the hash at this moment
        return log_in(email, password, device)
    if begun is None:
        audit.record("login", account_id=found.id, outcome=audit.FAILED, password=False)
        raise WrongCredentials
    if isinstance(begun, CodeWanted):
        return begun
    return grant(found.id, begun)._replace(marks=devices.remember(device.marks, email))


def grant(
    account_id: str, session_id: str, generation: int = 0, logged_in_at: datetime | None = None
) -> Grant:
    """Return the tokens of a session: an access token, and the refresh token of this generation.

    Args:
        logged_in_at: when the session was begun, None for now.
    """
    return Grant(
        tokens.issue(account_id, session_id, logged_in_at or utc_now()),
        refresh_tokens.write(session_id, generation),
        current_app.config["JWT_ACCESS_TOKEN_EXPIRES"],
    )


def idle_since(now: datetime) -> datetime:
    """Return the moment since which a session has to have been used to be alive."""
    return now - timedelta(seconds=int(current_app.config["SESSION_IDLE"]))


def find_principal(token: str) -> Principal:
    """Return the account and the session of an access token.

    The database is asked on every request, so that a log-out, a disabled account or a lost role count from
    the next one on (trap 8).

    Raises:
        InvalidTokenError: the token is not good.
        TokenRefused: its session or its account is not alive any more.
    """
    shown = decode_token(token)
    now = utc_now()
    values = {"session_id": shown["sid"], "account_id": shown["sub"]}
    row = _PRINCIPAL.first(**values, now=now, idle_since=idle_since(now))
    if row is None:
        raise TokenRefused
    principal = Principal._make(row)
    if principal.last_used_at < now - LAST_USE:
        with transaction():
            db.session.execute(update(Session).where(Session.id == shown["sid"]).values(last_used_at=now))
    return principal


def _may_come_in(found: AnyRow) -> bool:
    unproved = found.verified_at is None and current_app.config["REQUIRE_VERIFIED_EMAIL"]
    return found.disabled_at is None and not unproved


def begin_session(
    account_id: str, device: Device, checked_hash: str, new_hash: str | None = None, code: str | None = None
) -> str | None:
    """Begin a session, and return its id; None where what was proved is not true any more, or not enough.

    Args:
        checked_hash: what the password was checked against.
        new_hash: the same password with the parameters of today, to be kept instead.
        code: of the second factor, None where the account is believed to have none.
    """
    # No lock was held while the password was checked: it may have been changed meanwhile, the account
    # disabled, or a second factor confirmed, which this log-in has not been asked for.
    with transaction() as connection:
        believed = {"account_id": account_id, "checked_hash": checked_hash}
        found = connection.execute(_STILL_SO, believed).first()
        if found is None or (code is None) != (found.mfa_since is None):
            return None
        proof = None
        if code is not None:
            proof = codes.spend(db.session.get_one(Account, account_id, populate_existing=True), code)
            if proof is None:
                return None
        if new_hash is not None:
            changed = update(Account).where(Account.id == account_id).values(password_hash=new_hash)
            connection.execute(changed)
        begun = {
            "id": new_id(),
            "account_id": account_id,
            "expires_at": utc_now() + timedelta(seconds=current_app.config["SESSION_LIFETIME"]),
            "address": _cut(device.address, 64),
            "agent": _cut(device.agent, 200),
        }
        if devices.find(device.marks, found.email) is None:
            _tell_of_new_device(connection, begun, found.email)
        connection.execute(_BEGIN, begun)
        details = {"code": str(proof)} if proof else {}
        audit.record("login", account_id=account_id, actor_id=account_id, **details)
        return str(begun["id"])


def _tell_of_new_device(connection: Connection, begun: dict[str, Any], email: str) -> None:
    ever, seen = connection.execute(_SEEN, begun).one()
    if not ever or seen:
        return
    # Some programs change their address, and keep no cookie: an owner must not get used to these letters.
    count, _ = current_app.extensions["rate_limits"].hit(f"new device, {begun['account_id']}", DAY)
    if count <= NEW_DEVICES:
        mail.queue(Kind.NEW_DEVICE, email=email)


def _ask_for_code(found: AnyRow, new_hash: str | None) -> CodeWanted | None:
    with transaction():
        if new_hash is not None:
            mine = (Account.id == found.id, Account.password_hash == found.password_hash)
            renewed = update(Account).where(*mine).values(password_hash=new_hash).returning(Account.id)
            if db.session.scalar(renewed) is None:
                return None
        audit.record("login.password", account_id=found.id, actor_id=found.id)
    token = mfa_tokens.write(found.id, new_hash or found.password_hash, found.version)
    return CodeWanted(token, mfa_tokens.LIFETIME)


def _cut(text: str | None, length: int) -> str | None:
    # In the client's own words, so only what a screen and every database can take (NUL is not).
    kept = "".join(letter for letter in text or "" if letter.isprintable())
    return kept[:length] or None
