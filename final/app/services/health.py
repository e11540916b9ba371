"""Whether the service can do its work."""

from __future__ import annotations

from functools import cache

from alembic.script import ScriptDirectory
from sqlalchemy import String, column, select, table
from sqlalchemy.exc import DatabaseError

from ..errors import NotReady
from ..extensions import MIGRATIONS, fetch_all

_REVISIONS = select(column("version_num", String)).select_from(table("alembic_version"))


def must_be_ready() -> None:
    """Return if the database is reachable and has been migrated.

    Raises:
        NotReady: it is not.
    """
    try:
        revisions = {row.version_num for row in fetch_all(_REVISIONS)}
    except DatabaseError:
        raise NotReady from None  # not reachable, or without the table
    if revisions != newest_revisions():
        raise NotReady


@cache
def newest_revisions() -> set[str]:
    """Return the revision that a database has after `flask db upgrade`."""
    return set(ScriptDirectory(str(MIGRATIONS)).get_heads())
