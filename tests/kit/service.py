"""The final service for its own tests: as a client sees it, with `TESTING` off.

In testing mode Flask lets exceptions through to the test, which hides what a client would get (trap 1).
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
import pytest
from flask import Flask
from kit.adapter import FINAL, LoadedStage, Stage
from kit.databases import HOW, PostgreSQL
from nacl.pwhash import argon2id
from werkzeug.test import TestResponse

from course.lessons.stages import find_stage

Check = Callable[..., Any]


@pytest.fixture(scope="session")
def final(tmp_path_factory: pytest.TempPathFactory) -> LoadedStage:
    """The code of final/, loaded once from a copy; of another folder if COURSE_FINAL names one."""
    folder = Path(os.environ.get("COURSE_FINAL") or find_stage("final").path)
    return LoadedStage("final", FINAL, folder, tmp_path_factory.mktemp("final"))


#: What is tested on both databases: locks, races, and what each database stores differently.
ON_BOTH = {
    "accounts",
    "at_once",
    "authorization",
    "keys",
    "mfa",
    "outbox",
    "password",
    "pruning",
    "refresh",
    "sessions",
    "storage",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for `database` the databases to run on."""
    if "database" not in metafunc.fixturenames:
        return
    chosen = metafunc.config.getoption("--database")
    definition = metafunc.definition
    both = definition.path.stem.removeprefix("test_") in ON_BOTH
    both = both and definition.get_closest_marker("any_database") is None
    names = [chosen] if chosen else ["sqlite", "postgresql"] if both else ["sqlite"]
    only = definition.get_closest_marker("only_on")
    names = [name for name in names if only is None or name in only.args]
    metafunc.parametrize("database", names, indirect=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A server of PostgreSQL; if there is none, the test is skipped."""
    try:
        server = PostgreSQL()
    except psycopg.OperationalError:
        pytest.skip(f"no PostgreSQL: {HOW}")
    yield server
    server.close()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """The kind of database that the test runs on."""
    return str(request.param)


@pytest.fixture
def service(final: LoadedStage, database: str, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The service, without accounts."""
    server = request.getfixturevalue("postgresql") if database == "postgresql" else None
    stage = Stage(final, server=server)
    yield stage
    stage.close()


class Clock:
    """What `time.time()` says, until the test says something else."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        """Move the clock by ``seconds``."""
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A stopped `time.time()`, at noon, far from the end of a day; `datetime` goes on, as in the database."""
    now = time.time()
    stopped = Clock(now - now % 86_400 + 43_200)
    monkeypatch.setattr(time, "time", stopped)
    return stopped


class LogText(logging.Handler):
    """Keeps the log as text, tracebacks included."""

    #: What the tests send and get and no log may contain: passwords, hashes, tokens, addresses, keys.
    SECRET = re.compile(
        r"passphrase|correct horse|hunter2|암호 문장|\$argon2|Bearer \S|eyJ[\w-]{10,}|rt_[\w-]{10,}|"
        r"mfa_[\w-]{60,}|otpauth:|@example\.|PRIVATE KEY"
    )

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"


@pytest.fixture(autouse=True)
def log() -> Iterator[LogText]:
    """What is logged during a test; after every test it is searched for secrets."""
    recorded = LogText()
    logging.getLogger().addHandler(recorded)
    yield recorded
    logging.getLogger().removeHandler(recorded)
    assert not recorded.SECRET.search(recorded.text), f"a secret is in the log: {recorded.text}"


@pytest.fixture(scope="session")
def problem() -> Check:
    """Check that a response is a problem of RFC 9457 with ``status``, and return its body."""

    def check(answer: TestResponse, status: int) -> Any:
        assert answer.status_code == status, f"expected {status}, got {answer.status}: {answer.text[:300]}"
        assert answer.content_type == "application/problem+json; charset=utf-8"
        body = json.loads(answer.data)
        assert body["status"] == status
        assert body["type"] and body["title"] and body["detail"]
        assert body["instance"] == answer.headers["X-Request-ID"]
        assert set(body) <= {"type", "title", "status", "detail", "instance", "errors"}
        assert all(set(error) == {"field", "code", "message"} for error in body.get("errors", []))
        if status == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        return body

    return check


@pytest.fixture
def in_database(service: Stage) -> Check:
    """Run a statement in the database of the service, bypassing its rules, and return the rows."""

    def run(statement: str, *values: Any) -> list[Any]:
        with service.app.app_context():
            database = service.app.extensions["sqlalchemy"]
            if database.engine.dialect.name == "postgresql":
                statement = statement.replace("?", "%s")  # the drivers write a placeholder differently
            with database.engine.begin() as connection:
                result = connection.exec_driver_sql(statement, values)
                return list(result.all()) if result.returns_rows else []

    return run


class Mailbox:
    """A mail server that keeps what arrives."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.down = False
        self._letters: list[Any] = []
        self.tokens: set[str] = set()  # of all mail so far
        app.extensions["mail"] = self

    def send(self, letter: Any) -> None:
        if self.down:
            raise ConnectionRefusedError
        self._letters.append(letter)
        self.tokens.update(re.findall(r"&token=([\w-]{43})\n", letter.text))

    def fetch(self) -> list[tuple[str, str]]:
        """Send everything that is due, and return the recipient and the English subject of each mail."""
        return [(letter.to, letter.subject.partition(" / ")[0]) for letter in self.letters()]

    def letters(self) -> list[Any]:
        """The same, as whole messages."""
        with self.app.app_context():
            package = self.app.import_name
            importlib.import_module(f"{package}.services.mail").deliver()
        arrived, self._letters = self._letters, []
        return arrived

    def token(self) -> str:
        """Return the token of the only mail that has one."""
        (token,) = re.findall(r"&token=([\w-]{43})\n", "".join(letter.text for letter in self.letters()))
        return str(token)


@pytest.fixture
def mailbox(service: Stage, log: LogText, in_database: Check) -> Iterator[Mailbox]:
    """The service's mail, the only place that has the tokens of its links."""
    mailbox = Mailbox(service.app)
    yield mailbox
    written = log.text + str(in_database("SELECT * FROM audit_events"))
    assert not [token for token in mailbox.tokens if token in written], "a token is in the log or the audit"


@pytest.fixture(scope="session")
def at_once() -> Check:
    """Return what ``work(0)`` to ``work(count - 1)`` return when all begin at the same moment."""

    def race(count: int, work: Callable[[int], Any]) -> list[Any]:
        barrier = Barrier(count, timeout=60)  # seconds: one that fails does not block the others

        def begin(number: int) -> Any:
            barrier.wait()
            return work(number)

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(begin, range(count)))

    return race


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every use of Argon2, in order."""
    used: list[str] = []
    for name, use in (("str", "hash"), ("verify", "verify")):
        original = getattr(argon2id, name)

        def count(*args: Any, original: Any = original, use: str = use) -> Any:
            used.append(use)
            return original(*args)

        monkeypatch.setattr(argon2id, name, count)
    return used
