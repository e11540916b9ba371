"""A database for each contender: a file of SQLite, or one on a PostgreSQL server that answers."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

USUAL = "postgresql://postgres@127.0.0.1:5432/postgres"
# Run by the Python of ours, which has the driver.
_SCRIPT = """
import sys, psycopg
with psycopg.connect(sys.argv[1], autocommit=True, connect_timeout=2) as server:
    for statement in sys.argv[2:]:
        server.execute(statement)
"""


def sqlite(folder: Path, name: str) -> str:
    """Return the URL of a new file."""
    return f"sqlite:///{folder / name}.sqlite"


class PostgreSQL:
    """A server, found by TEST_DATABASE_URL or at the usual address.

    Args:
        python: which has psycopg.
    """

    def __init__(self, python: Path) -> None:
        self._python, self._url = python, os.environ.get("TEST_DATABASE_URL", USUAL)

    def answers(self) -> bool:
        """Say whether there is one."""
        return self._run()

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """Make a database, yield its URL, and drop it, even while clients are still connected."""
        name = f"accounts_benchmark_{os.getpid()}_{name}"
        drop = f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'
        self._run(drop, f'CREATE DATABASE "{name}"')
        try:
            yield urlsplit(self._url)._replace(path=f"/{name}").geturl()
        finally:
            self._run(drop)

    def _run(self, *statements: str) -> bool:
        command = [str(self._python), "-c", _SCRIPT, self._url, *statements]
        return subprocess.run(command, capture_output=True).returncode == 0
