"""Whether the service is ready: the database answers and is migrated, and its keys can be read."""

from __future__ import annotations

from sqlalchemy import String, column, select, table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..database import fetch_all
from ..engines import at_most
from ..exceptions import NotReady
from ..migrations import older_revisions
from . import keys

ANSWER_WITHIN = 2  # seconds: less than a probe waits
_REVISIONS = select(column("version_num", String)).select_from(table("alembic_version"))


def must_be_ready() -> None:
    """Return if the database is reachable and has been migrated, and its keys can be read.

    A revision that this code has not heard of is that of the next version, which is being deployed: its
    migrations leave alone what this one needs, so it goes on until it is replaced.

    Raises:
        NotReady: it is not, or has not, or they cannot.
    """
    try:
        with at_most(ANSWER_WITHIN):
            revisions = {row.version_num for row in fetch_all(_REVISIONS)}
    except (DBAPIError, PoolTimeout):
        raise NotReady from None  # not reachable, or without the table
    if not revisions or revisions & older_revisions():
        raise NotReady
    keys.current().refresh()
