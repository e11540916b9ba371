"""Accounts: reading, changing and deleting them, and who may do it to whom. Chapters 1 and 3."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import bindparam, select

from ..database import AnyRow, fetch_all, fetch_one, transaction
from ..exceptions import (
    AccountNotFound,
    ConditionFailed,
    ConditionMissing,
    LastAdmin,
    NotAllowed,
    WrongCode,
    WrongPassword,
    refuse,
)
from ..extensions import db
from ..models import Account, Kind, Role
from ..models.columns import utc_now
from . import audit, codes, mail, one_time_tokens, passwords, sessions
from .auth import Principal
from .authorization import check_recent_login, check_second_factor
from .credentials import must_know
from .emails import email_key, problem_with_email, tidy
from .names import problem_with_name, tidy_name

#: Says whether the version of a row is one that the client has read; None where the client named none.
Condition = Callable[[str], bool] | None

_SHOWN = select(
    *(Account.id, Account.email, Account.name, Account.role, Account.created_at),
    *(Account.verified_at, Account.disabled_at, Account.mfa_since, Account.version),
)
_ID = select(Account.id).where(Account.email_key == bindparam("key"))
_ONE = _SHOWN.where(Account.id == bindparam("account_id"))
_STATES = {
    "active": Account.disabled_at.is_(None) & Account.verified_at.is_not(None),
    "unverified": Account.disabled_at.is_(None) & Account.verified_at.is_(None),
    "disabled": Account.disabled_at.is_not(None),
}


def prepare(email: str, name: str, password: str, role: Role = Role.MEMBER) -> Account:
    """Return an account that is not stored yet.

    Raises:
        InvalidInput: something is wrong with the e-mail, the name or the password.
        TooBusy: too many passwords are being hashed.
    """
    email, name = tidy(email), tidy_name(name)
    refuse(problem_with_email(email), problem_with_name(name), passwords.problem_with_new(password, email))
    # Hashed before the e-mail is looked up, and outside of the transaction: no lock is held for a hash.
    hashed = passwords.current().hash(password)
    return Account(email=email, email_key=email_key(email), name=name, role=role, password_hash=hashed)


def find(asker: Principal, account_id: str) -> AnyRow | Principal:
    """Return the account that ``asker`` may see.

    Raises:
        AccountNotFound: no account has that id, or ``asker`` may not see it.
    """
    if asker.id == account_id:
        return asker  # read a moment ago, to check the token
    _must_be_allowed(asker, account_id)
    row = fetch_one(_ONE, account_id=account_id)
    if row is None:
        raise AccountNotFound
    return row


def find_id(email: str) -> str | None:
    """Return the id of the account of ``email``, in any spelling; None where there is none."""
    row = fetch_one(_ID, key=email_key(email))
    return None if row is None else str(row.id)


def find_page(
    after: str, limit: int, email: str | None = None, role: str | None = None, state: str | None = None
) -> list[AnyRow]:
    """Return the next ``limit`` accounts behind the one whose id is ``after``, oldest first.

    Args:
        email: only the account of this address, in any spelling.
        role: only those with this role.
        state: only those that are `active`, `unverified` or `disabled`.
    """
    statement = _SHOWN.where(Account.id > after).order_by(Account.id).limit(limit)
    if email is not None:
        statement = statement.where(Account.email_key == email_key(email))
    if role is not None:
        statement = statement.where(Account.role == role)
    if state is not None:
        statement = statement.where(_STATES[state])
    return fetch_all(statement)


def change(
    asker: Principal,
    account_id: str,
    condition: Condition,
    *,
    name: str | None = None,
    role: str | None = None,
    disabled: bool | None = None,
) -> Account:
    """Change what is given, and return the account. It counts from the next request on.

    Raises:
        InvalidInput: the name cannot be one.
        AccountNotFound: no account has that id, or ``asker`` may not see it.
        NotAllowed: role and state are for admins to change.
        MfaNeeded, LoginTooOld: an admin has to prove more for these, and for another account.
        ConditionMissing, ConditionFailed: the client named no version of it, or another one.
        LastAdmin: no other admin could log in.
    """
    if name is not None:
        name = tidy_name(name)
        refuse(problem_with_name(name))
    _must_be_allowed(asker, account_id, changes=True)
    if asker.role != Role.ADMIN and (role, disabled) != (None, None):
        audit.record("account.change", account_id=account_id, actor_id=asker.id, outcome=audit.REFUSED)
        raise NotAllowed
    if (role, disabled) != (None, None):
        check_second_factor(asker)  # for one's own account, too
        check_recent_login(asker)
    with transaction():
        account = _lock(account_id, condition, leaves=disabled is True or role == Role.MEMBER)
        if name is not None and account.change(name=name):
            audit.record("account.name", account_id=account_id, actor_id=asker.id)
        if role is not None and account.change(role=role):
            audit.record("account.role", account_id=account_id, actor_id=asker.id, role=role)
        if disabled is not None:
            set_disabled(account, disabled, actor_id=asker.id)
    return account


def set_disabled(account: Account, disabled: bool, actor_id: str | None = None) -> None:
    """Disable ``account``, or enable it again. Only inside of `transaction()`.

    Sessions and links that were mailed end with it, so that enabling the account brings none of them back.
    """
    if disabled == (account.disabled_at is not None):
        return
    account.change(disabled_at=utc_now() if disabled else None)
    sessions.end_of(account.id)
    one_time_tokens.retire(account.id)
    action = "account.disable" if disabled else "account.enable"
    audit.record(action, account_id=account.id, actor_id=actor_id)


def remove(asker: Principal, account_id: str, condition: Condition) -> None:
    """Delete the account of another owner, for an admin.

    Raises:
        AccountNotFound: no account has that id, or ``asker`` is not an admin.
        MfaNeeded, LoginTooOld: an admin has to prove more.
        ConditionMissing, ConditionFailed: the client named no version of it, or another one.
        LastAdmin: no other admin could log in.
    """
    _must_be_allowed(asker, account_id, changes=True)
    with transaction():
        _delete(_lock(account_id, condition, leaves=True), asker)


def leave(asker: Principal, condition: Condition, current_password: str, code: str = "") -> None:
    """Delete the account of ``asker``. A token may be stolen, so it takes the password, and a code if due.

    Args:
        code: of the second factor; ignored for an account without one.

    Raises:
        WrongPassword: ``current_password`` is not the password.
        WrongCode: the account has a second factor, and ``code`` does not prove it.
        ConditionMissing, ConditionFailed: the client named no version of it, or another one.
        LastAdmin: no other admin could log in.
        TooBusy: too many passwords are being checked.
    """
    _must_match(condition, asker.version)  # before costly work, and again with the account locked
    checked = must_know(asker, current_password, "account.delete")
    with transaction():
        account = _lock(asker.id, condition, leaves=True)
        if account.password_hash != checked:  # no lock was held while it was checked
            raise WrongPassword
        proved = account.mfa_since is None or codes.spend(account, code) is not None
        if proved:
            _delete(account, asker)
    if not proved:
        audit.record("account.delete", account_id=asker.id, actor_id=asker.id, outcome=audit.FAILED)
        raise WrongCode


def lock_by_email(email: str, leaves: bool = False) -> Account:
    """Return the account of an address for an operator to change. Only inside of `transaction()`.

    Raises:
        AccountNotFound: the e-mail has none.
        LastAdmin: it is the last admin, and ``leaves``.
    """
    account_id = db.session.scalar(select(Account.id).where(Account.email_key == email_key(email)))
    return _lock(account_id or "", lambda version: True, leaves)


def _must_be_allowed(asker: Principal, account_id: str, changes: bool = False) -> None:
    if asker.id == account_id:
        return
    if asker.role != Role.ADMIN:
        raise AccountNotFound
    check_second_factor(asker)
    if changes:
        check_recent_login(asker)


def _delete(account: Account, asker: Principal) -> None:
    # With it goes, by the database, all that belongs to it. The audit stays.
    mail.queue(Kind.DELETED, email=account.email)
    audit.record("account.delete", account_id=account.id, actor_id=asker.id)
    db.session.delete(account)


def _lock(account_id: str, condition: Condition, leaves: bool) -> Account:
    """Return an account, locked until the end of this transaction; where it ``leaves``, an admin remains."""
    stay = {account_id}
    if leaves:
        # Of the last two admins who leave at the same moment one stays. All of them are locked, in one order,
        # before any other row: two who locked themselves first would wait for each other for ever.
        admins = select(Account.id).where(
            *(Account.role == Role.ADMIN, Account.disabled_at.is_(None), Account.verified_at.is_not(None))
        )
        stay = set(db.session.scalars(admins.order_by(Account.id).with_for_update())) - {account_id}
    account = db.session.get(Account, account_id, with_for_update=True)
    if account is None:
        raise AccountNotFound
    _must_match(condition, account.version)
    if not stay and account.role == Role.ADMIN and account.disabled_at is None:
        raise LastAdmin
    return account


def _must_match(condition: Condition, version: int) -> None:
    """Let a change through only if the client has read this version of what it changes."""
    if condition is None:
        raise ConditionMissing
    if not condition(str(version)):
        raise ConditionFailed
