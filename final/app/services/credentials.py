"""Credentials: changing the password, and the address that mail goes to. Chapter 6 for the password.

A change takes the current password, or a link that was mailed; a notice tells the owner; and clients that
logged in by the old credential are logged out.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError

from ..database import fetch_one, transaction
from ..exceptions import AccountNotFound, LinkRefused, WrongPassword, refuse
from ..extensions import db
from ..models import Account, Kind, Purpose
from ..models.columns import utc_now
from . import audit, mail, one_time_tokens, passwords, sessions
from .auth import Principal
from .emails import email_key, problem_with_email, tidy

_HASH = select(Account.password_hash).where(Account.id == bindparam("account_id"))


def change_password(asker: Principal, current: str, new: str) -> None:
    """Give ``asker`` another password, and log them out everywhere else.

    Raises:
        InvalidInput: the new password cannot be one.
        WrongPassword: ``current`` is not the password, or not any more.
        TooBusy: too many passwords are being hashed.
    """
    with_mfa = asker.mfa_since is not None
    refuse(passwords.problem_with_new(new, asker.email, with_mfa=with_mfa, field="new_password"))
    checked = must_know(asker, current, "password.change")
    hashed = passwords.current().hash(new)
    # No lock was held for the two hashes. Only the password that was checked is replaced: of several changes
    # at the same moment one wins, and `current` is wrong for the others. First the account and then its
    # sessions: a log-in locks the account too, so none with the old password slips in between.
    mine = select(Account).where(Account.id == asker.id, Account.password_hash == checked).with_for_update()
    if with_mfa:  # or it may be too short by now
        mine = mine.where(Account.mfa_since.is_not(None))
    with transaction():
        account = db.session.scalar(mine)
        if account is not None:
            account.set_password(hashed)
            sessions.end_others(asker)
            one_time_tokens.retire(asker.id)
            mail.queue(Kind.PASSWORD_CHANGED, email=asker.email)
        _record("password.change", asker, account is not None)
    if account is None:
        raise WrongPassword


def set_password(email: str, password: str) -> None:
    """Give the account of ``email`` another password. For operators: the current one is not needed.

    All its sessions end. Nothing happens where it is that password already.

    Raises:
        InvalidInput: the password cannot be one.
        AccountNotFound: the e-mail has no account.
        TooBusy: too many passwords are being hashed.
    """
    refuse(passwords.problem_with_new(password, email))
    hashed = passwords.current().hash(password)
    with transaction():
        found = db.session.scalar(
            select(Account).where(Account.email_key == email_key(email)).with_for_update()
        )
        if found is None:
            raise AccountNotFound
        if passwords.current().verify(found.password_hash, password):
            return
        found.set_password(hashed)
        sessions.end_of(found.id)
        one_time_tokens.retire(found.id)
        audit.record("password.change", account_id=found.id)


def forgot(email: str) -> None:
    """Have a link to a new password sent to ``email``, if it has an account; no client learns if it has.

    The rows for an unknown e-mail are the same; its mail has no account, and is dropped when it is due.
    """
    with transaction():
        account_id = db.session.scalar(select(Account.id).where(Account.email_key == email_key(email)))
        mail.queue(Kind.RESET, account_id)
        outcome = audit.DONE if account_id else audit.FAILED
        audit.record("password.forgot", account_id=account_id, outcome=outcome)


def reset(token: str, new: str) -> str:
    """Set a new password by the token of a mailed link, log out everywhere, and return the account's e-mail.

    It proves the address too. Failed log-ins do not prevent it: an owner whom they lock out is helped by it.

    Raises:
        InvalidInput: the new password cannot be one; the token is still good.
        LinkRefused: the token proves nothing.
        TooBusy: too many passwords are being hashed.
    """
    try:
        found = one_time_tokens.must_be_good(Purpose.RESET, token)  # a made-up one is not worth a hash
        with_mfa = found.mfa_since is not None
        refuse(passwords.problem_with_new(new, found.email, with_mfa=with_mfa, field="new_password"))
        hashed = passwords.current().hash(new)
        with transaction():
            account, _ = one_time_tokens.take(Purpose.RESET, token)
            if account.mfa_since != found.mfa_since:  # the password may be too short by now
                raise LinkRefused
            account.set_password(hashed)
            if account.verified_at is None:
                account.change(verified_at=utc_now())
            sessions.end_of(account.id)
            one_time_tokens.retire(account.id)
            mail.queue(Kind.PASSWORD_CHANGED, email=account.email)
            audit.record("password.reset", account_id=account.id, actor_id=account.id)
            return account.email
    except LinkRefused:
        audit.record("password.reset", outcome=audit.FAILED)
        raise


def ask_for_email(asker: Principal, email: str, current: str) -> None:
    """Have a link sent to ``email``, by which it becomes the address of ``asker``; the old one is told.

    No client learns here whether ``email`` has an account: if so, the mail to it says that, without a link.

    Raises:
        InvalidInput: there cannot be such an address.
        WrongPassword: ``current`` is not the password.
        TooBusy: too many passwords are being checked.
    """
    email = tidy(email)
    refuse(problem_with_email(email))
    checked = must_know(asker, current, "email.request")
    with transaction():
        account = lock(asker, checked)
        mail.queue(Kind.CONFIRM_EMAIL, asker.id, email)
        mail.queue(Kind.EMAIL_ASKED_FOR, email=account.email)
        _record("email.request", asker, True)


def confirm_email(token: str) -> None:
    """Make the address that a link was mailed to the address of its account, and tell the old one.

    Raises:
        LinkRefused: the token proves nothing, or the address has got an account meanwhile.
    """
    try:
        with transaction():
            account, proved = one_time_tokens.take(Purpose.EMAIL, token)
            old, email = account.email, proved.email
            account.change(email=email, email_key=email_key(email), verified_at=utc_now())
            one_time_tokens.retire(account.id)  # those that were mailed to the old address
            mail.queue(Kind.EMAIL_CHANGED, email=old)
            audit.record("email.change", account_id=account.id, actor_id=account.id)
            db.session.flush()
    except (LinkRefused, IntegrityError):
        audit.record("email.change", outcome=audit.FAILED)
        raise LinkRefused from None


def must_know(asker: Principal, current: str, action: str) -> str:
    """Return the hash that ``current`` was checked against; no lock is held for it: `lock` asks again.

    Args:
        action: what it is asked for, as the audit names it.

    Raises:
        WrongPassword: it is not the password of ``asker``.
        TooBusy: too many passwords are being checked.
    """
    found = fetch_one(_HASH, account_id=asker.id)
    if found is None or not passwords.current().verify(found.password_hash, current):
        _record(action, asker, False)
        raise WrongPassword
    return str(found.password_hash)


def lock(asker: Principal, checked_hash: str | None = None) -> Account:
    """Return the account of ``asker``, locked. Only inside of `transaction()`.

    Raises:
        WrongPassword: its password is not the one of ``checked_hash`` any more.
    """
    account = db.session.get(Account, asker.id, with_for_update=True)
    if account is None or checked_hash not in {None, account.password_hash}:
        raise WrongPassword
    return account


def _record(action: str, asker: Principal, succeeded: bool) -> None:
    outcome = audit.DONE if succeeded else audit.FAILED
    audit.record(action, account_id=asker.id, actor_id=asker.id, outcome=outcome)
