"""The second factor: setting it up, logging in by it, and removing it (RFC 6238, NIST SP 800-63B-4 3.1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import segno
from flask import current_app

from ..database import transaction
from ..exceptions import MfaIsOff, MfaIsOn, MfaRefused, PasswordTooWeak, WrongCode
from ..models import Account, Kind
from ..models.columns import utc_now
from . import audit, codes, devices, mail, mfa_tokens, one_time_tokens, passwords, sessions
from .account import lock_by_email
from .auth import Device, Grant, Principal, begin_session, grant
from .credentials import lock, must_know


class Setup(NamedTuple):
    """What an app has to know to make codes: three ways to tell it."""

    secret: str  # to be typed
    uri: str  # to be opened on the phone itself
    qr: str  # to be scanned: an SVG, as a data URI


def set_up(asker: Principal, current: str) -> Setup:
    """Give ``asker`` a new secret. Logging in asks for it once it is confirmed, and not before.

    Raises:
        MfaIsOn: there is a second factor; it has to be removed first.
        WrongPassword: ``current`` is not the password.
        TooBusy: too many passwords are being checked.
    """
    checked = must_know(asker, current, "mfa.set_up")
    with transaction():
        account = lock(asker, checked)
        if account.mfa_since is not None:
            raise MfaIsOn
        totp = codes.give_secret(account)
        audit.record("mfa.set_up", account_id=asker.id, actor_id=asker.id)
    uri = totp.provisioning_uri(name=asker.email, issuer_name=current_app.config["TOKEN_ISSUER"])
    return Setup(totp.secret, uri, segno.make(uri, error="m").svg_data_uri(scale=4))


def confirm(asker: Principal, code: str) -> list[str]:
    """Have log-ins ask for codes from now on, and return the recovery codes, this once.

    Every other session ends: it was begun without a code.

    Raises:
        MfaIsOn, MfaIsOff: there is nothing to confirm, for it is confirmed, or was not set up just now.
        WrongCode: the app does not have the secret, or its clock is wrong.
    """
    with transaction():
        account = lock(asker)
        if account.mfa_since is not None:
            raise MfaIsOn
        if not codes.is_set_up(account):
            raise MfaIsOff
        proved = codes.spend(account, code)
        if proved:
            account.change(mfa_since=utc_now())
            recovery_codes = codes.give_recovery_codes(account)
            sessions.end_others(asker)
            mail.queue(Kind.MFA_ON, email=account.email)
            audit.record("mfa.confirm", account_id=asker.id, actor_id=asker.id)
    if not proved:
        _failed("mfa.confirm", asker)
        raise WrongCode
    return recovery_codes


def remove(asker: Principal, current: str, code: str) -> None:
    """Have log-ins ask for no codes any more.

    A password that was chosen while they did may be too short to be the only proof. Its hash does not tell
    that, so the password is checked here, where the client shows it.

    Raises:
        MfaIsOff: the account has no second factor.
        WrongPassword: ``current`` is not the password.
        PasswordTooWeak: it is, and is not enough alone.
        WrongCode: ``code`` is neither good now nor an unused recovery code.
        TooBusy: too many passwords are being checked.
    """
    with _proving(asker, current, code, "mfa.remove") as account:
        if passwords.problem_with_new(current, account.email):
            raise PasswordTooWeak
        codes.take_back(account)
        mail.queue(Kind.MFA_OFF, email=account.email)


def renew_recovery_codes(asker: Principal, current: str, code: str) -> list[str]:
    """Return new recovery codes; those of before are worth nothing.

    Raises:
        MfaIsOff: the account has no second factor.
        WrongPassword, WrongCode: ``current`` or ``code`` does not prove the owner.
        TooBusy: too many passwords are being checked.
    """
    with _proving(asker, current, code, "mfa.renew") as account:
        mail.queue(Kind.RECOVERY_CODES_RENEWED, email=account.email)
        return codes.give_recovery_codes(account)


def remove_for(email: str) -> str:
    """Remove a second factor that its owner has lost, for an operator; return the account's address.

    An operator cannot know who asks, and the password may be too short without a code. So the password goes
    too, and all sessions end: the owner chooses a new password by a link that is mailed.

    Raises:
        AccountNotFound: the e-mail has no account.
        MfaIsOff: the account has no second factor.
    """
    with transaction():
        account = lock_by_email(email)
        if account.mfa_since is None:
            raise MfaIsOff
        codes.take_back(account)
        account.set_password(passwords.UNUSABLE_HASH)
        sessions.end_of(account.id)
        one_time_tokens.retire(account.id)
        mail.queue(Kind.MFA_REMOVED, email=account.email)
        audit.record("mfa.remove", account_id=account.id)
    return account.email


def log_in(token: str, code: str, device: Device) -> Grant:
    """Begin a session for a client that has shown the password, and now shows a code.

    A wrong code leaves the token good: after a typing mistake the password is not asked for again.

    Raises:
        MfaRefused: the token or the code proves nothing.
    """
    found = mfa_tokens.read(token)
    if found is None:
        raise MfaRefused
    session_id = begin_session(found.id, device, found.password_hash, code=code)
    if session_id is None:
        audit.record("login.mfa", account_id=found.id, outcome=audit.FAILED)
        raise MfaRefused
    return grant(found.id, session_id)._replace(marks=devices.remember(device.marks, found.email))


@contextmanager
def _proving(asker: Principal, current: str, code: str, action: str) -> Iterator[Account]:
    """Change the second factor of ``asker``, once it is proved, in one transaction; an error undoes it."""
    checked = must_know(asker, current, action)
    try:
        with transaction():
            account = lock(asker, checked)
            if account.mfa_since is None:
                raise MfaIsOff
            if not codes.spend(account, code):
                raise WrongCode
            yield account
            audit.record(action, account_id=asker.id, actor_id=asker.id)
    except WrongCode:
        _failed(action, asker)
        raise


def _failed(action: str, asker: Principal) -> None:
    audit.record(action, account_id=asker.id, actor_id=asker.id, outcome=audit.FAILED)
