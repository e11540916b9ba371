"""MFA tokens: what a log-in gives between the password and the code, and how it is read.

A token says whose password was right, and until when that counts. It is marked as ours together with the hash
of that password and the version of the account, so any change of either, by whomever, ends the token: also a
change that is undone, as when an account was disabled for a minute. No row has to be kept for it. It is no
access token: it has another form, another key, and one use.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import uuid

from flask import Flask, current_app
from sqlalchemy import bindparam, select

from ..extensions import AnyRow, fetch_one
from ..models import Account
from ..models.columns import utc_now
from .sealing import derive

PREFIX = "mfa_"
LIFETIME = 300  # seconds: to find the phone
_SHAPE = struct.Struct(">16sQ")  # the account, when it ends
_MARK = 32  # bytes of HMAC-SHA256 behind it

_FIND = select(Account.id, Account.email, Account.password_hash, Account.version).where(
    Account.id == bindparam("account_id"),
    Account.disabled_at.is_(None),
    Account.mfa_since.is_not(None),
)


def init_app(app: Flask) -> None:
    """Give ``app`` the key that marks its MFA tokens."""
    app.extensions["mfa_tokens"] = derive(app.config["SECRET_KEY"], "mfa tokens")


def write(account_id: str, password_hash: str, version: int) -> str:
    """Return a token for whoever has just shown to know the password of ``password_hash``."""
    return _write(account_id, int(utc_now().timestamp()) + LIFETIME, password_hash, version)


def read(token: str) -> AnyRow | None:
    """Return the `id`, `email` and `password_hash` of the account that ``token`` is for.

    None where it is not ours or too old, or where the account is gone or has been changed, or has no second
    factor by now. All look the same.
    """
    try:
        content = base64.urlsafe_b64decode(token.removeprefix(PREFIX) + "==")
        account, ends = _SHAPE.unpack(content[:-_MARK])
    except (ValueError, struct.error):
        return None
    found = fetch_one(_FIND, account_id=str(uuid.UUID(bytes=account)))
    if found is None or ends <= utc_now().timestamp():
        return None
    # The whole text is compared, so that there is one spelling of each token and no other.
    ours = _write(found.id, ends, found.password_hash, found.version)
    return found if hmac.compare_digest(ours.encode(), token.encode()) else None


def _write(account_id: str, ends: int, password_hash: str, version: int) -> str:
    body = _SHAPE.pack(uuid.UUID(account_id).bytes, ends)
    state = f"{version} {password_hash}".encode()
    mark = hmac.digest(current_app.extensions["mfa_tokens"], body + state, hashlib.sha256)
    return PREFIX + base64.urlsafe_b64encode(body + mark).decode().rstrip("=")
