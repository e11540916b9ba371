"""The ways to the database: `fetch_one()` and `fetch_all()` to read, `transaction()` to write. Chapter 2.

`Lookup` reads one row as well, for the one statement that every request with a token runs. SQLAlchemy does a
lot on every execution: it looks the statement up among those it has compiled, opens a transaction and closes
it, and builds a result. By `fetch_one`, `GET me` would take two thirds more of a processor, and be less than
three times as fast as the fastest of its peers. So a `Lookup` keeps the text that SQLAlchemy made, and hands
it to the driver. Where anything goes wrong, it reads by `fetch_one`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar, cast

from flask import Flask, current_app
from sqlalchemy import Connection, CursorResult, Dialect, Engine, Executable, Row, Select
from sqlalchemy.exc import DBAPIError, OperationalError

from . import engines
from .engines import is_silent
from .extensions import db

AnyRow = Row[*tuple[Any, ...]]
T = TypeVar("T")
Convert = Callable[[Any], Any] | None


def init_app(app: Flask) -> None:
    """Connect ``app`` to its database; nothing is sent before the first statement.

    Raises:
        SystemExit: the configuration names no database that this service works with.
    """
    engines.init_app(app)
    db.init_app(app)
    with app.app_context():
        for name, engine in db.engines.items():
            engines.set_up(engine, reads=name == engines.READS)
        app.extensions["reads"] = db.engines.get(engines.READS) or db.engine


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


def affected(change: Executable) -> int:
    """Carry out ``change`` and return how many rows it affected. Only inside of `transaction()`."""
    return cast(CursorResult[Any], db.session.execute(change)).rowcount


def fetch_one(statement: Executable, **values: Any) -> AnyRow | None:
    """Return the first row of ``statement``, None where there is none; no objects are built for it.

    Not inside of `transaction()`: it would not see what was written there.
    """
    return _again(lambda connection: connection.execute(statement, values).first())


def fetch_all(statement: Executable, **values: Any) -> list[AnyRow]:
    """Return every row of ``statement``; it has to limit them itself. Not inside of `transaction()`."""
    return _again(lambda connection: list(connection.execute(statement, values).all()))


def _again(read: Callable[[Connection], T]) -> T:
    """Return what ``read`` does, on a connection of the engine that only reads.

    A connection may have died in the pool, when the database was started again. To ask each time whether it
    lives would be a second trip to the server; instead a read is done again, once, since it changes nothing.
    By then the pool has dropped all older connections.
    """
    engine: Engine = current_app.extensions["reads"]
    try:
        with engine.connect() as connection:
            return read(connection)
    except DBAPIError as error:
        if not error.connection_invalidated or is_silent(error.orig):
            raise
    with engine.connect() as connection:
        return read(connection)


class _Compiled(NamedTuple):
    text: str
    order: list[str] | None  # of the values, for a driver that takes them by position; None: by name
    writes: list[tuple[str, Callable[[Any], Any]]]  # which values are written otherwise, and how
    reads: list[tuple[int, Callable[[Any], Any]]]  # which columns are read otherwise


class Lookup:
    """A statement, to be run often.

    Args:
        statement: a SELECT with `bindparam`s.
    """

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}  # by the kind of database

    def first(self, **values: Any) -> tuple[Any, ...] | None:
        """Return the first row, None where there is none. Like `fetch_one`, not inside of `transaction()`."""
        engine: Engine = current_app.extensions["reads"]
        kind = engine.dialect.name
        compiled = self._compiled.get(kind) or self._compiled.setdefault(kind, self._compile(engine.dialect))
        connection = None
        try:
            connection = engine.raw_connection()
            cursor = connection.cursor()
            cursor.execute(compiled.text, _written(values, compiled))
            found = cursor.fetchone()
            cursor.close()
        except Exception as error:
            if connection is not None:
                connection.invalidate()  # it may be dead, or in the middle of something
            if is_silent(error):
                raise OperationalError(compiled.text, None, error) from error
            return fetch_one(self._statement, **values)  # which says what is wrong, or finds it mended
        finally:
            if connection is not None:
                connection.close()  # back into the pool
        return None if found is None else _read(found, compiled)

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiled: Any = self._statement.compile(dialect=dialect)
        to_write = {
            name: bind.type.dialect_impl(dialect).bind_processor(dialect)
            for name, bind in compiled.binds.items()
        }
        to_read: list[Convert] = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in self._statement.selected_columns
        ]
        return _Compiled(
            str(compiled),
            list(compiled.positiontup) if compiled.positional else None,
            [(name, write) for name, write in to_write.items() if write],
            [(number, read) for number, read in enumerate(to_read) if read],
        )


def _written(values: dict[str, Any], compiled: _Compiled) -> Any:
    written = values | {name: write(values[name]) for name, write in compiled.writes}
    return written if compiled.order is None else [written[name] for name in compiled.order]


def _read(found: tuple[Any, ...], compiled: _Compiled) -> tuple[Any, ...]:
    row = list(found)
    for number, read in compiled.reads:
        row[number] = read(row[number])
    return tuple(row)
