"""The accounts, in a dict. Chapter 2 moves them into a database, and the views will not notice."""

from dataclasses import asdict, dataclass
from itertools import count
from typing import Any


@dataclass
class Account:
    """Someone who signed up."""

    id: int
    email: str
    name: str

    def to_dict(self) -> dict[str, Any]:
        """Return what clients may see."""
        return asdict(self)


ACCOUNTS: dict[int, Account] = {}
IDS = count(1)


def is_text(value: Any) -> bool:
    """Say whether ``value`` is text a person could have typed: not blank, no control characters."""
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def problem_with_name(data: Any) -> str | None:
    """Say what is wrong with the ``name`` a client sent, or None."""
    if not isinstance(data, dict):
        return "the body must be a JSON object"
    if not is_text(data.get("name")):
        return "name must be text"
    return None


def problem_with_account(data: Any) -> str | None:
    """Say what is wrong with the new account a client sent, or None."""
    problem = problem_with_name(data)
    if problem:
        return problem
    if not is_text(data.get("email")) or "@" not in data["email"]:
        return "email must be an e-mail address"
    return None


def add(data: dict[str, Any]) -> Account | None:
    """Store a new account and return it, or None if its e-mail is taken."""
    email = data["email"].strip().lower()
    if any(account.email == email for account in ACCOUNTS.values()):
        return None
    account = Account(next(IDS), email, data["name"].strip())
    ACCOUNTS[account.id] = account
    return account


def find(account_id: int) -> Account | None:
    """Return one account, or None if there is none by that id."""
    return ACCOUNTS.get(account_id)


def find_all() -> list[Account]:
    """Return every account, oldest first."""
    return list(ACCOUNTS.values())


def find_after(account_id: int, limit: int) -> list[Account]:
    """Return the next ``limit`` accounts after ``account_id``, oldest first."""
    return [account for account in ACCOUNTS.values() if account.id > account_id][:limit]


def rename(account: Account, name: str) -> None:
    """Give ``account`` another name."""
    account.name = name.strip()


def remove(account: Account) -> None:
    """Delete ``account``."""
    del ACCOUNTS[account.id]
