"""A copy of SQLite while clients go on writing, and how to restore it. For PostgreSQL there is pg_dump.

Copying the file would not do: what was committed last is in another one, `-wal`, and moves between the two.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from ..extensions import db
from ..files import make_private
from ..models.columns import utc_now

BUSY = 30  # seconds that a copy waits for writers


class NoBackup(Exception):
    """The copy cannot be made, or not restored; the text says why."""


def back_up(folder: Path) -> Path:
    """Write a copy of the database into ``folder``, as it is at one moment, and return the file.

    It has its name only when it is whole and on the disk. For its owner alone: e-mail addresses are in it.

    Raises:
        NoBackup: this is not SQLite, there is no database, or the copy is damaged.
    """
    file = folder / f"accounts-{utc_now():%Y%m%dT%H%M%S%fZ}.sqlite"
    part = file.with_suffix(".part")
    part.touch(mode=0o600, exist_ok=False)
    try:
        with closing(_open(_database(), "rw")) as source:
            source.execute("VACUUM INTO ?", (str(part),))
        _check(part)
        with part.open("rb+") as written:
            os.fsync(written.fileno())  # SQLite leaves that to us
        part.rename(file)
    except sqlite3.Error as error:
        raise NoBackup(str(error)) from error
    finally:
        part.unlink(missing_ok=True)
    return file


def restore(file: Path) -> None:
    """Make the database what it was when ``file`` was written; by SQLite itself, in one transaction.

    A process that has it open goes on with the new content. Nothing is left of the old one.

    Raises:
        NoBackup: this is not SQLite, or the file is not there, damaged, or no backup of this service.
    """
    try:
        _check(file)
        make_private(_database())
        with closing(_open(file, "ro")) as source, closing(_open(_database(), "rwc")) as target:
            source.backup(target)
    except sqlite3.Error as error:
        raise NoBackup(str(error)) from error


def _database() -> Path:
    if db.engine.dialect.name != "sqlite":
        raise NoBackup("PostgreSQL has its own commands for this: pg_dump and pg_restore")
    return Path(db.engine.url.database or "")


def _open(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY)


def _check(file: Path) -> None:
    with closing(_open(file, "ro")) as copy:
        (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise NoBackup(f"{file.name} is damaged")
        copy.execute("SELECT version_num FROM alembic_version").fetchone()
