"""A look-up that is compiled once: for the one statement that every request with a token runs. Chapter 2.

SQLAlchemy is comfortable on every execution: it looks the statement up among those it has compiled, opens a
transaction and closes it, and builds a result. For one row by its key that is most of the work, and more than
the database's own part. Here the text that it made is kept, and goes straight to the driver. Everything else
is read by `fetch_one`, and so is this where anything goes wrong. By `fetch_one` alone `GET me` would take two
thirds more of a processor, and be less than three times as fast as the fastest of its peers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import Dialect, Engine, Select
from sqlalchemy.exc import OperationalError

from .databases import is_silent
from .extensions import fetch_one

Convert = Callable[[Any], Any] | None


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
