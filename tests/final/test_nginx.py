"""nginx.conf of final: what nginx passes on and how, what it answers itself, and what it says in its log."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from kit.adapter import LoadedStage
from kit.mail_server import certificate
from kit.ports import free_port
from kit.reverse_proxy import HOW_NGINX, NGINX, Nginx

pytestmark = [pytest.mark.threads, pytest.mark.skipif(NGINX is None, reason=f"no nginx: {HOW_NGINX}")]


class Apps:
    """Two servers in place of the service, which record what reaches them."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, dict[str, str], bytes]] = []
        self.breaks = 0  # how many requests, wherever they arrive, are cut off without a response
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline()
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.got.append((self.command, self.path, dict(self.headers), body))
                if outer.breaks:
                    outer.breaks -= 1
                    self.close_connection = True
                    return
                self.send_response(503 if "busy" in self.path else 200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else b"ok")

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.servers = [ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
        for server in self.servers:
            Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.addresses = [("127.0.0.1", server.server_port) for server in self.servers]

    def close(self) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def apps() -> Iterator[Apps]:
    """Two apps that nothing has reached yet."""
    apps = Apps()
    yield apps
    apps.close()


@pytest.fixture
def nginx(final: LoadedStage, apps: Apps, tmp_path: Path) -> Iterator[Nginx]:
    """nginx in front of both apps."""
    nginx = Nginx(final.folder / "deploy" / "nginx" / "nginx.conf", tmp_path, apps.addresses)
    yield nginx
    nginx.close()


class Response(dict[str, str]):
    """The headers of a response, in lower case, with its ``status`` and ``body``."""

    status: int
    body: bytes

    @property
    def problem(self) -> Any:
        """The body, which has to be one of nginx's own."""
        assert self["content-type"] == "application/problem+json; charset=utf-8", self.body
        problem = json.loads(self.body)
        assert (problem["status"], problem["instance"]) == (self.status, self["x-request-id"])
        assert problem["type"] == "about:blank" and problem["title"] != "Error" and problem["detail"]
        assert self["cache-control"] == "no-store" and self["x-content-type-options"] == "nosniff"
        return problem


def send(nginx: Nginx, method: str, path: str, body: bytes | None = None, **headers: str) -> Response:
    """Send a request, its path as it is, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): headers[name] for name in headers})
    response = connection.getresponse()
    said = Response({name.lower(): value for name, value in response.getheaders()})
    said.status, said.body = response.status, response.read()
    connection.close()
    return said


def test_the_file_is_in_order(nginx: Nginx) -> None:
    """By nginx's own check: no errors and no warnings."""
    said = nginx.check()
    assert "test is successful" in said
    assert "[warn]" not in said


def test_with_a_certificate_it_speaks_tls(final: LoadedStage, apps: Apps, tmp_path: Path) -> None:
    """tls.conf in its folder: https is passed on, http is sent there, and the health check still asks."""
    folder, port = tmp_path / "tls", free_port()
    folder.mkdir()
    certificate(tmp_path)
    pem = (tmp_path / "server.pem").read_text(encoding="utf-8")
    for name in ("fullchain.pem", "privkey.pem"):
        (folder / name).write_text(pem, encoding="utf-8")
    text = (final.folder / "deploy" / "nginx" / "tls.conf").read_text(encoding="utf-8")
    (folder / "tls.conf").write_text(
        text.replace("listen 8443", f"listen 127.0.0.1:{port}"), encoding="utf-8"
    )
    nginx = Nginx(final.folder / "deploy" / "nginx" / "nginx.conf", tmp_path, apps.addresses)
    try:
        moved = send(nginx, "GET", "/v2/docs?x=1", Host="accounts.example")
        checked = send(nginx, "GET", "/health/ready")
        context = ssl.create_default_context(cafile=str(tmp_path / "trusted.pem"))
        with urllib.request.urlopen(f"https://127.0.0.1:{port}/v2/docs", context=context) as answer:
            assert answer.status == 200
    finally:
        nginx.close()

    assert (moved.status, moved["location"]) == (308, "https://accounts.example/v2/docs?x=1")
    assert checked.status == 200
    assert [got[1] for got in apps.got] == ["/health/ready", "/v2/docs"]
    assert apps.got[1][2]["X-Forwarded-Proto"] == "https"


def test_what_reaches_the_service(nginx: Nginx, apps: Apps) -> None:
    """The path as it was sent, the client's address, and an id; no forwarding headers of the client's own."""
    claims = {"For": "1.2.3.4", "Host": "evil.example", "Proto": "https", "Prefix": "/evil"}
    headers = {f"X-Forwarded-{name}": value for name, value in claims.items()} | {"Forwarded": "for=1"}
    send(nginx, "GET", "/a%2Fb//c?page=2", Host="accounts.example", **headers)

    ((_, path, headers, _),) = apps.got
    assert path == "/a%2Fb//c?page=2"
    assert headers["Host"] == "accounts.example"
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"
    assert not headers.keys() & {"X-Forwarded-Host", "X-Forwarded-Prefix", "Forwarded"}
    assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-ID"])


def test_a_name_with_an_underscore_is_dropped(nginx: Nginx, apps: Apps) -> None:
    """WSGI reads it as the name with a hyphen: a client could choose its own address."""
    with closing(http.client.HTTPConnection("127.0.0.1", nginx.port, timeout=60)) as connection:
        connection.request("GET", "/", headers={"X_Forwarded_For": "1.2.3.4"})
        connection.getresponse().read()

    ((_, _, headers, _),) = apps.got
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert "X_Forwarded_For" not in headers


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0123.from-a_client", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("short", False),
        ("two words", False),
        ('quote"quote', False),
        ("암호암호암호", False),
    ],
)
def test_an_id_is_passed_on_only_if_the_service_would_take_it(
    nginx: Nginx, apps: Apps, final: LoadedStage, given: str, kept: bool
) -> None:
    """Otherwise nginx makes one, the same for the service and for the log."""
    assert bool(final.package.hooks.WELL_FORMED_ID.fullmatch(given)) == kept
    send(nginx, "GET", "/", X_Request_ID=given.encode().decode("latin-1"))
    ((_, _, headers, _),) = apps.got
    assert (headers["X-Request-ID"] == given) == kept
    assert nginx.access(1)[0]["request_id"] == headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("method", "sent"), [("GET", 2), ("HEAD", 2), ("PUT", 2), ("DELETE", 2), ("POST", 1), ("PATCH", 1)]
)
def test_a_request_that_was_sent_is_sent_again_only_if_that_does_no_harm(
    nginx: Nginx, apps: Apps, method: str, sent: int
) -> None:
    """Its app is killed: the other is asked, or the client is told that the outcome is unknown."""
    apps.breaks = 1
    said = send(nginx, method, "/", b"{}" if method != "GET" else None)

    assert [got[0] for got in apps.got] == [method] * sent
    assert len({got[2]["X-Request-ID"] for got in apps.got}) == 1
    assert said.status == (200 if sent == 2 else 502)
    if sent == 1:
        assert said["retry-after"] == "5"
        assert "may have been done" in said.problem["detail"]


def test_a_request_that_could_not_be_sent_goes_to_the_other(nginx: Nginx, apps: Apps) -> None:
    """By any method, since no app has it yet. One app is down, and of twenty requests none fails."""
    apps.servers[0].shutdown()
    apps.servers[0].socket.close()
    said = [send(nginx, "POST", "/", b"{}").status for _ in range(20)]
    assert said == [200] * 20
    assert len(apps.got) == 20


def test_an_answer_is_not_asked_for_twice(nginx: Nginx, apps: Apps) -> None:
    """503 is a response: asking again does not help a busy service, and its body is passed on."""
    said = send(nginx, "GET", "/busy")
    assert (said.status, said.body) == (503, b"ok")
    assert len(apps.got) == 1


def test_without_an_app_the_answer_is_a_problem(nginx: Nginx, apps: Apps) -> None:
    """Like the service's own problems."""
    for server in apps.servers:
        server.shutdown()
        server.socket.close()
    said = send(nginx, "GET", "/v2/accounts/me", X_Request_ID="0123.from-a_client")
    assert said.status == 502
    assert said.problem["instance"] == "0123.from-a_client"


LONG = b"x" * 16_384


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/", LONG, {}, 200),
        ("POST", "/", LONG + b"x", {}, 413),
        ("GET", "/" + "x" * 9_000, None, {}, 414),
        ("GET", "/", None, {"Cookie": "x" * 9_000}, 400),
        ("GET", "/metrics", None, {}, 404),
        ("GET", "//metrics", None, {}, 404),
        ("GET", "/%6detrics", None, {}, 404),
        ("GET", "/x/../metrics?name=x", None, {}, 404),
        ("GET", "/-/problem", None, {}, 404),
        ("TRACE", "/", None, {}, 405),
        ("GET", "/x/../..", None, {}, 400),
    ],
)
def test_what_nginx_refuses_itself(
    nginx: Nginx, apps: Apps, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int
) -> None:
    """It does not reach the service, which would refuse it too."""
    said = send(nginx, method, path, body, **headers)
    assert said.status == status
    assert len(apps.got) == (status == 200)
    if status != 200:
        assert said.problem
        assert said["server"] == "nginx"  # and not which


def test_too_many_at_one_moment(nginx: Nginx, apps: Apps) -> None:
    """Slow requests count until their bodies time out: 429 for a client with 256 of them."""
    slow = []
    for _ in range(256):
        client = socket.create_connection(("127.0.0.1", nginx.port))
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{")
        slow.append(client)
    end = time.monotonic() + 9  # the first of them is given up after 10 seconds
    answered = 0
    while (said := send(nginx, "GET", "/")).status == 200 and time.monotonic() < end:
        answered += 1  # a worker has not read all of the slow ones yet
    for client in slow:
        client.close()

    assert said.status == 429
    assert said["retry-after"] == "5"
    assert said.problem
    assert len(apps.got) == answered


def test_a_line_for_each_request_without_its_query(nginx: Nginx, apps: Apps) -> None:
    """Of a refused one too; in UTC; and without what a client may want kept private."""
    send(nginx, "GET", "/a%0Ab?token=hunter2", Authorization="Bearer hunter2", Cookie="a=hunter2")
    send(nginx, "POST", "/v2/auth/login?token=hunter2", LONG + b"hunter2")
    nginx.access(2)  # the line of a refused request comes late: nginx first reads what its client still sends
    apps.breaks = 2
    send(nginx, "GET", "/broken?token=hunter2")

    one, two, three = nginx.access(3)
    assert (one["method"], one["path"], one["status"]) == ("GET", "/a%0Ab", 200)
    assert (two["method"], two["path"], two["status"]) == ("POST", "/v2/auth/login", 413)
    assert set(three["upstream_status"].split(", ")) == {"502"}
    assert set(three["upstream"].split(", ")) >= {f"127.0.0.1:{port}" for _, port in apps.addresses}
    moment = datetime.fromisoformat(one["time"])
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=5)
    assert one["address"] == "127.0.0.1"
    written = "".join(path.read_text(encoding="utf-8") for path in nginx.scratch.glob("*.log"))
    assert "hunter2" not in written


def test_an_app_that_is_taken_out_gets_no_request(nginx: Nginx, apps: Apps) -> None:
    """`down` and a reload: from then on everything goes to the other, and nothing has failed."""
    nginx.take_out(apps.addresses[0])
    assert [send(nginx, "POST", "/", b"{}").status for _ in range(10)] == [200] * 10
    assert {line["upstream"] for line in nginx.access(10)} == {f"127.0.0.1:{apps.addresses[1][1]}"}
