"""A connection to PostgreSQL that does not wait for ever. Chapter 2."""

from __future__ import annotations

import time
from typing import Any

import psycopg

from .engines import SERVER_SETTINGS, silence


class Silent(psycopg.OperationalError):
    """The database is connected, and does not answer."""

    silent = True


class Connection(psycopg.Connection[Any]):
    """A connection that is given up when the server is silent for too long; all waiting is in `wait`."""

    patient = False  # of a migration, which takes as long as it takes

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Do the next step of the conversation.

        Raises:
            Silent: it takes longer than `silence` allows. The connection is closed: what might still arrive
                on it would be taken for the answer to something else.
        """
        if self.patient:
            return super().wait(gen, interval, timeout)
        limit = timeout or silence.get()
        end = time.monotonic() + limit
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            if time.monotonic() < end:
                raise
            self.pgconn.finish()
            raise Silent("the database is connected, and does not answer") from None


def connect(dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> Connection:
    """Return a new connection to a server that has been told its limits."""
    connection = Connection.connect(*arguments, **options, autocommit=True)
    told = "; ".join(f"SET {name} = '{value}'" for name, value in SERVER_SETTINGS.items())
    connection.execute(told)  # in no transaction: undoing that would undo these
    connection.autocommit = False
    return connection
