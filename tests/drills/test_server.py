"""A real server with several processes: races, and what happens when something beside it breaks."""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from kit.adapter import PASSWORD, LoadedStage
from kit.server import Server
from kit.services import HOW_REDIS, REDIS, Proxy
from sqlalchemy import create_engine, text

pytestmark = [
    pytest.mark.threads,
    pytest.mark.skipif(
        sys.platform == "win32", reason="Granian has one process on Windows, and these tests want two"
    ),
]

REFRESH, LOGIN, LOGOUT, ME = "/v2/auth/refresh", "/v2/auth/login", "/v2/auth/logout", "/v2/accounts/me"
MINA = "mina@example.com"
#: How often each race is run: RACES=40 runs it more often.
RACES = int(os.environ.get("RACES", "1"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty database, of either kind, for the tests of this file."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('server') / 'accounts.sqlite'}"
        return
    server = request.getfixturevalue("postgresql")
    name = server.new_name()
    server.make(name)
    yield server.url_of(name)
    server.drop(name)


@pytest.fixture(scope="module")
def server(final: LoadedStage, url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two processes on one database."""
    running = Server(final.folder, tmp_path_factory.mktemp("server"), url)
    yield running
    running.close()


@pytest.fixture(scope="module")
def strict(
    final: LoadedStage, server: Server, url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Two more that take RFC 9700 by the letter."""
    running = Server(final.folder, tmp_path_factory.mktemp("strict"), url, FLASK_REFRESH_LEEWAY="0")
    yield running
    running.close()


def sign_up(server: Server, email: str) -> dict[str, Any]:
    """Make an account unless it is there, and return what a log-in gives."""
    server.send("POST", "/v2/accounts", {"email": email, "name": "Mina", "password": PASSWORD})
    answer = server.send("POST", LOGIN, {"email": email, "password": PASSWORD})
    assert answer.status == 200, answer
    return dict(answer.body)


# -- races -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("_", range(RACES))
def test_twenty_refreshes_of_one_token_get_one_successor(server: Server, at_once: Any, _: int) -> None:
    """All succeed, with the same token, and the session goes on."""
    grant = sign_up(server, MINA)

    answers = at_once(20, lambda _: server.send("POST", REFRESH, {"refresh_token": grant["refresh_token"]}))

    assert {answer.status for answer in answers} == {200}
    (successor,) = {answer.body["refresh_token"] for answer in answers}
    assert server.send("GET", ME, token=grant["access_token"]).status == 200
    assert server.send("POST", REFRESH, {"refresh_token": successor}).status == 200


@pytest.mark.parametrize("_", range(RACES))
def test_without_leeway_one_of_twenty_wins_and_the_session_ends(strict: Server, at_once: Any, _: int) -> None:
    """Two clients with one token: strictly, that is a theft."""
    grant = sign_up(strict, MINA)

    answers = at_once(20, lambda _: strict.send("POST", REFRESH, {"refresh_token": grant["refresh_token"]}))

    assert Counter(answer.status for answer in answers) == {200: 1, 401: 19}
    (successor,) = [answer.body["refresh_token"] for answer in answers if answer.status == 200]
    assert strict.send("GET", ME, token=grant["access_token"]).status == 401
    assert strict.send("POST", REFRESH, {"refresh_token": successor}).status == 401


@pytest.mark.parametrize("_", range(RACES))
def test_twenty_sign_ups_of_one_email(server: Server, at_once: Any, _: int) -> None:
    """All get the same response, none a 500, and the account has one of the passwords."""
    email = f"race{time.time_ns()}@example.com"

    def work(number: int) -> Any:
        body = {"email": email, "name": f"{number}", "password": f"{PASSWORD} {number}"}
        return server.send("POST", "/v2/accounts", body)

    answers = at_once(20, work)

    assert {(answer.status, answer.body["status"]) for answer in answers} == {(202, "accepted")}
    tries = [server.send("POST", LOGIN, {"email": email, "password": f"{PASSWORD} {n}"}) for n in range(20)]
    assert Counter(answer.status for answer in tries) == {200: 1, 401: 19}


@pytest.mark.parametrize("_", range(RACES))
def test_a_log_out_among_refreshes(server: Server, at_once: Any, _: int) -> None:
    """Afterwards no token of the session is valid, not even one that was issued in between."""
    grant = sign_up(server, MINA)

    def work(number: int) -> Any:
        if number == 7:
            return server.send("POST", LOGOUT, token=grant["access_token"])
        return server.send("POST", REFRESH, {"refresh_token": grant["refresh_token"]})

    answers = at_once(20, work)

    assert {answer.status for answer in answers} <= {200, 204, 401}
    for answer in answers:
        if answer.status == 200:
            assert server.send("GET", ME, token=answer.body["access_token"]).status == 401
            assert server.send("POST", REFRESH, {"refresh_token": answer.body["refresh_token"]}).status == 401


@pytest.mark.parametrize("_", range(RACES))
def test_the_last_admins_leave_together(server: Server, admins: list[str], at_once: Any, _: int) -> None:
    """They delete themselves at the same moment: one has to stay."""
    admins.append(new_admin(server))
    etags = [server.send("GET", ME, token=token).headers.get("ETag") for token in admins]

    left = at_once(len(admins), lambda number: leave(server, admins[number], etags[number]))

    assert set(left) <= {204, 409, 503}
    admins[:] = [token for token in admins if server.send("GET", "/v2/accounts", token=token).status == 200]
    assert len(admins) >= 1


@pytest.fixture(scope="module")
def admins(server: Server) -> list[str]:
    """The tokens of the existing admins: those who could not leave in earlier races."""
    return [new_admin(server)]


def new_admin(server: Server) -> str:
    """Make an admin and return a token."""
    email = f"boss{time.time_ns()}@example.com"
    grant = sign_up(server, email)
    url = server.environment["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE accounts SET role = 'admin' WHERE email = :email"), {"email": email})
    engine.dispose()
    return str(grant["access_token"])


def leave(server: Server, token: str, etag: str | None) -> int:
    """Delete the account of a token."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {
        "Authorization": f"Bearer {token}",
        "If-Match": etag or "*",
        "Content-Type": "application/json",
    }
    connection.request("DELETE", ME, json.dumps({"current_password": PASSWORD}), headers)
    status = connection.getresponse().status
    connection.close()
    return status


# -- several processes are one service ---------------------------------------------------------------


def test_all_processes_count_and_sign_as_one(server: Server, at_once: Any) -> None:
    """Tokens of either are valid in both; /metrics adds them up, and no number goes back."""
    grant = sign_up(server, MINA)
    count = 'http_request_duration_seconds_count{method="GET",route="/v2/accounts/me",status="200"}'

    def total() -> float:
        lines = server.send("GET", "/metrics").body.decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(count))

    before = total()
    answers = at_once(20, lambda _: server.send("GET", ME, token=grant["access_token"]).status)

    assert answers == [200] * 20
    assert [total() for _ in range(4)] == [before + 20] * 4
    assert len(server.send("GET", "/.well-known/jwks.json").body["keys"]) == 1


def test_headers_without_end_are_refused(server: Server) -> None:
    """No process collects endless headers, and the next request works."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", "/health/live", headers={"X-Long": 64 * 1024 * "a"})

    assert connection.getresponse().status == 431
    connection.close()
    assert server.send("GET", "/health/live").status == 200


# -- drills ------------------------------------------------------------------------------------------


def test_requests_in_flight_finish_after_sigterm(final: LoadedStage, tmp_path: Path) -> None:
    """Under load: every accepted request gets a complete response, and the server ends by itself with 0."""
    database = f"sqlite:///{tmp_path / 'accounts.sqlite'}"
    # Hashes that take a while, so that some run when the signal comes.
    slow = {"FLASK_ARGON2_MEMORY": "65536", "FLASK_ARGON2_TIME": "2"}
    server = Server(final.folder, tmp_path, database, **slow)
    begun = Event()

    def work(number: int) -> int | str:
        body = {"email": f"in-flight{number}@example.com", "name": "Mina", "password": PASSWORD}
        if number == 7:
            begun.set()
        try:
            return server.send("POST", "/v2/accounts", body).status
        except ConnectionRefusedError:
            return "not taken"

    try:
        with ThreadPoolExecutor(8) as pool:
            running = [pool.submit(work, number) for number in range(8)]
            begun.wait()
            time.sleep(0.2)  # until they are accepted; too short makes this test easier, not wrong
            server.terminate()
            answers = [one.result() for one in running]
        assert server.process.wait(30) == 0
    finally:
        server.close()

    assert answers == [202] * 8
    lines = [json.loads(line) for line in server.log.read_text(encoding="utf-8").splitlines()]
    assert not any("exception" in line for line in lines)


@pytest.fixture
def cut_off(final: LoadedStage, postgresql: Any, tmp_path: Path) -> Iterator[tuple[Server, Proxy]]:
    """A server that reaches PostgreSQL by a proxy."""
    address = urlsplit(postgresql.url)
    proxy = Proxy(address.hostname, address.port or 5432)
    name = postgresql.new_name()
    postgresql.make(name)
    user = f"{address.username}:{address.password}@" if address.password else f"{address.username}@"
    server = Server(final.folder, tmp_path, f"postgresql://{user}127.0.0.1:{proxy.port}/{name}")
    yield server, proxy
    server.close()
    proxy.cut()
    postgresql.drop(name)


def test_the_database_goes_and_comes_back(cut_off: tuple[Server, Proxy]) -> None:
    """503 with `Retry-After` meanwhile, alive but not ready; recovered without a restart."""
    server, proxy = cut_off
    grant = sign_up(server, MINA)
    token, jwks = grant["access_token"], server.send("GET", "/.well-known/jwks.json").status
    assert jwks == 200
    # Restarted between two requests: no client notices. Several, so that every process has had a connection.
    assert [server.send("GET", ME, token=token).status for _ in range(20)] == [200] * 20
    proxy.cut()
    proxy.restore()
    assert [server.send("GET", ME, token=token).status for _ in range(20)] == [200] * 20

    for _ in range(2):
        proxy.cut()
        for method, path, body, bearer in (
            ("POST", LOGIN, {"email": MINA, "password": PASSWORD}, None),
            ("POST", REFRESH, {"refresh_token": grant["refresh_token"]}, None),
            ("GET", ME, None, token),
            ("GET", "/health/ready", None, None),
        ):
            answer = server.send(method, path, body, bearer)
            assert (answer.status, answer.body["status"]) == (503, 503), path
            assert int(answer.headers["Retry-After"]) > 0
        assert server.send("GET", "/health/live").status == 200
        assert server.send("GET", "/metrics").status == 200

        proxy.restore()
        # Every process and every connection: the first request already finds a working one.
        assert [server.send("GET", ME, token=token).status for _ in range(20)] == [200] * 20
        assert server.send("GET", "/health/ready").status == 200
    assert server.send("POST", REFRESH, {"refresh_token": grant["refresh_token"]}).status == 200


def interrupt(proxy: Proxy) -> None:
    """Cut the connections of a proxy and restore it, a few times."""
    for _ in range(3):
        time.sleep(0.1)
        proxy.cut()
        time.sleep(0.1)
        proxy.restore()


def test_the_database_is_cut_under_load(cut_off: tuple[Server, Proxy], at_once: Any) -> None:
    """Each request under way gets a response, its result or 503; afterwards each session works."""
    server, proxy = cut_off
    grants = [sign_up(server, f"cut{number}@example.com") for number in range(4)]

    def work(number: int) -> list[int]:
        if number == 4:
            interrupt(proxy)
            return []
        said, token = [], grants[number]["refresh_token"]
        for _ in range(30):
            answer = server.send("POST", REFRESH, {"refresh_token": token})
            said.append(answer.status)
            if answer.status == 200:
                token = answer.body["refresh_token"]
        grants[number]["refresh_token"] = token
        return said

    said = {status for answers in at_once(5, work) for status in answers}

    assert said <= {200, 503}, said  # the leeway: a response that was lost on the way is sent again
    for grant in grants:
        assert server.send("POST", REFRESH, {"refresh_token": grant["refresh_token"]}).status == 200


@pytest.fixture
def counting(final: LoadedStage, tmp_path: Path) -> Iterator[tuple[Server, Proxy]]:
    """A server whose processes count attempts in Redis, ten for an account, by a proxy."""
    address = urlsplit(REDIS)
    try:
        redis.Redis.from_url(REDIS, socket_timeout=2).ping()
    except redis.RedisError:
        pytest.skip(f"no Redis: {HOW_REDIS}")
    proxy = Proxy(address.hostname or "127.0.0.1", address.port or 6379)
    limits = {
        "FLASK_ATTEMPTS_PER_ACCOUNT": "10",
        "REDIS_URL": f"redis://127.0.0.1:{proxy.port}{address.path}",
    }
    server = Server(final.folder, tmp_path, f"sqlite:///{tmp_path / 'accounts.sqlite'}", **limits)
    yield server, proxy
    server.close()
    proxy.cut()


def test_redis_is_cut_under_load(counting: tuple[Server, Proxy], at_once: Any) -> None:
    """Guesses are still refused at once, whether Redis counts or each of the two processes."""
    server, proxy = counting
    guess = {"email": f"{time.time_ns()}@example.com", "password": "not this one, certainly"}
    begun = time.time() // 60

    def work(number: int) -> list[tuple[int, float]]:
        if number == 4:
            interrupt(proxy)
            return []
        said = []
        for _ in range(40):
            sent = time.monotonic()
            said.append((server.send("POST", LOGIN, guess).status, time.monotonic() - sent))
        return said

    said = [answer for answers in at_once(5, work) for answer in answers]

    statuses = Counter(status for status, _ in said)
    assert set(statuses) == {401, 429}, statuses
    windows = 1 + time.time() // 60 - begun  # each minute begins at zero
    assert 10 <= statuses[401] <= 30 * windows, statuses
    assert max(seconds for _, seconds in said) < 5
    assert "Redis does not answer" in server.log.read_text(encoding="utf-8")
