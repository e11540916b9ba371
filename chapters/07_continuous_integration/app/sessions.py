"""Sessions: a row for each log-in. A token is valid as long as its row exists. Built test first."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from flask import current_app
from flask_jwt_extended import create_access_token
from sqlalchemy import delete

from .extensions import db
from .models import Account, Session


def begin(account: Account) -> str:
    """Log ``account`` in and return an access token for it."""
    lifetime = timedelta(seconds=current_app.config["JWT_ACCESS_TOKEN_EXPIRES"])
    now = datetime.now(UTC)
    db.session.execute(delete(Session).where(Session.expires_at < now))  # no other code deletes them
    session = Session(id=uuid4().hex, account_id=account.id, expires_at=now + lifetime)
    db.session.add(session)
    db.session.commit()
    return create_access_token(identity=str(account.id), additional_claims={"sid": session.id})


def find(session_id: str) -> Session | None:
    """Return a session, or None if it was ended or never begun."""
    return db.session.get(Session, session_id)


def end(session: Session) -> None:
    """Log out: the session's token stops working."""
    db.session.delete(session)
    db.session.commit()


def end_others(session: Session) -> None:
    """End all other sessions of the account, when the caller commits."""
    others = delete(Session).where(Session.account_id == session.account_id, Session.id != session.id)
    db.session.execute(others)
