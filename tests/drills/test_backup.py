"""Backup and restore, rehearsed: written, copied under writers, destroyed, brought back, and used again."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import psycopg
import pyotp
import pytest
from kit.adapter import PASSWORD, LoadedStage
from kit.server import Answer, Server

from course.paths import ROOT

pytestmark = [
    pytest.mark.threads,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="the server has several processes, which want fork"),
]

ME, LOGIN, MFA, REFRESH = "/v2/accounts/me", "/v2/auth/login", "/v2/auth/mfa", "/v2/auth/refresh"
MINA = "mina@example.com"
PAGE = ROOT / "docs" / "en" / "deploying.md"


class Way(NamedTuple):
    """How an operator backs up and restores one kind of database."""

    url: str
    back_up: Callable[[Server], Path]
    destroy: Callable[[], None]
    restore: Callable[[Server, Path], Any]


@pytest.fixture(params=["sqlite", "postgresql"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Way]:
    """Each kind of database."""
    if request.param == "sqlite":
        yield sqlite_way(tmp_path)
        return
    yield from postgresql_way(request.getfixturevalue("postgresql"), tmp_path)


def sqlite_way(folder: Path) -> Way:
    """By the commands of the service."""
    file, copies = folder / "accounts.sqlite", folder / "copies"
    copies.mkdir()

    def destroy() -> None:
        for left in folder.glob("accounts.sqlite*"):
            left.unlink()

    return Way(
        f"sqlite:///{file}",
        lambda server: Path(server.flask("backup", str(copies)).strip()),
        destroy,
        lambda server, copy: str(server.flask("restore", "--yes", str(copy))),
    )


def postgresql_way(server: Any, folder: Path) -> Iterator[Way]:
    """By PostgreSQL's own, as the page shows them."""
    if shutil.which("pg_dump") is None:
        pytest.skip("no pg_dump: apt-get install postgresql-client")
    major = int(re.findall(r"\d+", subprocess.check_output(["pg_dump", "--version"], text=True))[0])
    with psycopg.connect(server.url) as connection:
        if major < connection.info.server_version // 10000:
            pytest.skip(f"pg_dump {major} is older than the server, and refuses to copy it")
    name = server.new_name()
    server.make(name)
    copy, url = folder / "accounts.dump", server.url_of(name)

    def run(program: str) -> None:
        (command,) = re.findall(rf"`({program} [^`]*)`", PAGE.read_text(encoding="utf-8"))
        words = [word.replace("$DATABASE_URL", url) for word in shlex.split(command)]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=100)
        assert done.returncode == 0, done.stderr

    def destroy() -> None:
        server.drop(name)
        server.make(name)

    def back_up(_: Server) -> Path:
        run("pg_dump")
        return copy

    yield Way(url, back_up, destroy, lambda *_: run("pg_restore"))
    server.drop(name)


class Writers:
    """Clients that sign up one account after another, until they are told to stop."""

    def __init__(self, server: Server) -> None:
        self._server, self._stop = server, Event()
        self._pool = ThreadPoolExecutor(4)
        self.done: list[str] = []  # whose sign-up the service has confirmed
        self.refused: list[Answer] = []
        self._working = [self._pool.submit(self._work, number) for number in range(4)]

    def _work(self, number: int) -> None:
        serial = 0
        while not self._stop.is_set():
            email, serial = f"writer-{number}-{serial}@example.com", serial + 1
            answer = sign_up(self._server, email)
            (self.done if answer.status == 202 else self.refused).append(
                answer if answer.status != 202 else email
            )

    def stop(self) -> None:
        self._stop.set()
        for one in self._working:
            one.result()
        self._pool.shutdown()


def sign_up(server: Server, email: str) -> Answer:
    return server.send("POST", "/v2/accounts", {"email": email, "name": "Mina", "password": PASSWORD})


def log_in(server: Server, email: str) -> Answer:
    return server.send("POST", LOGIN, {"email": email, "password": PASSWORD})


def code_of(secret: str, later: int) -> str:
    """Return the code that an app shows ``later`` half-minutes from now."""
    totp = pyotp.TOTP(secret)
    return totp.generate_otp(totp.timecode(datetime.now()) + later)


def with_second_factor(server: Server) -> tuple[dict[str, str], str]:
    """Make an account with a second factor, and return the tokens of its session and the secret."""
    assert sign_up(server, MINA).status == 202
    grant = log_in(server, MINA).body
    token = grant["access_token"]
    secret = server.send("POST", MFA, {"current_password": PASSWORD}, token).body["secret"]
    assert server.send("POST", f"{MFA}/confirm", {"code": code_of(secret, 0)}, token).status == 200
    return grant, secret


def test_the_service_comes_back(final: LoadedStage, way: Way, tmp_path: Path) -> None:
    """With all accounts from before the copy; the keys and the sealed secrets still work."""
    server = Server(final.folder, tmp_path, way.url)
    try:
        grant, secret = with_second_factor(server)
        jwks = server.send("GET", "/.well-known/jwks.json").body
        writers = Writers(server)
        while len(writers.done) < 8:
            assert not writers.refused
        before = list(writers.done)
        copy = way.back_up(server)
        during = len(writers.done)
        writers.stop()
    finally:
        server.close()
    assert not writers.refused, "a writer noticed the backup"
    assert during > len(before), "no account was written during the backup"
    way.destroy()

    way.restore(server, copy)

    server = Server(final.folder, tmp_path, way.url)
    try:
        assert server.send("GET", "/health/ready").status == 200
        assert [log_in(server, email).status for email in before[-3:]] == [200] * 3
        assert server.send("GET", "/.well-known/jwks.json").body == jwks
        assert server.send("GET", ME, token=grant["access_token"]).status == 200
        half = log_in(server, MINA).body["mfa_token"]
        whole = server.send("POST", f"{LOGIN}/mfa", {"mfa_token": half, "code": code_of(secret, 1)})
        assert whole.status == 200
        # Sessions that ended after the copy would be valid again, so an operator ends all.
        assert "sessions ended" in server.flask("accounts", "log-out-everybody")
        assert server.send("GET", ME, token=grant["access_token"]).status == 401
        assert server.send("POST", REFRESH, {"refresh_token": grant["refresh_token"]}).status == 401
        assert log_in(server, before[0]).status == 200
    finally:
        server.close()


def test_a_copy_without_its_key_is_not_enough(final: LoadedStage, tmp_path: Path) -> None:
    """With another SECRET_KEY accounts and passwords are there, but nothing that was sealed can be opened."""
    way = sqlite_way(tmp_path)
    server = Server(final.folder, tmp_path, way.url)
    try:
        grant, _ = with_second_factor(server)
        copy = way.back_up(server)
    finally:
        server.close()
    way.destroy()
    server.environment["FLASK_SECRET_KEY"] = "another secret of as many bytes as there have to be"

    way.restore(server, copy)

    with pytest.raises(AssertionError, match="sealed under another SECRET_KEY"):
        server.flask("keys", "list")
    assert "signs from" in server.flask("keys", "rotate", "--now")
    another = Server(final.folder, tmp_path, way.url, FLASK_SECRET_KEY=server.environment["FLASK_SECRET_KEY"])
    try:
        assert another.send("GET", ME, token=grant["access_token"]).status == 401
        assert (
            log_in(another, MINA).status == 200
        )  # it asks for the second factor, which an operator has to remove
    finally:
        another.close()
