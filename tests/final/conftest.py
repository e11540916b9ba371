"""The final service for its own tests: as a client sees it, with `TESTING` off.

In testing mode Flask lets exceptions through to the test, which hides what a client would get (trap 1).
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from adapter import FINAL, LoadedStage, Stage
from argon2 import PasswordHasher
from werkzeug.test import TestResponse

from course.stages import find_stage

Check = Callable[..., Any]


@pytest.fixture(scope="session")
def final(tmp_path_factory: pytest.TempPathFactory) -> LoadedStage:
    """The code of final/, loaded once from a copy; of another folder where test_faults.py says so."""
    folder = Path(os.environ.get("COURSE_FINAL") or find_stage("final").path)
    return LoadedStage("final", FINAL, folder, tmp_path_factory.mktemp("final"))


@pytest.fixture
def service(final: LoadedStage) -> Iterator[Stage]:
    """The service with no account in it."""
    stage = Stage(final)
    yield stage
    stage.close()


class Listening(logging.Handler):
    """Keeps the log as text, tracebacks and all."""

    #: What the tests send and get that is nobody's business: passwords, hashes, tokens, addresses, keys.
    SECRET = re.compile(
        r"passphrase|correct horse|hunter2|암호 문장|\$argon2|Bearer \S|eyJ[\w-]{10,}|@example\.|PRIVATE KEY"
    )

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"


@pytest.fixture(autouse=True)
def log() -> Iterator[Listening]:
    """What is logged during a test, of which every single one has to keep the secrets out."""
    listening = Listening()
    logging.getLogger().addHandler(listening)
    yield listening
    logging.getLogger().removeHandler(listening)
    assert not listening.SECRET.search(listening.text), f"a secret is in the log: {listening.text}"


@pytest.fixture(scope="session")
def problem() -> Check:
    """Check that an answer is a problem of RFC 9457 with ``status``, and return its body."""

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
    """Run a statement in the database of the service, past all its rules, and return the rows."""

    def run(statement: str, *values: Any) -> list[Any]:
        with service.app.app_context():
            database = service.app.extensions["sqlalchemy"]
            with database.engine.begin() as connection:
                result = connection.exec_driver_sql(statement, values)
                return list(result.all()) if result.returns_rows else []

    return run


@pytest.fixture(scope="session")
def at_once() -> Check:
    """Return what ``work(0)`` to ``work(count - 1)`` return when all begin at the same moment."""

    def race(count: int, work: Callable[[int], Any]) -> list[Any]:
        barrier = Barrier(count)

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
    for method in ("hash", "verify"):
        original = getattr(PasswordHasher, method)

        def count(*args: Any, original: Any = original, method: str = method) -> Any:
            used.append(method)
            return original(*args)

        monkeypatch.setattr(PasswordHasher, method, count)
    return used
