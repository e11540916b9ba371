"""What the database of a stage holds, whatever its tables and columns are called.

The tests look into it by a connection of their own, to the database that `SQLALCHEMY_DATABASE_URI` names.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from kit.adapter import Stage
from sqlalchemy import Connection, Engine, MetaData, NullPool, Table, create_engine, func, make_url, select

#: Text that may be long without being a secret: a date, or the id of something.
PUBLIC = re.compile(r"\d{4}-\d\d-\d\d.*|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.S)
LONG = 24  # characters of the shortest hash: MD5, in base 64

Values = dict[str, tuple[Any, ...]]


def of_account(app: Flask, email: str) -> Values:
    """Return what is stored of an account, by `table.column`: its row, and the rows that refer to it."""
    with _opened(app) as (connection, tables):
        accounts, row = _find(connection, tables, email)
        found: Values = {f"{accounts.name}.{name}": (value,) for name, value in row.items()}
        for table in tables:
            for key in table.foreign_keys:
                if key.column.table is accounts and table is not accounts:
                    belongs = key.parent == row[key.column.name]
                    rows = connection.execute(select(table).where(belongs)).mappings().all()
                    for column in table.columns:
                        found[f"{table.name}.{column.name}"] = tuple(one[column.name] for one in rows)
        return found


def change(app: Flask, email: str, values: Values) -> None:
    """Store other values in the row of an account, and delete its rows in the other tables that are named."""
    with _opened(app) as (connection, tables):
        accounts, row = _find(connection, tables, email)
        (key,) = accounts.primary_key
        for name, new in values.items():
            table, _, column = name.partition(".")
            if table == accounts.name:
                connection.execute(accounts.update().where(key == row[key.name]).values({column: new[0]}))
                continue
            for reference in next(one for one in tables if one.name == table).foreign_keys:
                if reference.column.table is accounts:
                    others = reference.parent.table
                    connection.execute(others.delete().where(reference.parent == row[reference.column.name]))
        connection.commit()


def count_rows(app: Flask) -> int:
    """Return how many rows all tables have together."""
    with _opened(app) as (connection, tables):
        counts = [select(func.count()).select_from(table) for table in tables]
        return sum(connection.execute(count).scalar_one() for count in counts)


def drop_tables(app: Flask) -> None:
    """Drop all tables."""
    with _opened(app) as (connection, tables):
        for table in reversed(tables):
            table.drop(connection)
        connection.commit()


def engines(app: Flask) -> list[Engine]:
    """Return the engines of the database, whatever has made them; an application may have one for reading."""
    database = make_url(app.config["SQLALCHEMY_DATABASE_URI"]).database
    found = [one for one in gc.get_objects() if issubclass(type(one), Engine)]
    return [engine for engine in found if engine.url.database == database]


def marks_of_an_admin(stage: Stage) -> tuple[Values, Values]:
    """Return what is stored of every admin, but of no member, and what is stored of members in its place."""
    emails = [f"{who}@example.com" for who in ("first-boss", "first", "second-boss", "second")]
    for email in emails:  # in turn, so that no time of creation tells them apart
        if "boss" in email:
            assert stage.create_admin(email, "관리자").exit_code == 0
            stage.token(email)  # a log-in may leave a row; signing up logs in as well
        else:
            stage.sign_up(name="김미나", email=email)
    boss, member, other_boss, other_member = (of_account(stage.app, email) for email in emails)
    told = [
        name
        for name in boss
        if boss[name] == other_boss[name] != member[name] == other_member[name] and not name.endswith(".name")
    ]
    return {name: boss[name] for name in told}, {name: member[name] for name in told}


def secrets(values: Values) -> dict[str, tuple[str, ...]]:
    """Return those of `of_account` that look like a hash: long, and neither a date nor an id."""
    long = {name: tuple(filter(None, map(_as_secret, found))) for name, found in values.items()}
    return {name: found for name, found in long.items() if found}


def _as_secret(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace") if len(value) >= 16 else None
    return value if isinstance(value, str) and len(value) >= LONG and not PUBLIC.fullmatch(value) else None


@contextmanager
def _opened(app: Flask) -> Iterator[tuple[Connection, list[Table]]]:
    """Lend a connection to the database of ``app`` and its tables, first the one that most refer to."""
    engine = create_engine(app.config["SQLALCHEMY_DATABASE_URI"], poolclass=NullPool)
    with engine.connect() as connection:
        metadata = MetaData()
        metadata.reflect(connection)
        tables = list(metadata.tables.values())
        references = [key.column.table for table in tables for key in table.foreign_keys]
        yield connection, sorted(tables, key=references.count, reverse=True)


def _find(connection: Connection, tables: list[Table], email: str) -> tuple[Table, dict[str, Any]]:
    for table in tables:
        for row in connection.execute(select(table)).mappings():
            if email in row.values():
                return table, dict(row)
    raise AssertionError("expected the account in the database that SQLALCHEMY_DATABASE_URI names")
