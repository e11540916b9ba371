"""PostgreSQL for the tests: a database of its own for each application, copied from one that is migrated.

A server is found by TEST_DATABASE_URL, or at the usual address of this machine. All that is made there has a
name of this run, and is dropped at its end.
"""

from __future__ import annotations

import os
from itertools import count
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

USUAL = "postgresql://postgres@127.0.0.1:5432/postgres"
HOW = "docker run -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres; or set TEST_DATABASE_URL"


class PostgreSQL:
    """A server, and the databases that this process of the tests has made there.

    Raises:
        psycopg.OperationalError: there is no server.
    """

    _serial = count(1)

    def __init__(self) -> None:
        self.url = os.environ.get("TEST_DATABASE_URL", USUAL)
        self._server = psycopg.connect(self.url, autocommit=True, connect_timeout=2)
        self._made: set[str] = set()
        self.template: str | None = None  # the name of the database that is migrated

    def url_of(self, name: str) -> str:
        """Return the URL of the database ``name``."""
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def new_name(self) -> str:
        """Return a name that no database has; nothing is made yet."""
        return f"accounts_test_{os.getpid()}_{next(self._serial)}"

    def make(self, name: str, like: str | None = None) -> None:
        """Make the database ``name``, empty or as a copy, unless it is there."""
        if name in self._made:
            return
        template = sql.SQL(" TEMPLATE {}").format(sql.Identifier(like)) if like else sql.SQL("")
        self._server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + template)
        self._made.add(name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self._server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._made.discard(name)

    def close(self) -> None:
        """Drop whatever is left."""
        for name in list(self._made):
            self.drop(name)
        self._server.close()
