"""What a mail says: its text, in English and in Korean, from templates/mail/.

No letter holds anything that a client chose, not even a name: otherwise a client could write to a stranger by
signing them up. Links lead to PUBLIC_URL, never to the `Host` of a request, and carry their token behind `#`,
which no browser sends: it gets into no log on its way.
"""

from __future__ import annotations

from typing import NamedTuple

from flask import current_app, render_template
from sqlalchemy import select

from ..extensions import db
from ..models import WITH_LINK, Account, Kind, Mail, Purpose
from . import one_time_tokens
from .emails import email_key


class Letter(NamedTuple):
    """A mail as it is sent."""

    to: str
    subject: str
    text: str


def compose(mail: Mail) -> Letter | None:
    """Return what ``mail`` says by now, None where there is nothing to say any more.

    Its token is made here, at the moment of sending, and stands nowhere but in this letter; the database gets
    its hash. Only inside of `transaction()`.
    """
    if mail.kind not in WITH_LINK:
        return _write(mail, mail.email or "", mail.kind)
    # A mail for an unknown e-mail has no account: it was queued to cost the same work, and is dropped here.
    account = mail.account_id and db.session.get(Account, mail.account_id, with_for_update=True)
    # What ends links deletes this mail, with the account locked: it may be gone since it was read.
    wanted = db.session.scalar(select(Mail.id).where(Mail.id == mail.id))
    if not account or account.disabled_at or not wanted:
        return None
    to = mail.email or account.email
    if mail.kind == Kind.RESET:
        return _write(mail, to, "reset", one_time_tokens.issue(Purpose.RESET, account, mail))
    if mail.kind == Kind.RESEND and account.verified_at is None:
        return _write(mail, to, "resend", one_time_tokens.issue(Purpose.RESET, account, mail), action="reset")
    if mail.kind == Kind.SIGNED_UP and account.verified_at is None:
        token = one_time_tokens.issue(Purpose.VERIFY, account, mail)
        return _write(mail, to, "verify", token)
    if mail.kind == Kind.CONFIRM_EMAIL and not _is_anothers(to, account):
        return _write(mail, to, "confirm_email", one_time_tokens.issue(Purpose.EMAIL, account, mail))
    return _write(mail, to, "known")


def _is_anothers(email: str, account: Account) -> bool:
    others = select(Account.id).where(Account.email_key == email_key(email), Account.id != account.id)
    return db.session.scalar(others) is not None


def _write(mail: Mail, to: str, text: str, token: str = "", action: str = "") -> Letter:
    page = current_app.config["PUBLIC_URL"].rstrip("/") + "/"
    link = f"{page}#action={action or text}&token={token}"
    when = f"{mail.created_at:%Y-%m-%d %H:%M} UTC"
    links = {"page": page, "forgot": f"{page}#action=forgot", "link": link}
    subject, _, body = render_template(f"mail/{text}.txt", **links, when=when).partition("\n\n")
    return Letter(to, subject, body)
