"""The database: its migrations, and whether the service is ready."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from adapter import Client, Stage, expect
from flask import Flask
from sqlalchemy import select


@pytest.fixture
def empty(service: Stage, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The service on a database that nobody has migrated."""
    monkeypatch.setattr("adapter._migrate", lambda *_: None)
    return service.new_app()


def db(app: Flask, *command: str) -> None:
    """Run `flask db ...`, which has to succeed."""
    result = app.test_cli_runner().invoke(args=["db", *command])
    assert result.exit_code == 0, result.output


def tables(app: Flask) -> set[str]:
    """Return the names of the tables that the database has."""
    with app.app_context(), app.extensions["sqlalchemy"].engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in rows}


def test_the_migrations_make_what_the_models_say(empty: Flask) -> None:
    """From nothing to the newest revision; Alembic then finds no difference."""
    db(empty, "upgrade")

    db(empty, "check")  # fails on any difference
    assert tables(empty) == {"accounts", "sessions", "alembic_version"}


def test_the_migrations_can_be_undone(empty: Flask) -> None:
    """Down to nothing, and up again."""
    db(empty, "upgrade")
    db(empty, "downgrade", "base")
    assert tables(empty) == {"alembic_version"}

    db(empty, "upgrade")
    assert "accounts" in tables(empty)


def test_the_service_is_ready_when_it_is_migrated(empty: Flask, problem: Any) -> None:
    """Before: 503, also for who uses it. After: 200, without a restart."""
    client = Client(empty, "/v2")
    problem(client.get("/health/ready"), 503)
    problem(client.post("/v2/auth/login", json={"email": "a@b.c", "password": "x"}), 503)
    expect(client.get("/health/live"), 200)

    db(empty, "upgrade")

    expect(client.get("/health/ready"), 200)


def test_a_database_of_another_revision_is_not_ready(service: Stage, problem: Any, in_database: Any) -> None:
    """A deployment that runs ahead of its migrations, or behind them, gets no requests."""
    in_database("UPDATE alembic_version SET version_num = '9999'")

    problem(service.client.get("/health/ready"), 503)


OLD_SESSION = (
    "INSERT INTO accounts VALUES ('a', 'm@b.c', 'm@b.c', 'Mina', 'member', 'x', '2026-01-01 00:00:00', NULL)",
    "INSERT INTO sessions VALUES ('s', 'a', '2026-01-02 00:00:00', '2099-01-01 00:00:00', NULL)",
)


def test_the_sessions_of_before_go_on(empty: Flask) -> None:
    """A session from before the devices keeps its end, and was last used when it began."""
    db(empty, "upgrade", "0001")
    with empty.app_context(), empty.extensions["sqlalchemy"].engine.begin() as connection:
        for statement in OLD_SESSION:
            connection.exec_driver_sql(statement)

    db(empty, "upgrade")

    with empty.app_context(), empty.extensions["sqlalchemy"].engine.begin() as connection:
        row = connection.exec_driver_sql("SELECT last_used_at, revoked_at, address FROM sessions").one()
        assert tuple(row) == ("2026-01-02 00:00:00", None, None)
        connection.exec_driver_sql("DELETE FROM accounts")  # and still goes with its account
        assert connection.exec_driver_sql("SELECT count(*) FROM sessions").scalar() == 0


REBUILD = '''"""Alter a table that others refer to."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9999", "0002"


def upgrade():
    with op.batch_alter_table("accounts", recreate="always") as batch:
        batch.alter_column("name", type_=sa.String(200))
'''


def test_a_migration_of_accounts_keeps_their_sessions(service: Stage, in_database: Any) -> None:
    """SQLite alters a table by dropping it; with foreign keys on, the sessions would go with the accounts."""
    service.sign_up()
    migration = service.loaded.folder / "migrations" / "versions" / "9999_rebuild.py"
    migration.write_text(REBUILD, encoding="utf-8")
    try:
        db(service.app, "upgrade")
    finally:
        migration.unlink()

    assert in_database("SELECT count(*) FROM sessions") == [(1,)]
    assert in_database("PRAGMA foreign_keys") == [(1,)]


def test_the_database_refuses_what_the_service_should(service: Stage, in_database: Any) -> None:
    """A role nobody knows and a session of nobody cannot be stored, whoever writes."""
    service.sign_up()
    for statement in (
        "UPDATE accounts SET role = 'owner'",
        "UPDATE sessions SET account_id = 'nobody'",
        "INSERT INTO accounts SELECT 'x', email, email_key, name, role, password_hash, created_at, NULL"
        " FROM accounts",
    ):
        with pytest.raises(Exception, match="constraint failed"):
            in_database(statement)


def test_sqlite_is_set_up_for_many_writers(in_database: Any) -> None:
    """Readers beside one writer, and writers that wait."""
    assert in_database("PRAGMA journal_mode") == [("wal",)]
    assert in_database("PRAGMA busy_timeout") == [(5000,)]


def test_writers_wait_for_each_other(service: Stage) -> None:
    """Who reads and then writes has the lock from the first read on: nobody is locked out, none lost."""
    service.sign_up()
    package, app, second_done = service.loaded.package, service.app, Event()

    @contextmanager
    def changing() -> Iterator[Any]:
        with app.app_context(), package.extensions.transaction():
            yield package.extensions.db.session.scalars(select(package.models.Account)).one()

    def second() -> None:
        with changing() as account:
            account.name += " and second"
        second_done.set()

    with ThreadPoolExecutor(1) as pool:
        with changing() as account:
            waiting = pool.submit(second)
            assert not second_done.wait(0.3)  # it has to wait for the first
            account.name = "first"
        waiting.result()

    assert service.list_accounts()[0]["name"] == "first and second"


def test_testing_in_memory_is_migrated_too(service: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """`TestingConfig` as it is: a database in memory, with its tables, at once."""
    monkeypatch.setattr("adapter._migrate", lambda *_: None)

    app = service.new_app(SQLALCHEMY_DATABASE_URI="sqlite://", TESTING=True)

    expect(Client(app).get("/health/ready"), 200)


def test_the_service_starts_from_any_folder(service: Stage, tmp_path: Path) -> None:
    """`flask --app .../run db upgrade` finds the migrations wherever it is typed."""
    database = tmp_path / "anywhere.sqlite"
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", str(service.loaded.folder / "run.py"), "db", "upgrade"],
        cwd=tmp_path,
        env={**_environment(), "DATABASE_URL": f"sqlite:///{database.as_posix()}"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert database.exists()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("FLASK_")}


def test_a_key_is_kept_where_files_cannot_be_linked(
    service: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a USB stick a key is kept all the same, and nothing but the key stays behind."""

    def no_links(*names: object) -> None:
        raise PermissionError("this file system knows no links")

    monkeypatch.setattr("os.link", no_links)
    keep_private = service.loaded.package.files.keep_private

    assert keep_private(tmp_path / "key.pem", b"first") == b"first"
    assert keep_private(tmp_path / "key.pem", b"second") == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["key.pem"]
    assert os.name == "nt" or (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


def test_the_first_key_wins_where_files_cannot_be_linked(
    service: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that comes second takes the key of the first, so that both check the same tokens."""

    def another_worker_is_first(own: Path, file: Path) -> None:
        file.write_bytes(b"of another worker")
        raise OSError("this file system knows no links")

    monkeypatch.setattr("os.link", another_worker_is_first)

    kept = service.loaded.package.files.keep_private(tmp_path / "key.pem", b"mine")

    assert kept == b"of another worker"
    assert [file.name for file in tmp_path.iterdir()] == ["key.pem"]


def test_a_full_disk_leaves_no_key_behind(
    service: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a private key is no use to us, and some to a thief."""

    def full(descriptor: int, mode: str) -> None:
        os.close(descriptor)
        raise OSError("no space left on the device")

    monkeypatch.setattr("os.fdopen", full)

    with pytest.raises(OSError, match="no space"):
        service.loaded.package.files.keep_private(tmp_path / "key.pem", b"key")
    assert list(tmp_path.iterdir()) == []
