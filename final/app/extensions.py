"""The extensions, made once and bound to no application: the factory does that. Chapter 2.

Also the only ways to the database: `fetch_one()` and `fetch_all()` to read, and `transaction()` to write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, Engine, Executable, MetaData, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import DeclarativeBase

from . import databases

AnyRow = Row[*tuple[Any, ...]]
T = TypeVar("T")


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


def init_database(app: Flask) -> None:
    """Connect ``app`` to its database; nothing is sent before the first statement.

    Raises:
        SystemExit: the configuration names no database that this service works with.
    """
    databases.init_app(app)
    db.init_app(app)
    with app.app_context():
        for name, engine in db.engines.items():
            databases.set_up(engine, reads=name == databases.READS)
        app.extensions["reads"] = db.engines.get(databases.READS) or db.engine


@contextmanager
def transaction() -> Iterator[Connection]:
    """Write in the block; all of it is committed at its end, or none of it.

    Objects are written by `db.session`. Where no object is needed, a statement on the connection that this
    gives costs a third.

    SQLite gives the write lock at the beginning (`BEGIN IMMEDIATE`). A transaction that reads first and wants
    to write later could be refused as "database is locked" at once, however long the timeout. PostgreSQL
    locks only the rows that are written, or read by `with_for_update()`, and each statement sees what others
    have committed before it (READ COMMITTED): a decision that has to hold to the end locks what it reads.

    Raises:
        RuntimeError: the session has begun already, by a read outside of the block. Move it inside.
    """
    session = db.session()
    if session.in_transaction():
        raise RuntimeError("read inside of transaction(), not before it")
    connection = session.connection(execution_options={"writing": True})
    calls: list[Callable[[], None]] = session.info.setdefault("after_commit", [])
    try:
        yield connection
        session.commit()
    except BaseException:
        session.rollback()
        calls.clear()
        raise
    while calls:
        calls.pop()()


def after_commit(call: Callable[[], None]) -> None:
    """Have ``call`` called once this `transaction()` is committed, and never if it is not."""
    db.session().info.setdefault("after_commit", []).append(call)


def fetch_one(statement: Executable, **values: Any) -> AnyRow | None:
    """Return the first row of ``statement``, None where there is none; no objects are built for it.

    Not inside of `transaction()`: it would not see what was written there.
    """
    return _read(lambda connection: connection.execute(statement, values).first())


def fetch_all(statement: Executable, **values: Any) -> list[AnyRow]:
    """Return every row of ``statement``; it has to limit them itself. Not inside of `transaction()`."""
    return _read(lambda connection: list(connection.execute(statement, values).all()))


def _read(read: Callable[[Connection], T]) -> T:
    """Return what ``read`` does, on a connection of the engine that only reads.

    A connection may have died in the pool, when the database was started again. To ask each time whether it
    lives would be a second trip to the server; instead a read is done again, once, since it changes nothing.
    By then the pool has thrown away whatever is older.
    """
    engine: Engine = current_app.extensions["reads"]
    try:
        with engine.connect() as connection:
            return read(connection)
    except DBAPIError as error:
        if not error.connection_invalidated or databases.is_silent(error.orig):
            raise
    with engine.connect() as connection:
        return read(connection)
