"""Keeps the tests away from every database and server that they did not make.

A learner's configuration may name a real database, and one mistake in a factory is enough for a test to use
it. So a connection is refused before it is made: for SQLite and sockets by an audit hook of Python, which
also sees what libraries do, and for other databases by SQLAlchemy, since their drivers are not Python.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from weakref import WeakSet

#: What the names of databases begin with that tests/kit/databases.py makes.
MADE = "accounts_test_"

_folder = ""  # the SQLite databases of the tests are in it
_only_own = True  # whether servers, too, have to be of this process
_listening: WeakSet[Any] = WeakSet()  # sockets of this process that have an address
_installed = _on = False


class NotMadeByTheTest(RuntimeError):
    """The code under test wants to use a database or a server that the test did not make."""


def guard(folder: Path, only: bool) -> None:
    """From now on refuse connections to what is not the tests' own.

    Args:
        folder: the tests have their SQLite databases in it, or in memory.
        only: refuse also every server that this process has not started. Tests of the course itself start
            theirs as other processes, and make databases on a server of PostgreSQL.
    """
    global _installed, _folder, _only_own, _on
    _folder, _only_own, _on = os.path.realpath(folder) + os.sep, only, True
    if _installed:  # an audit hook stays as long as the process
        return
    _installed = True
    sys.addaudithook(_check)
    try:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine
    except ImportError:  # the first chapter does without
        return
    event.listen(Engine, "do_connect", _check_engine)


def release() -> None:
    """Refuse nothing any more. In the lab, the reader's service goes on in the same process."""
    global _on
    _on = False


#: Drivers of databases whose connections are made in C, where no audit hook sees them.
DRIVERS = {
    "MySQLdb",
    "asyncpg",
    "cx_Oracle",
    "mariadb",
    "oracledb",
    "psycopg",
    "psycopg2",
    "pymssql",
    "pymysql",
    "pyodbc",
}

#: What Python runs in each process that a test starts, before anything else.
SITECUSTOMIZE = """
import importlib.util

spec = importlib.util.spec_from_file_location("course_guard", {guard!r})
course_guard = importlib.util.module_from_spec(spec)
spec.loader.exec_module(course_guard)
course_guard.guard_databases({folder!r})
"""


def guard_programs(folder: Path) -> None:
    """From now on, keep the Python programs that this process starts from databases outside of ``folder``.

    They may use servers, because a smoke test does. Their temporary files, a database among them, are in
    ``folder`` too.
    """
    place, temporary = folder / "guarded", folder / "temporary"
    place.mkdir(exist_ok=True)
    temporary.mkdir(exist_ok=True)
    text = SITECUSTOMIZE.format(guard=os.path.realpath(__file__), folder=os.path.realpath(folder))
    (place / "sitecustomize.py").write_text(text, encoding="utf-8")
    os.environ["PYTHONPATH"] = str(place)
    os.environ.update(dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)))


def guard_databases(folder: str) -> None:
    """Refuse SQLite databases outside of ``folder``, and the drivers of all other databases."""
    global _folder
    _folder = folder + os.sep
    sys.addaudithook(_check_program)


def _check_program(name: str, arguments: tuple[Any, ...]) -> None:
    if name == "sqlite3.connect":
        _check_file(os.fsdecode(arguments[0]))
    elif name == "import" and arguments[0] in DRIVERS:
        raise NotMadeByTheTest(f"a database that needs {arguments[0]}, which this test did not make")


def _check(name: str, arguments: tuple[Any, ...]) -> None:
    if not _on:
        return
    if name == "sqlite3.connect":
        _check_file(os.fsdecode(arguments[0]))
    elif name == "socket.bind":
        _listening.add(arguments[0])
    elif name == "socket.connect" and _only_own and not _is_ours(arguments[1]):
        raise NotMadeByTheTest("a server that this test did not start")


def _check_file(database: str) -> None:
    if database in ("", ":memory:"):
        return
    if database.startswith("file:"):
        path, _, query = database.removeprefix("file:").partition("?")
        if ":memory:" in path or "mode=memory" in query or "vfs=memdb" in query:
            return
        database = unquote(path)
    if not os.path.realpath(database).startswith(_folder):
        raise NotMadeByTheTest(f"the database {database}, which this test did not make")


def _is_ours(address: Any) -> bool:
    """Whether this process listens at ``address``."""
    return any(_address_of(server) == _place(address) for server in list(_listening))


def _address_of(server: Any) -> Any:
    try:
        return _place(server.getsockname())
    except OSError:  # closed meanwhile
        return None


def _place(address: Any) -> Any:
    """Return what identifies an address: the port, or the path of a Unix socket."""
    return address[1] if isinstance(address, tuple) else address


def _check_engine(dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> None:
    made = not _only_own and str(options.get("dbname", "")).startswith(MADE)
    if _on and dialect.name != "sqlite" and not made:
        raise NotMadeByTheTest(f"a database of {dialect.name}, which this test did not make")
