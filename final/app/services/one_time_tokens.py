"""One-time tokens: 256 random bits in a link that was mailed, good for one purpose, for a while, and once."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select

from ..database import AnyRow, affected, fetch_one
from ..exceptions import LinkRefused
from ..extensions import db
from ..models import WITH_LINK, Account, Mail, OneTimeToken, Purpose
from ..models.columns import utc_now

#: From the moment at which the mail is sent. To confirm an address may wait for a night.
LIFETIMES = {
    Purpose.VERIFY: timedelta(hours=24),
    Purpose.RESET: timedelta(minutes=30),
    Purpose.EMAIL: timedelta(hours=1),
}

_FIND = (
    select(*OneTimeToken.__table__.c, Account.mfa_since)
    .join(Account, Account.id == OneTimeToken.account_id)
    .where(
        OneTimeToken.digest == bindparam("digest"),
        OneTimeToken.purpose == bindparam("purpose"),
        OneTimeToken.expires_at > bindparam("now"),
        Account.disabled_at.is_(None),
    )
)


class Taken(NamedTuple):
    """What a used token proves: that its client reads the mail of ``row.email``, for ``account``."""

    account: Account
    row: AnyRow


def issue(purpose: Purpose, account: Account, mail: Mail) -> str:
    """Return a new token for the link of ``mail``; the one before for this purpose stops working.

    Only inside of `transaction()`, with the account locked, so that no second one is issued meanwhile.
    """
    token = secrets.token_urlsafe(32)
    mine = (OneTimeToken.account_id == account.id, OneTimeToken.purpose == purpose)
    if purpose != Purpose.VERIFY:  # each sign-up has its own, or a stranger's would end that of the owner
        db.session.execute(delete(OneTimeToken).where(*mine))
    db.session.add(
        OneTimeToken(
            digest=_digest(token),
            purpose=purpose,
            account_id=account.id,
            email=mail.email or account.email,
            name=mail.name,
            password_hash=mail.password_hash,
            expires_at=utc_now() + LIFETIMES[purpose],
        )
    )
    return token


def must_be_good(purpose: Purpose, token: str) -> AnyRow:
    """Return what ``token`` is for if it could be taken at this moment; asked before costly work.

    Raises:
        LinkRefused: it could not.
    """
    found = fetch_one(_FIND, digest=_digest(token), purpose=purpose, now=utc_now())
    if found is None:
        raise LinkRefused
    return found


def take(purpose: Purpose, token: str) -> Taken:
    """Use up ``token``, and return what it proves, with the account locked. Only inside of `transaction()`.

    Raises:
        LinkRefused: it was never issued, or for something else; it is used, retired or too old; or its
            account is disabled. All look the same.
    """
    digest = _digest(token)
    found = db.session.execute(_FIND, {"digest": digest, "purpose": purpose, "now": utc_now()}).first()
    if found is None:
        raise LinkRefused
    # The account first: all code that locks both does so in this order.
    account = db.session.get(Account, found.account_id, with_for_update=True)
    deleted = affected(delete(OneTimeToken).where(OneTimeToken.digest == digest))
    # Of ten clients with the same token one has deleted it.
    if account is None or account.disabled_at or deleted == 0:
        raise LinkRefused
    return Taken(account, found)


def retire(account_id: str) -> None:
    """End every link of an account: those that were mailed, and those whose letter still waits.

    Only inside of `transaction()`, with the account locked.
    """
    db.session.execute(delete(OneTimeToken).where(OneTimeToken.account_id == account_id))
    db.session.execute(delete(Mail).where(Mail.account_id == account_id, Mail.kind.in_(WITH_LINK)))


def retire_everybodys() -> None:
    """End every link of all accounts. Only inside of `transaction()`."""
    db.session.execute(delete(OneTimeToken))
    db.session.execute(delete(Mail).where(Mail.kind.in_(WITH_LINK)))


def _digest(token: str) -> str:
    # A fast hash is enough: 256 random bits cannot be guessed.
    return hashlib.sha256(token.encode()).hexdigest()
