"""A real server whose clients dawdle, and whose database is connected and silent."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from kit.adapter import PASSWORD, LoadedStage
from kit.changed import HARNESS, unless_changed
from kit.server import Server
from kit.services import Proxy

pytestmark = [
    pytest.mark.threads,
    pytest.mark.skipif(sys.platform == "win32", reason="the server of these tests is ended by signals"),
]

LOGIN, ME, REFRESH = "/v2/auth/login", "/v2/accounts/me", "/v2/auth/refresh"
MINA = {"email": "mina@example.com", "password": PASSWORD}
LONGEST = 10  # seconds until any request is answered, whatever happens; operating.md says so
PROBE = 5  # seconds that a health check waits: compose.yaml, deploy/kubernetes


@pytest.fixture(scope="module")
def beyond(
    final: LoadedStage, postgresql: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Server, Proxy, dict[str, Any]]]:
    """One process that reaches PostgreSQL by a proxy, the proxy, and what a log-in gave."""
    address = urlsplit(postgresql.url)
    proxy = Proxy(address.hostname, address.port or 5432)
    name = postgresql.new_name()
    postgresql.make(name)
    user = f"{address.username}:{address.password}@" if address.password else f"{address.username}@"
    url = f"postgresql://{user}127.0.0.1:{proxy.port}/{name}"
    server = Server(final.folder, tmp_path_factory.mktemp("gateway"), url, WEB_CONCURRENCY="1")
    assert server.send("POST", "/v2/accounts", MINA | {"name": "Mina"}).status == 202
    yield server, proxy, server.send("POST", LOGIN, MINA).body
    proxy.thaw()
    server.close()
    proxy.cut()
    postgresql.drop(name)


def timed(
    server: Server, method: str, path: str, body: Any = None, token: str | None = None
) -> tuple[Any, float]:
    """Send a request, and return the response and after how many seconds it came."""
    sent = time.monotonic()
    return server.send(method, path, body, token), time.monotonic() - sent


@pytest.mark.timeout(90)
@pytest.mark.parametrize(
    "clients",  # many more than there are threads; ten seconds, because the service has such limits
    [pytest.param(48, marks=unless_changed(("final/", "requirements", *HARNESS), ("test_gateway.py",)))],
)
def test_a_silent_database_stops_nobody_for_long(
    beyond: tuple[Server, Proxy, dict[str, Any]], clients: int
) -> None:
    """Every request is answered with 503 in time, alive at once, not ready in time; then all goes on."""
    server, proxy, grant = beyond
    token = grant["access_token"]
    with ThreadPoolExecutor(12) as pool:  # at the same time, so that several connections are open
        warm = list(pool.map(lambda _: server.send("GET", ME, token=token).status, range(60)))
    assert set(warm) == {200}
    requests = [
        ("GET", ME, None, token),
        ("POST", LOGIN, MINA, None),
        ("POST", REFRESH, {"refresh_token": grant["refresh_token"]}, None),
        ("POST", "/v2/accounts", MINA | {"name": "Mina"}, None),
    ] * (clients // 4)

    proxy.freeze()
    try:
        alone = timed(server, "GET", "/health/ready")
        with ThreadPoolExecutor(len(requests) + 2) as pool:
            asked = [pool.submit(timed, server, *request) for request in requests]
            time.sleep(1)  # by now all threads wait
            ready = pool.submit(timed, server, "GET", "/health/ready")
            live = [timed(server, "GET", "/health/live") for _ in range(5)]
            answers = [one.result() for one in asked]
    finally:
        proxy.thaw()

    assert [answer.status for answer, _ in live] == [200] * 5
    assert max(seconds for _, seconds in live) < 1
    for answer, seconds in (ready.result(), alone):
        assert answer.status == 503 and seconds < PROBE
    for answer, seconds in answers:
        assert (answer.status, answer.body["status"]) == (503, 503)
        assert int(answer.headers["Retry-After"]) > 0
        assert seconds < LONGEST + 1
    assert [server.send("GET", ME, token=token).status for _ in range(10)] == [200] * 10
    assert server.send("GET", "/health/ready").status == 200
    assert server.send("POST", LOGIN, MINA).status == 200


def slow(server: Server, head: str) -> socket.socket:
    """Send the beginning of a request, and nothing more."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    line = f"POST {LOGIN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    connection.sendall((line + head).encode())
    return connection


BEGINNINGS = {
    "by its length": 'Content-Length: 100\r\n\r\n{"email":',
    "in chunks": 'Transfer-Encoding: chunked\r\n\r\n9\r\n{"email":\r\n',
    "nothing": "Content-Length: 100\r\n\r\n",
}


@pytest.mark.timeout(90)
def test_slow_bodies_hold_no_thread(beyond: tuple[Server, Proxy, dict[str, Any]]) -> None:
    """A hundred at once: everybody else is answered as ever, and they are told that they were too slow."""
    server, _, grant = beyond
    with ExitStack() as stack:
        heads = list(BEGINNINGS.values()) * 34
        connections = [stack.enter_context(slow(server, head)) for head in heads]
        begun = time.monotonic()
        others = [timed(server, "GET", ME, token=grant["access_token"]) for _ in range(10)]
        others.append(timed(server, "POST", LOGIN, MINA))
        assert [answer.status for answer, _ in others] == [200] * 11
        assert max(seconds for _, seconds in others) < 2

        for number, connection in enumerate(connections):
            if number % 2:
                connection.sendall(b"1")  # a byte now and then prolongs nothing
        said = [connection.makefile("rb").read() for connection in connections]
        assert time.monotonic() - begun < LONGEST + 5
    for response in said:
        head, _, body = response.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 408 ") and b"connection: close" in head.lower()
        assert json.loads(body)["status"] == 408


CUT = json.dumps({"email": "cut@example.com", "password": "x"})
CUTS = [f"Content-Length: 100\r\n\r\n{CUT}", f"Transfer-Encoding: chunked\r\n\r\n{len(CUT):x}\r\n{CUT}\r\n"]


def test_a_body_that_was_cut_is_not_acted_upon(beyond: tuple[Server, Proxy, dict[str, Any]]) -> None:
    """The connection breaks behind what looks like the end: nobody is logged in, and nothing is recorded."""
    server, _, _ = beyond
    before = server.log.read_bytes().count(b'"status":401')
    connections = [slow(server, head) for head in CUTS]
    time.sleep(0.2)
    for connection in connections:
        connection.close()
    time.sleep(0.5)

    assert server.log.read_bytes().count(b'"status":401') == before
    assert server.send("GET", "/health/live").status == 200


HEADS = {
    "no host": ("GET /health/live HTTP/1.1\r\n\r\n", 400),
    "two hosts": ("GET /health/live HTTP/1.1\r\nHost: one\r\nHost: two\r\n\r\n", 400),
    "the same twice": ("GET /health/live HTTP/1.1\r\nHost: one\r\nHost: one\r\n\r\n", 400),
    "an old client": ("GET /health/live HTTP/1.0\r\n\r\n", 200),
    "two slashes": ("GET //metrics HTTP/1.1\r\nHost: one\r\n\r\n", 404),
    "two slashes, one written otherwise": ("GET /%2fmetrics HTTP/1.1\r\nHost: one\r\n\r\n", 404),
    "a dot": ("GET /./metrics HTTP/1.1\r\nHost: one\r\n\r\n", 404),
    "a way back": ("GET /page/../metrics HTTP/1.1\r\nHost: one\r\n\r\n", 404),
    "capitals": ("GET /METRICS HTTP/1.1\r\nHost: one\r\n\r\n", 404),
}


@pytest.mark.parametrize(("head", "status"), HEADS.values(), ids=HEADS)
def test_a_request_is_spelled_in_one_way(
    beyond: tuple[Server, Proxy, dict[str, Any]], head: str, status: int
) -> None:
    """As it comes over the wire: one host, and one spelling of a path that a proxy may hide."""
    server, _, _ = beyond
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(head.encode())
        assert int(connection.recv(4096).split()[1]) == status
