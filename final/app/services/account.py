"""Accounts: signing up, reading, changing, deleting, and who may do it to whom. Chapters 1, 3 and 6."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from typing import Any, cast

from sqlalchemy import CursorResult, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from ..errors import AccountNotFound, EmailTaken, FieldError, InvalidInput, LastAdmin, WrongPassword
from ..extensions import AnyRow, db, fetch_all, fetch_one, transaction
from ..models import Account, Role
from . import passwords, sessions
from .auth import Principal
from .emails import email_key, is_email, tidy

NAME_MAX_LENGTH = 100  # code points

_SHOWN = select(Account.id, Account.email, Account.name, Account.role, Account.created_at)
_ONE = _SHOWN.where(Account.id == bindparam("account_id"))
_HASH = select(Account.password_hash).where(Account.id == bindparam("account_id"))
_PAGE = _SHOWN.where(Account.id > bindparam("after")).order_by(Account.id).limit(bindparam("limit"))


def register(email: str, name: str, password: str) -> None:
    """Sign somebody up. Nobody learns here whether the e-mail had an account already.

    Raises:
        InvalidInput: something is wrong with one of the three.
        TooBusy: too many passwords are being hashed.
    """
    # For a known e-mail the work is the same, to the hash and the attempt to insert; so is the answer.
    with suppress(EmailTaken):
        create(email, name, password)


def create(email: str, name: str, password: str, role: Role = Role.MEMBER) -> Account:
    """Store a new account and return it.

    Raises:
        InvalidInput: something is wrong with the e-mail, the name or the password.
        EmailTaken: the e-mail has an account, in this or another spelling.
        TooBusy: too many passwords are being hashed.
    """
    email, name = tidy(email), _tidy(name)
    _refuse(problem_with_email(email), problem_with_name(name), passwords.problem_with_new(password))
    # Hashed before the e-mail is looked up, and outside of the transaction: no lock is held for a hash.
    hashed = passwords.current().hash(password)
    account = Account(email=email, email_key=email_key(email), name=name, role=role, password_hash=hashed)
    try:
        with transaction():
            db.session.add(account)
    except IntegrityError:
        # The database decides: of two sign-ups at the same moment one ends here.
        raise EmailTaken from None
    return account


def set_password(email: str, password: str) -> None:
    """Give the account of ``email`` another password. For operators: nobody is asked for the current one.

    Raises:
        InvalidInput: the password cannot be one.
        AccountNotFound: the e-mail has no account.
        TooBusy: too many passwords are being hashed.
    """
    _refuse(passwords.problem_with_new(password))
    hashed = passwords.current().hash(password)
    with transaction():
        found = db.session.scalar(select(Account).where(Account.email_key == email_key(email)))
        if found is None:
            raise AccountNotFound
        found.password_hash = hashed


def change_password(asker: Principal, current: str, new: str) -> None:
    """Give ``asker`` another password, and log them out everywhere else: whoever had the old one is out.

    Raises:
        InvalidInput: the new password cannot be one.
        WrongPassword: ``current`` is not the password, or not any more.
        TooBusy: too many passwords are being hashed.
    """
    _refuse(passwords.problem_with_new(new, field="new_password"))
    found = fetch_one(_HASH, account_id=asker.id)
    if found is None or not passwords.current().verify(found.password_hash, current):
        raise WrongPassword
    hashed = passwords.current().hash(new)
    # No lock was held for the two hashes. Only the password that was checked is replaced: of several changes
    # at the same moment one wins, and `current` is wrong for the others. First the account and then its
    # sessions: a log-in locks the account too, so none with the old password slips in between.
    mine = update(Account).where(Account.id == asker.id, Account.password_hash == found.password_hash)
    with transaction():
        changed = db.session.execute(mine.values(password_hash=hashed))
        if cast(CursorResult[Any], changed).rowcount == 0:
            raise WrongPassword
        sessions.end_others(asker)


def find(asker: Principal, account_id: str) -> AnyRow | Principal:
    """Return the account that ``asker`` may see.

    Raises:
        AccountNotFound: there is none by that id, or it is somebody else's.
    """
    if asker.id == account_id:
        return asker  # read a moment ago, to check the token
    _must_be_allowed(asker, account_id)
    row = fetch_one(_ONE, account_id=account_id)
    if row is None:
        raise AccountNotFound
    return row


def find_page(after: str, limit: int) -> list[AnyRow]:
    """Return the next ``limit`` accounts behind the one whose id is ``after``, oldest first."""
    return fetch_all(_PAGE, after=after, limit=limit)


def rename(asker: Principal, account_id: str, name: str) -> Account:
    """Give an account another name and return it.

    Raises:
        InvalidInput: the name cannot be one.
        AccountNotFound: there is none by that id, or it is somebody else's.
    """
    name = _tidy(name)
    _refuse(problem_with_name(name))
    _must_be_allowed(asker, account_id)
    with transaction():
        account = _get(account_id)
        account.name = name
    return account


def remove(asker: Principal, account_id: str) -> None:
    """Delete an account and, by the database, its sessions.

    Raises:
        AccountNotFound: there is none by that id, or it is somebody else's.
        LastAdmin: nobody else could administer the service.
    """
    _must_be_allowed(asker, account_id)
    with transaction():
        account = _get(account_id)
        # Locked, so that of the last two admins who leave at the same moment one stays.
        active = select(Account.id).where(Account.role == Role.ADMIN, Account.disabled_at.is_(None))
        if list(db.session.scalars(active.with_for_update())) == [account_id]:
            raise LastAdmin
        db.session.delete(account)


def problem_with_email(email: str) -> FieldError | None:
    """Say why ``email`` cannot be an address, None where it can."""
    if is_email(email):
        return None
    return FieldError("email", "not_an_email", "give an e-mail address, mina@example.com for example")


def problem_with_name(name: str) -> FieldError | None:
    """Say why ``name`` cannot be a name, None where it can."""
    categories = [unicodedata.category(letter) for letter in name]
    if all(category[0] in "CZ" for category in categories):
        return FieldError("name", "blank", "give a name that can be seen")
    if len(name) > NAME_MAX_LENGTH:
        return FieldError("name", "too_long", f"use at most {NAME_MAX_LENGTH} characters")
    if any(category in {"Cc", "Cs", "Zl", "Zp"} for category in categories):
        return FieldError("name", "control_character", "leave out line breaks and control characters")
    return None


def _tidy(name: str) -> str:
    # Only what has a chance: normalising a very long text is slow.
    name = name.strip(" ")
    return unicodedata.normalize("NFC", name) if len(name) <= NAME_MAX_LENGTH else name


def _refuse(*problems: FieldError | None) -> None:
    errors = [problem for problem in problems if problem is not None]
    if errors:
        raise InvalidInput(errors)


def _must_be_allowed(asker: Principal, account_id: str) -> None:
    if asker.role != Role.ADMIN and asker.id != account_id:
        raise AccountNotFound


def _get(account_id: str) -> Account:
    account = db.session.get(Account, account_id, with_for_update=True)
    if account is None:
        raise AccountNotFound
    return account
