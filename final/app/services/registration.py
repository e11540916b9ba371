"""Signing up, and proving that one reads the mail of the address. Chapters 1 and 2.

Nobody learns here who has an account: the answer and the work are the same, and only the mail differs.
"""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ..errors import EmailTaken, LinkRefused
from ..extensions import db, transaction
from ..models import Account, Kind, Purpose, Role
from ..models.columns import utc_now
from . import audit, mail, one_time_tokens, sessions
from .account import prepare
from .emails import email_key


def register(email: str, name: str, password: str) -> None:
    """Sign somebody up, and have mail sent: to confirm the address, or to say that it has an account.

    Raises:
        InvalidInput: something is wrong with one of the three.
        TooBusy: too many passwords are being hashed.
    """
    account = prepare(email, name, password)  # to the hash, which is all that takes time
    with transaction():
        # A known e-mail gets as far as a new one: the database refuses the row, and of two sign-ups at the
        # same moment one. From here on both do the same.
        is_new = _insert(account)
        account_id = db.session.scalar(select(Account.id).where(Account.email_key == account.email_key))
        if not is_new and current_app.config["REQUIRE_VERIFIED_EMAIL"]:
            _replace_unverified(account)
        # What it says depends on whether the address is confirmed when it is sent.
        mail.queue(Kind.SIGNED_UP, account_id)
        outcome = audit.DONE if is_new else audit.REFUSED
        audit.record("account.create", account_id=account_id, outcome=outcome)


def resend(email: str) -> None:
    """Have the mail of the sign-up sent again, if ``email`` has an account; nobody learns here if it has.

    An address that is confirmed already is told so: it has an account. The link of the mail before leads
    nowhere once this one is sent.
    """
    with transaction():
        account_id = db.session.scalar(select(Account.id).where(Account.email_key == email_key(email)))
        mail.queue(Kind.SIGNED_UP, account_id)
        outcome = audit.DONE if account_id else audit.FAILED
        audit.record("account.resend", account_id=account_id, outcome=outcome)


def create(email: str, name: str, password: str, role: Role = Role.MEMBER) -> Account:
    """Store a new account and return it. For operators, who vouch for its address.

    Raises:
        InvalidInput: something is wrong with the e-mail, the name or the password.
        EmailTaken: the e-mail has an account, in this or another spelling.
        TooBusy: too many passwords are being hashed.
    """
    account = prepare(email, name, password, role)
    account.verified_at = utc_now()
    with transaction():
        if not _insert(account):
            raise EmailTaken
        audit.record("account.create", account_id=account.id, role=role)
    return account


def verify(token: str) -> None:
    """Believe that an address belongs to the account that signed up with it.

    Raises:
        LinkRefused: the token proves nothing.
    """
    try:
        with transaction():
            account, _ = one_time_tokens.take(Purpose.VERIFY, token)
            account.change(verified_at=utc_now())
            audit.record("account.verify", account_id=account.id, actor_id=account.id)
    except LinkRefused:
        audit.record("account.verify", outcome=audit.FAILED)
        raise


def _insert(account: Account) -> bool:
    """Say whether there was no account for this e-mail, in any spelling."""
    try:
        with db.session.begin_nested():
            db.session.add(account)
    except IntegrityError:
        return False
    return True


def _replace_unverified(account: Account) -> None:
    # Whoever signed up first may not have been the owner of the address. Nobody has used the account so far,
    # so what counts is what the last one wrote, and the links of the sign-ups before lead nowhere: otherwise
    # a stranger could leave an account behind for the owner to confirm, with a password that both know.
    found = db.session.scalar(select(Account).where(Account.email_key == account.email_key).with_for_update())
    if found is not None and found.verified_at is None and found.disabled_at is None:
        found.change(name=account.name, password_hash=account.password_hash)
        sessions.end_of(found.id)
        one_time_tokens.retire(found.id)
