"""Traces: to a real receiver of OTLP over HTTP; and nothing at all when they are off."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from kit.adapter import PASSWORD, LoadedStage
from kit.environments import make_environment
from kit.server import SECRET, Server
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from course.lessons.stages import find_stage
from course.paths import ROOT

pytestmark = [
    pytest.mark.threads,
    pytest.mark.skipif(sys.platform == "win32", reason="the server has several processes, which want fork"),
]

ME, LOGIN = "/v2/accounts/me", "/v2/auth/login"
MINA = "mina@example.com"
LOCKED = ("requirements.txt", "tests/requirements.txt")


class Collector:
    """Takes spans, as a collector does."""

    def __init__(self) -> None:
        self.raw = b""  # everything received, as it came
        self.spans: list[Any] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.raw += body
                sent = ExportTraceServiceRequest.FromString(body)
                for resource in sent.resource_spans:
                    for scope in resource.scope_spans:
                        collector.spans += scope.spans
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def requests(self, count: int) -> dict[str, Any]:
        """Return the spans of ``count`` requests by their names; they come a moment after the responses."""
        end = time.monotonic() + 60
        while len(found := [span for span in list(self.spans) if span.kind == span.SPAN_KIND_SERVER]) < count:
            assert time.monotonic() < end, f"{len(found)} of {count} have come"
            time.sleep(0.05)
        assert len(found) == count
        return {span.name: span for span in found}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that has received nothing yet."""
    collector = Collector()
    yield collector
    collector.close()


def attributes(span: Any) -> dict[str, Any]:
    """Return the attributes of a span."""
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


@pytest.mark.timeout(900)  # the packages may have to be fetched
def test_a_collector_gets_spans_and_no_secrets(
    final: LoadedStage, collector: Collector, tmp_path: Path
) -> None:
    """Named by the rule, joined with the log by the id of the request, and with its statements.

    In an environment of its own, as an image with TRACES has it: nothing of the tests helps out.
    """
    files = [final.folder / name for name in ("requirements.txt", "requirements-otel.txt")]
    python = make_environment(tmp_path / "environment", *files)
    server = Server(
        final.folder,
        tmp_path,
        f"sqlite:///{tmp_path / 'accounts.sqlite'}",
        python,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_BSP_SCHEDULE_DELAY="100",
        # Configured to collect as much as it can.
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST=".*",
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE=".*",
    )
    try:
        server.send("POST", "/v2/accounts", {"email": MINA, "name": "Mina", "password": PASSWORD})
        grant = server.send("POST", LOGIN, {"email": MINA, "password": PASSWORD}).body
        me = server.send("GET", f"{ME}?token=hunter2", token=grant["access_token"])
        account = server.send("GET", f"/v2/accounts/{me.body['id']}", token=grant["access_token"])
        server.send("GET", "/v2/hunter2/%EA%B0%80")
        spans = collector.requests(5)
    finally:
        server.close()

    assert account.status == 200
    assert set(spans) == {
        "POST /v2/accounts",
        f"POST {LOGIN}",
        f"GET {ME}",
        "GET /v2/accounts/<uuid:account_id>",
        "GET none",
    }
    told = attributes(spans[f"GET {ME}"])
    assert told["request.id"] == me.headers["X-Request-ID"]
    assert told["http.route"] == ME and 200 in told.values()
    log_in = spans[f"POST {LOGIN}"]
    inside = [span for span in collector.spans if span.trace_id == log_in.trace_id and span is not log_in]
    statements = " ".join(str(attributes(span)) for span in inside)
    assert "SELECT" in statements and "INSERT INTO sessions" in statements
    for private in (
        MINA,
        "example.com",
        PASSWORD,
        "hunter2",
        me.body["id"],
        grant["access_token"],
        grant["refresh_token"],
        SECRET,
        "$argon2",
    ):
        assert str(private).encode() not in collector.raw, private
    assert b"127.0.0.1" not in collector.raw
    assert "opentelemetry" not in server.log.read_text(encoding="utf-8").lower()


def test_a_collector_that_is_down_stops_no_request(
    final: LoadedStage, collector: Collector, tmp_path: Path
) -> None:
    """Requests work as before; spans that cannot be delivered are dropped."""
    collector.close()
    url = f"sqlite:///{tmp_path / 'accounts.sqlite'}"
    server = Server(final.folder, tmp_path, url, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
    try:
        assert [server.send("GET", "/.well-known/jwks.json").status for _ in range(20)] == [200] * 20
    finally:
        server.close()


# The client of Redis looks whether there is an `opentelemetry` by itself, and then leaves it alone.
PROCESS = """
import sys
PARTS = ("opentelemetry.instrumentation", "opentelemetry.exporter", "opentelemetry.sdk.trace")
{before}
from app import create_app
client = create_app("config.TestingConfig").test_client()
assert client.get("/v2/accounts").status_code == 401
print([name for name in sys.modules if name.startswith(PARTS)])
"""


def run(folder: Path, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Make an application and use it, in a process of its own."""

    env = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")} | environment
    command = [sys.executable, "-c", PROCESS.format(before=before)]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=100)


def test_off_it_is_not_even_imported(final: LoadedStage) -> None:
    """Without the variable no module of it is loaded, though the packages are installed."""
    done = run(final.folder)

    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_without_the_packages_one_line_says_so(final: LoadedStage) -> None:
    """An operator who turns traces on learns what to install."""
    missing = "sys.modules['opentelemetry'] = None"
    done = run(final.folder, missing, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")

    assert done.returncode != 0
    assert done.stderr.strip().endswith("`pip install -r requirements-otel.txt`, or unset it")
    assert "Traceback" not in done.stderr


def test_what_is_installed_besides_is_what_was_tested() -> None:
    """The pins of the optional file are those of the suite."""
    locked = {
        line.partition(" ")[0]
        for file in LOCKED
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines()
        if "==" in line
    }
    file = find_stage("final").path / "requirements-otel.txt"
    wanted = {
        line.partition(" ")[0] for line in file.read_text(encoding="utf-8").splitlines() if "==" in line
    }

    assert wanted, "the file is empty"
    assert wanted <= locked
