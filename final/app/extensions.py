"""The extensions, made once and bound to no application: the factory does that. Chapter 2.

Also how the database is spoken to: the settings of SQLite, `fetch_one()` and `fetch_all()` to read, and
`transaction()`, the only way to write.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask_jwt_extended import JWTManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Executable, MetaData, Row, event
from sqlalchemy.orm import DeclarativeBase

AnyRow = Row[*tuple[Any, ...]]

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


class Base(DeclarativeBase):
    """What all models inherit from. Every constraint has a name, so that a migration can find it again."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


# What was committed can be shown without asking the database again, and the values of a statement that failed
# (an e-mail, a hash) stay out of the log.
db = SQLAlchemy(
    metadata=Base.metadata,
    session_options={"expire_on_commit": False},
    engine_options={"hide_parameters": True},
)
jwt = JWTManager()
migrate = Migrate(directory=str(MIGRATIONS), render_as_batch=True)  # SQLite alters a table by rebuilding it


def init_database(app: Flask) -> None:
    """Connect ``app`` to its database; nothing is sent before the first statement."""
    db.init_app(app)
    migrate.init_app(app, db)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", _set_up_sqlite)
            event.listen(db.engine, "begin", _begin_sqlite)


def _set_up_sqlite(connection: Any, record: Any) -> None:
    # The driver would begin transactions by its own rules, and lose concurrent updates without an error
    # (310 of 400 in a measurement). None leaves that to `_begin_sqlite`.
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout = 5000")  # milliseconds a writer waits for another
    connection.execute("PRAGMA journal_mode = WAL")  # readers and one writer at the same time
    connection.execute("PRAGMA synchronous = NORMAL")  # with WAL: a power cut loses no consistency
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


@contextmanager
def transaction() -> Iterator[None]:
    """Write in the block; all of it is committed at its end, or none of it.

    SQLite gives the write lock at the beginning (`BEGIN IMMEDIATE`). A transaction that reads first and wants
    to write later could be refused as "database is locked" at once, however long the timeout.

    Raises:
        RuntimeError: the session has begun already, by a read outside of the block. Move it inside.
    """
    session = db.session()
    if session.in_transaction():
        raise RuntimeError("read inside of transaction(), not before it")
    session.connection(execution_options={"writing": True})
    try:
        yield
        session.commit()
    except BaseException:
        session.rollback()
        raise


def fetch_one(statement: Executable, **values: Any) -> AnyRow | None:
    """Return the first row of ``statement``, None where there is none; no objects are built for it."""
    with db.engine.connect() as connection:
        return connection.execute(statement, values).first()


def fetch_all(statement: Executable, **values: Any) -> list[AnyRow]:
    """Return every row of ``statement``; it has to limit them itself."""
    with db.engine.connect() as connection:
        return list(connection.execute(statement, values).all())
