"""The settings of each kind of database: SQLite on one machine, PostgreSQL for several. Chapter 2.

The rest of the service does not know which one it has.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Connection, Engine, ExceptionContext, event, make_url
from sqlalchemy.exc import ArgumentError

from .files import make_private

#: The engine that reads; see `init_app`.
READS = "reads"
#: How a URL of SQLite names a database that is only in memory.
IN_MEMORY = {None, "", ":memory:"}
#: How a URL may name PostgreSQL: platforms write the first, its manual the second, SQLAlchemy the third.
POSTGRESQL = ("postgres", "postgresql", "postgresql+psycopg")

# Told to the server on each new connection, as a statement: PgBouncer refuses a connection that brings them
# along as `options`. Nothing here takes seconds unless something is wrong; then it is better to answer 503
# than to hold the thread, the connection and the locks.
SERVER_SETTINGS = {
    "statement_timeout": "5s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "10s",  # of a process that stopped in the middle
    "timezone": "UTC",
}
# A server that vanished without a word (a pulled cable) is noticed in seconds, and not in two hours.
_NETWORK = {
    "connect_timeout": 2,  # seconds
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}

# A connection goes back to its pool as it is: where each statement is a transaction, none is left open.
_NOTHING_TO_UNDO = {"pool_reset_on_return": None, "skip_autocommit_rollback": True}


#: How many seconds PostgreSQL may take over any one step: a little more than it allows a statement itself.
#: Only a server that is connected and silent takes longer, one whose process or machine is frozen. TCP does
#: not notice that: its packets are acknowledged.
silence: ContextVar[float] = ContextVar("silence", default=5.5)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Wait in the block for no more than so many ``seconds`` for any step, where that is less than usual."""
    before = silence.set(min(seconds, silence.get()))
    try:
        yield
    finally:
        silence.reset(before)


def is_silent(error: BaseException | None) -> bool:
    """Say whether ``error`` is that of a silent database: asking again would take as long again."""
    return getattr(error, "silent", False)


def init_app(app: Flask) -> None:
    """Translate the URL of the database, and set the options of its engines.

    There is a second engine that only reads, where every statement is its own transaction: a look-up is then
    one trip to the server and not three, and one look-up is most of what this service does.

    Raises:
        SystemExit: the URL names neither SQLite nor PostgreSQL.
    """
    try:
        url = make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    except (ArgumentError, ValueError):
        url = make_url("unreadable://")  # the text is not repeated: there may be a password in it
    threads = app.config["DATABASE_POOL"]
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        if url.database not in IN_MEMORY:  # there each engine would have a database of its own
            options = {"pool_size": threads, "isolation_level": "AUTOCOMMIT", **_NOTHING_TO_UNDO}
            app.config["SQLALCHEMY_BINDS"] = {READS: {"url": url, **options}}
        return
    if url.drivername not in POSTGRESQL:
        sys.exit("DATABASE_URL (or SQLALCHEMY_DATABASE_URI) has to begin with sqlite: or postgresql:")
    url = url.set(drivername="postgresql+psycopg")
    app.config["SQLALCHEMY_DATABASE_URI"] = url.render_as_string(hide_password=False)
    options = _postgresql(threads)
    # The one that writes asks before each transaction whether the connection still lives: after a restart of
    # the server not even the first request fails. The other one reads again, see `database.py`.
    writes = {"pool_pre_ping": True, "isolation_level": "READ COMMITTED"}
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {**options, **writes}
    reads = {"isolation_level": "AUTOCOMMIT", **_NOTHING_TO_UNDO}
    app.config["SQLALCHEMY_BINDS"] = {READS: {"url": url, **options, **reads}}


def set_up(engine: Engine, reads: bool = False) -> None:
    """Tell the driver what the options cannot say.

    Args:
        reads: whether it is the engine that only reads.
    """
    if engine.dialect.name == "sqlite":
        event.listen(engine, "do_connect", _make_private)
        event.listen(engine, "connect", _set_up_sqlite)
        if not reads:
            event.listen(engine, "begin", _begin_sqlite)
    else:
        from .postgresql import connect  # here: a service on SQLite needs no driver of PostgreSQL

        event.listen(engine, "do_connect", connect)
        event.listen(engine, "handle_error", _leave_out_values)


def _postgresql(threads: int) -> dict[str, Any]:
    return {
        # A thread never has more than one of a kind, so none waits; the one above is for the thread that
        # sends mail, and is closed after use. A process never has more: see DATABASE_POOL.
        "pool_size": threads,
        "max_overflow": 1,
        "pool_timeout": 5,  # seconds, then 503
        "pool_recycle": 1800,  # seconds; firewalls forget connections that are older
        "connect_args": {"application_name": "accounts", **_NETWORK},
    }


def _leave_out_values(context: ExceptionContext) -> None:
    # PostgreSQL quotes: `Key (email_key)=(mina@example.com) already exists`, or the whole row with its hash.
    # Errors end up in the log. Of those about data (22) and constraints (23) only the names are kept, and of
    # all others the first line.
    error: Any = context.original_exception
    wrapped = context.sqlalchemy_exception
    if getattr(error, "sqlstate", None) is None:
        return  # it never got to the server
    said = error.diag.message_primary
    if error.sqlstate[:2] in {"22", "23"}:
        said = f"table {error.diag.table_name}, constraint {error.diag.constraint_name}"
    error.args = (f"{error.sqlstate}: {said}",)
    if wrapped is not None:
        wrapped.args = (f"({type(error).__name__}) {error}",)


def _make_private(dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> None:
    # SQLite would let every user of this machine read it. `-wal` and `-shm` beside it get its permissions.
    if arguments[0] not in IN_MEMORY and not options.get("uri"):
        make_private(Path(arguments[0]))


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
