"""The accounts, in a database. The functions keep their names, so the views do not change."""

from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from .exceptions import EmailTaken, NoSuchAccount, WrongCredentials
from .extensions import db
from .models import Account, hash_password

LARGEST_ID = 2**63 - 1  # a database refuses to look for a larger one


def add(data: dict[str, Any], role: str = "member") -> Account:
    """Store a new account and return it.

    Raises:
        EmailTaken: the e-mail has an account already.
    """
    account = Account(email=data["email"].strip().lower(), name=data["name"].strip(), role=role)
    account.set_password(data["password"])
    db.session.add(account)
    try:
        commit()
    except IntegrityError:  # the database decides: two requests at the same moment cannot both win
        db.session.rollback()
        raise EmailTaken("this e-mail has an account") from None
    return account


def authenticate(email: str, password: str) -> Account:
    """Return the account that has this e-mail and password.

    Raises:
        WrongCredentials: no account has both. Which of the two is wrong would tell who has an account.
    """
    account = db.session.scalar(select(Account).where(Account.email == email.strip().lower()))
    if account is None:
        hash_password(password)  # as slow as a check, so that the time does not tell who has an account
    if account is None or not account.has_password(password):
        raise WrongCredentials("wrong e-mail or password")
    return account


def find(account_id: int) -> Account | None:
    """Return one account, or None if there is none by that id."""
    if account_id > LARGEST_ID:
        return None
    return db.session.get(Account, account_id)


def find_for(viewer: Account, account_id: int | None) -> Account:
    """Return an account that ``viewer`` may see: their own, also for None, or any for an admin.

    Raises:
        NoSuchAccount: the account does not exist, or ``viewer`` may not see it; both must look the same.
    """
    if account_id is None or account_id == viewer.id:
        return viewer
    account = find(account_id) if viewer.role == "admin" else None
    if account is None:
        raise NoSuchAccount("no such account")
    return account


def find_all() -> list[Account]:
    """Return every account, oldest first."""
    return list(db.session.scalars(select(Account).order_by(Account.id)))


def find_after(account_id: int, limit: int) -> list[Account]:
    """Return the next ``limit`` accounts after ``account_id``, oldest first."""
    following = select(Account).where(Account.id > account_id).order_by(Account.id).limit(limit)
    return list(db.session.scalars(following))


def rename(account: Account, name: str) -> None:
    """Give ``account`` another name."""
    account.name = name.strip()
    commit()


def remove(account: Account) -> None:
    """Delete ``account``."""
    db.session.delete(account)
    commit()


def commit() -> None:
    """Write the changes, and clear the cache: its responses show the old data."""
    db.session.commit()
    current_app.extensions["cache"].clear()
