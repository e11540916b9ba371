"""Signing up, and proving that the owner reads the mail of the address. Chapters 1 and 2.

No client learns here which e-mail has an account: answer and work are the same, and only the mail differs.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from ..database import transaction
from ..exceptions import EmailTaken, LinkRefused
from ..extensions import db
from ..models import Account, Kind, Purpose, Role
from ..models.columns import utc_now
from . import audit, codes, mail, one_time_tokens, sessions
from .account import prepare
from .emails import email_key


def register(email: str, name: str, password: str) -> None:
    """Sign an owner up, and have mail sent: to confirm the address, or to say that it has an account.

    Raises:
        InvalidInput: something is wrong with one of the three.
        TooBusy: too many passwords are being hashed.
    """
    signed_up = prepare(email, name, password)  # to the hash, which is all that takes time
    with transaction():
        # A known e-mail gets as far as a new one: the database refuses the row, and of two sign-ups at the
        # same moment one. From here on both do the same.
        is_new = _insert(signed_up)
        account_id = db.session.scalar(select(Account.id).where(Account.email_key == signed_up.email_key))
        # What it says depends on whether the address is confirmed when it is sent. Which of several sign-ups
        # is the owner's is not known, so each link confirms its own, and the first is in the account.
        mail.queue(Kind.SIGNED_UP, account_id, sign_up=None if is_new else signed_up)
        outcome = audit.DONE if is_new else audit.REFUSED
        audit.record("account.create", account_id=account_id, outcome=outcome)


def resend(email: str) -> None:
    """Mail an owner who lost the mail of a sign-up; no client learns here if ``email`` has an account.

    An address that is confirmed already is told so: it has an account. Otherwise the link is one to a new
    password: there may have been several sign-ups, and this request does not say whose password counts.
    """
    with transaction():
        account_id = db.session.scalar(select(Account.id).where(Account.email_key == email_key(email)))
        mail.queue(Kind.RESEND, account_id)
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
    """Confirm the address of an account by the token of a mailed link.

    The account gets the name and the password of the sign-up whose link this is. A client that used it
    meanwhile by another sign-up, where that is allowed, loses its sessions and its second factor.

    Raises:
        LinkRefused: the token proves nothing.
    """
    try:
        with transaction():
            account, proved = one_time_tokens.take(Purpose.VERIFY, token)
            if proved.password_hash is not None:
                account.change(name=proved.name, password_hash=proved.password_hash)
                codes.take_back(account)
                sessions.end_of(account.id)
            account.change(verified_at=utc_now())
            one_time_tokens.retire(account.id)
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
