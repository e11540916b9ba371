"""The commands `backup` and `restore`: what a copy is, and what is refused. tests/drills rehearses both."""

from __future__ import annotations

import shlex
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kit.adapter import Stage


@pytest.fixture
def file(service: Stage) -> Path:
    """The file of the database."""
    return Path(service.app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"))


def run(service: Stage, command: str, *arguments: Path, **options: Any) -> Any:
    """Run a command of an operator."""
    words = [*shlex.split(command), *map(str, arguments)]
    return service.app.test_cli_runner().invoke(args=words, **options)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes of files")
def test_a_copy_is_private_and_whole(service: Stage, file: Path, tmp_path: Path) -> None:
    """Its name is printed, only its owner may read it, and the last change is in it."""
    copies = tmp_path / "copies"
    copies.mkdir()
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")  # the last change stays in the other file, `-wal`
        writer.executescript("CREATE TABLE last (word); INSERT INTO last VALUES ('committed')")
        done = run(service, "backup", copies)

    assert done.exit_code == 0, done.output
    (copy,) = copies.iterdir()
    assert done.stdout.strip() == str(copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT count(*) FROM accounts").fetchone() == (0,)
        assert database.execute("SELECT word FROM last").fetchall() == [("committed",)]


def test_what_is_refused(service: Stage, file: Path, tmp_path: Path) -> None:
    """A damaged copy, a file of something else, no confirmation: the database stays as it is."""
    before = file.read_bytes()
    damaged, foreign = tmp_path / "damaged.sqlite", tmp_path / "foreign.sqlite"
    damaged.write_bytes(before[: len(before) // 2])
    with closing(sqlite3.connect(foreign)) as database:
        database.execute("CREATE TABLE something_else (id INTEGER)")
        database.commit()

    for copy in (damaged, foreign, tmp_path / "nothing"):
        refused = run(service, "restore --yes", copy)
        assert refused.exit_code != 0 and "Error: " in refused.stderr and "Traceback" not in refused.stderr
    assert run(service, "restore", file, input="n\n").exit_code != 0
    assert run(service, "backup", tmp_path / "nothing").exit_code != 0
    assert file.read_bytes() == before


@pytest.mark.parametrize("command", ["backup", "restore --yes"])
def test_postgresql_is_left_to_its_own_commands(
    service: Stage, file: Path, tmp_path: Path, command: str
) -> None:
    """The command says which they are, and does not even look for the server."""
    assert file.exists()
    service.migrates = False
    service.app = service.new_app(SQLALCHEMY_DATABASE_URI="postgresql+psycopg://nobody@127.0.0.1:1/nothing")

    done = run(service, command, file if "restore" in command else tmp_path)

    assert done.exit_code != 0
    assert done.stderr.strip() == "Error: PostgreSQL has its own commands for this: pg_dump and pg_restore"
