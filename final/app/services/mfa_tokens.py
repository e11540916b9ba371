"""MFA tokens: what a log-in gives after the password and before the code; how one is written and read.

A token says which account's password was right, and until when that counts. It is signed together with the
hash of that password and the version of the account, so any change of either ends the token: also a change
that is undone, as when an account was disabled for a minute. No row has to be kept for it. It is not an
access token: it has another form, another key, and one use.
"""

from __future__ import annotations

import hmac
import uuid
from hashlib import sha256

from flask import Flask, current_app
from itsdangerous import Signer
from sqlalchemy import bindparam, select

from ..database import AnyRow, fetch_one
from ..models import Account
from ..models.columns import utc_now
from .sealing import derive

PREFIX = "mfa_"
LIFETIME = 300  # seconds: to find the phone

_FIND = select(Account.id, Account.email, Account.password_hash, Account.version).where(
    Account.id == bindparam("account_id"), Account.disabled_at.is_(None), Account.mfa_since.is_not(None)
)


def init_app(app: Flask) -> None:
    """Give ``app`` the key that signs its MFA tokens."""
    app.extensions["mfa_tokens"] = derive(app.config["SECRET_KEY"], "mfa tokens")


def write(account_id: str, password_hash: str, version: int) -> str:
    """Return a token for the client that has just shown the password of ``password_hash``."""
    return _write(account_id, int(utc_now().timestamp()) + LIFETIME, password_hash, version)


def read(token: str) -> AnyRow | None:
    """Return the `id`, `email` and `password_hash` of the account that ``token`` is for.

    None where it is not ours or too old, or where the account is gone or has been changed, or has no second
    factor by now. All look the same.
    """
    try:
        account, ends, _ = token.removeprefix(PREFIX).split(".")
        account_id, end = str(uuid.UUID(account)), int(ends)
    except ValueError:
        return None
    found = fetch_one(_FIND, account_id=account_id)
    if found is None or end <= utc_now().timestamp():
        return None
    # The whole text is compared, so that there is one spelling of each token and no other.
    ours = _write(found.id, end, found.password_hash, found.version)
    return found if hmac.compare_digest(ours.encode(), token.encode()) else None


def _write(account_id: str, ends: int, password_hash: str, version: int) -> str:
    state = f"{version} {password_hash}"
    signer = Signer(current_app.extensions["mfa_tokens"], salt=state, digest_method=sha256)
    return PREFIX + signer.sign(f"{uuid.UUID(account_id).hex}.{ends}").decode()
