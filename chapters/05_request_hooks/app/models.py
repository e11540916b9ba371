"""The tables of the database."""

from flask import current_app
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.security import check_password_hash, generate_password_hash

from .extensions import db


class Account(db.Model):
    """Someone who can log in."""

    # Without this, SQLite gives the id of a deleted account to the next one, and old tokens with it.
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]

    def set_password(self, password: str) -> None:
        """Keep a salted hash of ``password``, never the password."""
        self.password_hash = hash_password(password)

    def has_password(self, password: str) -> bool:
        """Say whether ``password`` is the one that was set."""
        return check_password_hash(self.password_hash, password)

    def to_dict(self) -> dict[str, object]:
        """Return what clients may see."""
        return {"id": self.id, "email": self.email, "name": self.name, "role": self.role}


def hash_password(password: str) -> str:
    """Return a salted hash of ``password``, as costly as the configuration says."""
    return generate_password_hash(password, method=current_app.config["PASSWORD_HASH_METHOD"])
