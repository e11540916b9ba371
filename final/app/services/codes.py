"""The codes of a second factor: those that an app makes every half-minute (RFC 6238), and recovery codes.

Each works once. What is stored of an app's code is the half-minute it was of; what is stored of a recovery
code is its hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b32encode
from enum import StrEnum

import pyotp
from flask import Flask, current_app
from sqlalchemy import delete, update

from ..database import affected
from ..extensions import db
from ..models import Account, Kind, RecoveryCode
from ..models.columns import utc_now
from . import audit, mail
from .sealing import derive, seal, unseal

PERIOD = 30  # seconds that a code is shown
SET_UP = 20  # half-minutes that there are to confirm a secret
WINDOW = (-1, 0, 1)  # half-minutes: the clock of a phone may differ, and typing takes time (RFC 6238 5.2)
RECOVERY_CODES = 10

_FROM_APP = re.compile(r"[0-9]{6}")


class Proof(StrEnum):
    """What a code was."""

    APP = "app"
    RECOVERY = "recovery"


def init_app(app: Flask) -> None:
    """Give ``app`` the key that seals the secrets of its accounts: the table alone makes no codes."""
    app.extensions["codes"] = derive(app.config["SECRET_KEY"], "second factors")


def give_secret(account: Account) -> pyotp.TOTP:
    """Give ``account`` a new secret, and return what makes codes from it. Only inside of `transaction()`."""
    secret = pyotp.random_base32()  # 160 bits, as RFC 4226 4 recommends
    account.mfa_secret = seal(current_app.extensions["codes"], secret.encode(), account.id)
    # As if the code before those that count had been taken: by this it is known how old the set-up is.
    account.mfa_since, account.mfa_step = None, _now() + WINDOW[0] - 1
    return pyotp.TOTP(secret, interval=PERIOD)


def is_set_up(account: Account) -> bool:
    """Say whether ``account`` has a secret that can be confirmed."""
    return account.mfa_secret is not None and _now() - account.mfa_step <= SET_UP


def give_recovery_codes(account: Account) -> list[str]:
    """Return new recovery codes; those of before are worth nothing. Only inside of `transaction()`."""
    forget_recovery_codes(account)
    # 120 bits each, in letters and digits that cannot be taken for one another.
    codes = [b32encode(secrets.token_bytes(15)).decode().lower() for _ in range(RECOVERY_CODES)]
    db.session.add_all(RecoveryCode(account_id=account.id, digest=_digest(code)) for code in codes)
    return ["-".join(re.findall("....", code)) for code in codes]


def take_back(account: Account) -> None:
    """Leave ``account`` without a second factor. Only inside of `transaction()`, with the account locked."""
    account.change(mfa_secret=None, mfa_since=None)
    forget_recovery_codes(account)


def forget_recovery_codes(account: Account) -> None:
    """Delete the recovery codes of ``account``. Only inside of `transaction()`, with the account locked."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.account_id == account.id))


def spend(account: Account, code: str) -> Proof | None:
    """Use ``code`` up, and say what it was; None where it proves nothing. Only inside of `transaction()`.

    Args:
        code: six digits from the app, or a recovery code; blanks and hyphens in it do not matter.
    """
    code = re.sub("[ -]", "", code)
    if _FROM_APP.fullmatch(code):
        return Proof.APP if _spend_step(account, _matching_step(account, code)) else None
    mine = (RecoveryCode.account_id == account.id, RecoveryCode.digest == _digest(code.lower()))
    # Of ten clients with the same code one has deleted it.
    if affected(delete(RecoveryCode).where(*mine)) == 0:
        return None
    mail.queue(Kind.RECOVERY_CODE_USED, email=account.email)
    audit.record("mfa.recovery", account_id=account.id, actor_id=account.id)
    return Proof.RECOVERY


def _matching_step(account: Account, code: str) -> int:
    """Return the half-minute that ``code`` is of, 0 where it is none of those that count now."""
    secret = account.mfa_secret and unseal(current_app.extensions["codes"], account.mfa_secret, account.id)
    if not secret:  # also where SECRET_KEY has changed: recovery codes go on
        return 0
    totp, now = pyotp.TOTP(secret.decode(), interval=PERIOD), _now()
    # All of them are compared, each in constant time, so that no time tells how near a guess was.
    good = [hmac.compare_digest(totp.generate_otp(now + offset), code) for offset in WINDOW]
    return max((now + offset) * matches for offset, matches in zip(WINDOW, good, strict=True))


def _now() -> int:
    return int(utc_now().timestamp()) // PERIOD


def _spend_step(account: Account, step: int) -> bool:
    # Compare and swap: of any number that come with the same code, one finds an older half-minute there.
    newer = update(Account).where(Account.id == account.id, Account.mfa_step < step)
    return affected(newer.values(mfa_step=step)) == 1


def _digest(code: str) -> str:
    # A fast hash is enough: 120 random bits cannot be guessed (ASVS 6.5.2 asks for 112).
    return hashlib.sha256(code.encode()).hexdigest()
