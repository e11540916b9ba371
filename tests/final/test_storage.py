"""The database: its migrations, and whether the service is ready."""

from __future__ import annotations

import importlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from kit.adapter import PASSWORD, Client, Stage, expect
from sqlalchemy import inspect, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from course.lessons.stages import find_stage


@pytest.mark.any_database
def test_revisions_are_numbered_and_name_their_files(service: Stage) -> None:
    """So the service knows them without loading Alembic."""
    package = service.loaded.package.__name__
    older = importlib.import_module(f"{package}.migrations").older_revisions()
    scripts = ScriptDirectory(str(service.loaded.folder / "migrations"))
    assert older == {one.revision for one in scripts.walk_revisions()} - set(scripts.get_heads())
    assert len(older) >= 5


def test_what_serves_does_not_load_what_it_does_not_need(tmp_path: Path) -> None:
    """Alembic, the client of Redis, the driver of PostgreSQL: 60 MiB, loaded only where they are used."""
    unwanted = {"alembic", "redis", "psycopg", "opentelemetry"}
    program = f"import sys, wsgi; print(*sorted({unwanted} & set(sys.modules)))"
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path / 'a.db'}", "APP_CONFIG": "config.DevelopmentConfig"}
    env = {n: v for n, v in os.environ.items() if not n.startswith(("FLASK_", "REDIS"))} | settings
    call = [sys.executable, "-c", program]
    done = subprocess.run(call, cwd=find_stage("final").path, env=env, capture_output=True, text=True)
    assert done.stdout == "\n", done.stdout + done.stderr


@pytest.fixture
def empty(service: Stage) -> Flask:
    """The service on a database that is not migrated."""
    service.migrates = False
    return service.new_app()


def db(app: Flask, *command: str) -> None:
    """Run `flask db ...`, which has to succeed."""
    result = app.test_cli_runner().invoke(args=["db", *command])
    assert result.exit_code == 0, result.output


def tables(app: Flask) -> set[str]:
    """Return the names of the tables that the database has."""
    with app.app_context():
        return set(inspect(app.extensions["sqlalchemy"].engine).get_table_names())


def test_the_migrations_make_what_the_models_say(empty: Flask) -> None:
    """From an empty database to the newest revision; Alembic then finds no difference."""
    db(empty, "upgrade")

    db(empty, "check")  # fails on any difference
    named = {"accounts", "sessions", "signing_keys", "audit_events", "one_time_tokens", "outbox"} | {
        "recovery_codes"
    }
    assert tables(empty) == named | {"alembic_version"}


def test_each_migration_can_be_undone(empty: Flask, service: Stage) -> None:
    """Back at a revision, the tables are what they were there; before the first there are none."""
    scripts = ScriptDirectory(str(service.loaded.folder / "migrations"))
    revisions = ["base", *reversed([one.revision for one in scripts.walk_revisions()])]
    there = {}
    for revision in revisions:
        if revision != "base":
            db(empty, "upgrade", revision)
        there[revision] = described(empty)

    for revision in reversed(revisions[:-1]):
        db(empty, "downgrade", revision)
        assert described(empty) == there[revision], f"expected the tables of {revision}"

    db(empty, "upgrade")
    assert described(empty) == there[revisions[-1]]


def described(app: Flask) -> dict[str, dict[str, set[str]]]:
    """Return the columns, keys, indexes and conditions of each table but Alembic's, as text."""
    with app.app_context():
        inspector = inspect(app.extensions["sqlalchemy"].engine)
        parts = {
            "columns": inspector.get_columns,
            "key": lambda table: [inspector.get_pk_constraint(table)],
            "foreign keys": inspector.get_foreign_keys,
            "unique": inspector.get_unique_constraints,
            "indexes": inspector.get_indexes,
            "conditions": inspector.get_check_constraints,
        }
        return {
            table: {kind: set(map(str, read(table))) for kind, read in parts.items()}
            for table in inspector.get_table_names()
            if table != "alembic_version"
        }


def test_the_service_is_ready_when_it_is_migrated(empty: Flask, problem: Any) -> None:
    """Before: 503, for requests of clients too. After: 200, without a restart."""
    client = Client(empty, "/v2")
    problem(client.get("/health/ready"), 503)
    problem(client.post("/v2/auth/login", json={"email": "a@b.c", "password": "x"}), 503)
    expect(client.get("/health/live"), 200)

    db(empty, "upgrade")

    expect(client.get("/health/ready"), 200)


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize(
    "missing",
    [
        pytest.param("RENAME TO others", id="42P01"),
        pytest.param("RENAME name TO title", id="42703"),
    ],
)
def test_what_is_not_there_before_the_migration_is_503(
    service: Stage, problem: Any, in_database: Any, missing: str
) -> None:
    """A table or a column: the code is newer than the database, and no client has made a mistake."""
    account = service.sign_up()

    in_database(f"ALTER TABLE accounts {missing}")

    problem(account.client.get("/v2/accounts/me"), 503)


@pytest.mark.parametrize(("revision", "ready"), [("0005", False), (None, False), ("9999", True)])
def test_migrations_come_before_the_code(
    service: Stage, problem: Any, in_database: Any, revision: str | None, ready: bool
) -> None:
    """New code on an old database gets no requests; old code goes on after newer code has migrated it."""
    if revision is None:
        in_database("DELETE FROM alembic_version")
    else:
        in_database("UPDATE alembic_version SET version_num = ?", revision)

    answer = service.client.get("/health/ready")

    expect(answer, 200) if ready else problem(answer, 503)


def test_a_step_back_leaves_the_newer_tables(service: Stage, in_database: Any) -> None:
    """The version before can be deployed again: its migration finds nothing to do, and does not fail."""
    in_database("UPDATE alembic_version SET version_num = ?", "9999")

    db(service.app, "upgrade")

    assert in_database("SELECT version_num FROM alembic_version") == [("9999",)]


OLD_SESSION = (
    "INSERT INTO accounts VALUES ('a', 'm@b.c', 'm@b.c', 'Mina', 'member', 'x', '2026-01-01 00:00:00', NULL)",
    "INSERT INTO sessions VALUES ('s', 'a', '2026-01-02 00:00:00', '2099-01-01 00:00:00', NULL)",
)


def test_older_sessions_go_on(empty: Flask) -> None:
    """A session from before the revision of devices keeps its end, and was last used when it began.

    Its account counts as confirmed: nobody is locked out because the service confirms addresses now.
    """
    db(empty, "upgrade", "0001")
    with empty.app_context(), empty.extensions["sqlalchemy"].engine.begin() as connection:
        for statement in OLD_SESSION:
            connection.exec_driver_sql(statement)

    db(empty, "upgrade")

    with empty.app_context(), empty.extensions["sqlalchemy"].engine.begin() as connection:
        query = "SELECT last_used_at = created_at, revoked_at, address, generation FROM sessions"
        row = connection.exec_driver_sql(query).one()
        assert tuple(row) == (True, None, None, 0)
        assert connection.exec_driver_sql("SELECT verified_at = created_at FROM accounts").scalar() == 1
        connection.exec_driver_sql("DELETE FROM accounts")  # and is still deleted with its account
        assert connection.exec_driver_sql("SELECT count(*) FROM sessions").scalar() == 0


REBUILD = '''"""Alter a table that others refer to."""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9999", "{newest}"


def upgrade():
    with op.batch_alter_table("accounts", recreate="always") as batch:
        batch.alter_column("name", type_=sa.String(200))
'''


@pytest.mark.only_on("sqlite")
def test_a_migration_of_accounts_keeps_their_sessions(service: Stage, in_database: Any) -> None:
    """SQLite alters a table by dropping it; with foreign keys on, the sessions would go with the accounts."""
    service.sign_up()
    migration = service.loaded.folder / "migrations" / "versions" / "9999_rebuild.py"
    newest = in_database("SELECT version_num FROM alembic_version")[0][0]
    migration.write_text(REBUILD.format(newest=newest), encoding="utf-8")
    try:
        db(service.app, "upgrade")
    finally:
        migration.unlink()

    assert in_database("SELECT count(*) FROM sessions") == [(1,)]
    assert in_database("PRAGMA foreign_keys") == [(1,)]


def test_the_database_refuses_what_the_service_should(service: Stage, in_database: Any) -> None:
    """An unknown role and a session without an account cannot be stored, even past the service."""
    service.sign_up()
    for statement in (
        "UPDATE accounts SET role = 'owner'",
        "UPDATE sessions SET account_id = 'nobody'",
        "INSERT INTO accounts (id, email, email_key, name, role, password_hash, created_at)"
        " SELECT 'x', email, email_key, name, role, password_hash, created_at FROM accounts",
    ):
        with pytest.raises(Exception, match=r"constraint (failed|\w+)"):
            in_database(statement)


SETTINGS = {
    "statement_timeout": "5s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "10s",
    "transaction_isolation": "read committed",
    "TimeZone": "UTC",
}


@pytest.mark.only_on("postgresql")
def test_postgresql_is_told_how_long_anything_may_take(service: Stage) -> None:
    """The settings of a connection that writes, and of one that reads override the server's own."""
    with service.app.app_context():
        for engine in service.app.extensions["sqlalchemy"].engines.values():
            with engine.connect() as connection:
                told = {name: connection.exec_driver_sql(f"SHOW {name}").scalar() for name in SETTINGS}
            assert told == SETTINGS


#: What PgBouncer takes from a client unless it is told to take more; with anything else it refuses it.
STARTUP = {"user", "database", "client_encoding", "application_name", "datestyle", "timezone"}


@pytest.mark.only_on("postgresql")
def test_pgbouncer_takes_the_connection(service: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first message of a connection has nothing in it that only a server would understand."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        url = (
            f"postgresql://somebody@127.0.0.1:{port}/accounts_test_startup?sslmode=disable&connect_timeout=2"
        )
        service.migrates = False
        app = service.new_app(SQLALCHEMY_DATABASE_URI=url)
        with ThreadPoolExecutor(1) as pool, app.app_context():
            connecting = pool.submit(app.extensions["reads"].connect)
            somebody, _ = listener.accept()
            with somebody:
                message = somebody.recv(4096)
            with pytest.raises(OperationalError):
                connecting.result()

    texts = [text.decode() for text in message[8:].split(b"\0") if text]
    assert set(texts[::2]) <= STARTUP


@pytest.mark.only_on("postgresql")
def test_a_statement_that_takes_too_long_is_503(
    service: Stage, problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A locked row stops one request for a while, and the next one works again."""
    monkeypatch.setitem(service.loaded.package.engines.SERVER_SETTINGS, "lock_timeout", "100ms")
    account = service.sign_up()
    with service.app.app_context():
        engine = service.app.extensions["sqlalchemy"].engine

    with engine.begin() as somebody:
        somebody.exec_driver_sql("SELECT id FROM accounts FOR UPDATE")
        answer = account.client.patch("/v2/accounts/me", json={"name": "waits"})

    problem(answer, 503)
    assert answer.headers["Retry-After"]
    expect(account.client.patch("/v2/accounts/me", json={"name": "goes on"}), 200)


@pytest.mark.only_on("postgresql")
def test_dead_connections_in_the_pool_are_replaced(service: Stage) -> None:
    """The server was restarted between two requests: the next one works, whether it reads or writes."""
    account = service.sign_up()
    somebody = service.another_process()
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    body = {"email": account.email, "password": PASSWORD}

    for method, path, sent in (
        ("GET", "/v2/accounts/me", None),
        ("GET", "/v2/auth/sessions", None),
        ("POST", "/v2/auth/login", body),
    ):
        with somebody.app_context(), somebody.extensions["sqlalchemy"].engine.connect() as connection:
            assert connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {others}").all()
        expect(account.client.open(method, path, json=sent), 200)


@pytest.mark.only_on("postgresql")
def test_a_mistake_in_a_statement_is_500(service: Stage, problem: Any, in_database: Any) -> None:
    """Only missing tables mean that the service is not ready."""
    account = service.sign_up()
    in_database("ALTER TABLE sessions ALTER expires_at TYPE integer USING 1")

    problem(account.client.get("/v2/accounts/me"), 500)


@pytest.mark.only_on("postgresql")
def test_a_process_has_no_more_connections_than_it_says(service: Stage) -> None:
    """DATABASE_POOL plus one of each kind; a request that needs another waits, and then gets a 503."""
    app = service.another_process(DATABASE_POOL=2)
    with app.app_context(), ExitStack() as taken:
        engines = app.extensions["sqlalchemy"].engines
        assert len(engines) == 2
        for engine in engines.values():
            engine.pool._timeout = 0.1
            for _ in range(3):
                taken.enter_context(engine.connect())
            with pytest.raises(PoolTimeout):
                engine.connect()


@pytest.mark.only_on("postgresql")
def test_migrations_that_start_together_run_one_after_the_other(empty: Flask) -> None:
    """Of two simultaneous deployments, the second waits until the first is done."""
    waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = "
    waits += "(SELECT oid FROM pg_database WHERE datname = current_database())"
    with empty.app_context():
        engine = empty.extensions["sqlalchemy"].engine

    with ThreadPoolExecutor(1) as pool, engine.connect() as first:
        first.exec_driver_sql("SELECT pg_advisory_lock(20263)")
        second = pool.submit(db, empty, "upgrade")
        while not first.exec_driver_sql(waits).scalar():
            assert not second.done(), "it did not wait"
        assert tables(empty) == set()
        first.exec_driver_sql("SELECT pg_advisory_unlock(20263)")
        second.result()

    assert "accounts" in tables(empty)


@pytest.mark.only_on("sqlite")
def test_sqlite_is_set_up_for_many_writers(in_database: Any) -> None:
    """Readers beside one writer, and writers that wait."""
    assert in_database("PRAGMA journal_mode") == [("wal",)]
    assert in_database("PRAGMA busy_timeout") == [(5000,)]


def test_writers_wait_for_each_other(service: Stage) -> None:
    """A writer holds the lock from its first read on: none fails, and no change is lost."""
    service.sign_up()
    package, app, second_done = service.loaded.package, service.app, Event()

    @contextmanager
    def changing() -> Iterator[Any]:
        with app.app_context(), package.database.transaction():
            mine = select(package.models.Account).with_for_update()
            yield package.extensions.db.session.scalars(mine).one()

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


@pytest.mark.any_database
def test_testing_in_memory_is_migrated_too(service: Stage) -> None:
    """`TestingConfig` as it is: a database in memory, with its tables, at once."""
    service.migrates = False

    app = service.new_app(SQLALCHEMY_DATABASE_URI="sqlite://", TESTING=True)

    expect(Client(app).get("/health/ready"), 200)


@pytest.mark.any_database
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


@pytest.mark.any_database
def test_a_key_is_kept_where_files_cannot_be_linked(
    service: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a USB stick a key is kept anyway, and nothing but the key is left behind."""

    def no_links(*names: object) -> None:
        raise PermissionError("this file system knows no links")

    monkeypatch.setattr("os.link", no_links)
    keep_private = service.loaded.package.files.keep_private

    assert keep_private(tmp_path / "key.pem", b"first") == b"first"
    assert keep_private(tmp_path / "key.pem", b"second") == b"first"
    assert [file.name for file in tmp_path.iterdir()] == ["key.pem"]
    assert os.name == "nt" or (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.any_database
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


@pytest.mark.any_database
def test_a_full_disk_leaves_no_key_behind(
    service: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a private key is useless to the service and useful to a thief."""

    def full(descriptor: int, mode: str) -> None:
        os.close(descriptor)
        raise OSError("no space left on the device")

    monkeypatch.setattr("os.fdopen", full)

    with pytest.raises(OSError, match="no space"):
        service.loaded.package.files.keep_private(tmp_path / "key.pem", b"key")
    assert list(tmp_path.iterdir()) == []


# A statement that the database refuses, and what the log may say about it.
REFUSED = {
    "a row that is there": (
        "INSERT INTO accounts SELECT * FROM accounts",
        "23505: table accounts, constraint pk_accounts",
    ),
    "a row that may not be": (
        "UPDATE accounts SET role = name",
        "23514: table accounts, constraint ck_accounts_role",
    ),
    "a value of no kind": (
        "SELECT id FROM accounts WHERE version = CAST(email AS integer)",
        "22P02: table None",
    ),
}


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize(("statement", "said"), REFUSED.values(), ids=REFUSED)
def test_an_error_of_the_database_repeats_no_value(
    service: Stage, log: Any, in_database: Any, monkeypatch: pytest.MonkeyPatch, statement: str, said: str
) -> None:
    """PostgreSQL quotes the key, or the whole row with its hash; the log gets names and no values."""
    account = service.sign_up()

    def fail(*_: object) -> None:
        in_database(statement)

    monkeypatch.setattr(service.loaded.package.services.account, "find", fail)

    expect(account.client.get("/v2/accounts/me"), 500)

    assert said in log.text and "Traceback" in log.text
    for value in (account.email, account.name, "$argon2"):
        assert value not in log.text, value


@pytest.mark.only_on("sqlite")
@pytest.mark.skipif(os.name != "posix", reason="Windows has other rights")
@pytest.mark.parametrize("before", [None, 0o644, 0o666, 0o600])
def test_nobody_else_on_this_machine_reads_the_database(
    service: Stage, tmp_path: Path, before: int | None
) -> None:
    """Neither the file nor what SQLite writes beside it, whether it is new or was made by something else."""
    file = tmp_path / "accounts.sqlite"
    if before is not None:
        file.touch()
        file.chmod(before)
    service.keep_in(file)
    service.sign_up()

    found = {one.name: one.stat().st_mode & 0o777 for one in tmp_path.iterdir()}
    assert found == dict.fromkeys(("accounts.sqlite", "accounts.sqlite-wal", "accounts.sqlite-shm"), 0o600)


@pytest.mark.only_on("postgresql")
def test_a_migration_takes_as_long_as_it_takes(service: Stage) -> None:
    """It waits for another one for longer than a request would wait for anything."""
    app = service.app
    with app.app_context(), ThreadPoolExecutor(1) as pool:
        with app.extensions["reads"].connect() as another:
            another.exec_driver_sql("SELECT pg_advisory_lock(20263)")
            waiting = pool.submit(migrate_hastily, app, service.loaded.package.engines)
            time.sleep(1)
            assert not waiting.done()
            another.exec_driver_sql("SELECT pg_advisory_unlock(20263)")
        result = waiting.result()

    assert result.exit_code == 0, result.output


def migrate_hastily(app: Flask, databases: Any) -> Any:
    """Migrate where nothing may take longer than a fifth of a second."""
    with databases.at_most(0.2):
        return app.test_cli_runner().invoke(args=["db", "upgrade"])
