"""The site for the tests: built once for all processes of a run, and served under its own policy."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD_LIMIT = 180  # seconds until another process has built the site
TYPES = {".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm"}


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The site as `mkdocs build --strict` writes it: its folder, and the output of mkdocs."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # all processes of one run share this folder
    folder, log = shared / "site", shared / "site.log"
    try:
        (shared / "site.building").mkdir()
    except FileExistsError:
        until = time.monotonic() + BUILD_LIMIT
        while not log.exists():
            assert time.monotonic() < until, "the process that builds the site does not finish"
            time.sleep(0.1)
        return folder, log.read_text(encoding="utf-8")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    unfinished = log.with_suffix(".writing")
    unfinished.write_text(f"{built.stdout}\nexit status {built.returncode}", encoding="utf-8")
    unfinished.rename(log)
    return folder, log.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def site_with_lab(built_site: tuple[Path, str]) -> Path:
    """The folder of the site with the lab; skipped if that cannot be built."""
    if shutil.which("npm") is None:
        pytest.skip("the lab needs Node and npm: it is not built and not tested here")
    folder, log = built_site
    assert "without the lab" not in log, log
    return folder


@pytest.fixture(scope="session")
def address(built_site: tuple[Path, str]) -> Iterator[str]:
    """Where the site is served, without a slash at the end."""
    with served(built_site[0]) as url:
        yield url


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve the site with the headers of docs/en/hosting.md, while the block runs."""
    policy = (folder / "content-security-policy.txt").read_text(encoding="ascii").strip()

    class Handler(SimpleHTTPRequestHandler):
        extensions_map = SimpleHTTPRequestHandler.extensions_map | TYPES

        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", policy)
            super().end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    handler = functools.partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
