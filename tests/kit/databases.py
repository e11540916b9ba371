"""PostgreSQL for the tests: a database of its own for each application, copied from one that is migrated.

Copying takes half a second, so a database of which a test has changed only the rows is emptied and lent
again. The server is at TEST_DATABASE_URL, or at the usual address of this machine. All that is made there
has a name of this run, and is dropped at its end.
"""

from __future__ import annotations

import os
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import psycopg
from kit.guard import MADE
from psycopg import sql

USUAL = "postgresql://postgres@127.0.0.1:5432/postgres"
HOW = "docker run -p 5432:5432 -e POSTGRES_HOST_AUTH_METHOD=trust postgres; or set TEST_DATABASE_URL"
#: What a migration, and nothing else, changes: every table, index and column, and the version they have.
SHAPE = """
SELECT string_agg(concat_ws(' ', relname, attname, atttypid, attnotnull), ',' ORDER BY relname, attnum),
       (SELECT string_agg(version_num, ',') FROM alembic_version)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace AND NOT attisdropped
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


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
        self._empty: list[str] = []  # migrated and empty
        self.template: str | None = None  # the name of the database that is migrated
        self._shape: Any = None  # of the template, and its tables
        self._tables: list[str] = []

    def url_of(self, name: str) -> str:
        """Return the URL of the database ``name``."""
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def new_name(self) -> str:
        """Return a name that no database has; nothing is made yet."""
        return f"{MADE}{os.getpid()}_{next(self._serial)}"

    def make(self, name: str, like: str | None = None) -> None:
        """Make the database ``name``, empty or as a copy, unless it is there."""
        if name in self._made:
            return
        template = sql.SQL(" TEMPLATE {}").format(sql.Identifier(like)) if like else sql.SQL("")
        database = sql.Identifier(name)
        self._server.execute(sql.SQL("CREATE DATABASE {}").format(database) + template)
        # No commit waits for the disk, because tests need not survive a power cut.
        self._server.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(database))
        self._made.add(name)

    def lend(self) -> str:
        """Return the name of a migrated, empty database; it may have to be made first."""
        return self._empty.pop() if self._empty else self.new_name()

    def take_back(self, name: str) -> None:
        """Take back a database: it is lent again if it can be emptied, and dropped otherwise."""
        if self._emptied(name):
            self._empty.append(name)
        else:
            self.drop(name)

    def _emptied(self, name: str) -> bool:
        """Empty a database, unless it is still in use, or its tables are not as they were."""
        if name not in self._made or self.template is None:
            return False
        try:
            if self._shape is None:
                with psycopg.connect(self.url_of(self.template)) as connection:
                    self._shape = connection.execute(SHAPE).fetchone()
                    self._tables = [table for (table,) in connection.execute(TABLES)]
            with psycopg.connect(self.url_of(name)) as connection:
                if (
                    connection.execute(OTHERS).fetchone() != (0,)
                    or connection.execute(SHAPE).fetchone() != self._shape
                ):
                    return False
                # Without the foreign keys, so that the order of the tables does not matter.
                delete = [sql.SQL("DELETE FROM {}").format(sql.Identifier(table)) for table in self._tables]
                connection.execute(
                    sql.SQL("; ").join([sql.SQL("SET LOCAL session_replication_role = replica"), *delete])
                )
        except psycopg.Error:  # only a superuser may switch off the foreign keys
            return False
        return True

    def drop(self, name: str) -> None:
        """Drop a database, even one that is still in use."""
        self._server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._made.discard(name)

    def close(self) -> None:
        """Drop what is left."""
        for name in list(self._made):
            self.drop(name)
        self._server.close()
