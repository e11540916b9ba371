"""Stretch task 7.2: the image checks itself, by the instruction HEALTHCHECK."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from kit import fake_docker
from kit.adapter import Stage

Check = Callable[[int], bool]


@pytest.fixture
def healthy(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Run the check of the image, in what the image holds, against a port; return whether it was content."""
    text = (stage.loaded.folder / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.findall(r"^HEALTHCHECK .*?\bCMD (.*)$", text.split("\nFROM ")[-1], re.M)
    assert found, "the Dockerfile has no HEALTHCHECK in its last stage"
    assert found[-1].startswith("["), "as a list: a small image may have no shell"
    monkeypatch.chdir(stage.loaded.folder)
    monkeypatch.setattr(fake_docker, "STATE", tmp_path)
    fake_docker.build("image", [])
    folder = json.loads((tmp_path / "image.json").read_text(encoding="utf-8"))["folder"]

    def run(port: int) -> bool:
        env = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PORT": str(port)}
        done = subprocess.run(json.loads(found[-1]), cwd=folder, env=env, capture_output=True, timeout=20)
        return done.returncode == 0

    return run


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Serve a status for each path, after some seconds; return the port."""
    servers = []

    def start(seconds: float = 0, **statuses: int) -> int:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                time.sleep(seconds)
                self.send_response(statuses.get(self.path.removeprefix("/health/"), 404))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_service_that_lives_is_healthy(healthy: Check, serve: Callable[..., int]) -> None:
    """The check asks over the port that the image says, and is content with 200."""
    assert healthy(serve(live=200, ready=200))


def test_a_database_that_is_away_is_no_illness(healthy: Check, serve: Callable[..., int]) -> None:
    """An engine that restarts unhealthy containers would restart this one for nothing."""
    assert healthy(serve(live=200, ready=503))


def test_an_error_is_an_illness(healthy: Check, serve: Callable[..., int]) -> None:
    """An answer alone is not enough."""
    assert not healthy(serve(live=500, ready=200))


def test_silence_is_an_illness(healthy: Check) -> None:
    """Where nobody listens, the check fails."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    assert not healthy(port)


def test_a_service_that_hangs_is_not_waited_for(healthy: Check, serve: Callable[..., int]) -> None:
    """After some seconds without an answer the check gives up by itself."""
    started = time.monotonic()

    assert not healthy(serve(seconds=10, live=200))
    assert time.monotonic() - started < 8
