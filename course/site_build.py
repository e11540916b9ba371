"""The site: built when something it is made from has changed, and served from `.course/site`."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import shutil
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course.bootstrap import STATE
from course.failures import ROOT, Failure
from course.programs import PYTHON, output_of

BUILT = STATE / "site"
INPUTS = ("mkdocs.yml", "requirements.txt", "README.md", "docs", "chapters", "final", "tests", "course/site")
CHANGING = {"__pycache__", "instance", ".pytest_cache", ".mypy_cache"}  # written by running, not by writing


def build_site() -> bool:
    """Build the site into `.course/site` if it is not there or older than its inputs; return whether it was.

    Raises:
        Failure: mkdocs failed.
    """
    stamp = STATE / "site.stamp"
    now = _digest(ROOT)
    if (BUILT / "index.html").is_file() and stamp.is_file() and stamp.read_text(encoding="utf-8") == now:
        return False
    if not (ROOT / "mkdocs.yml").is_file():
        raise Failure("mkdocs.yml is missing: restore it with git checkout mkdocs.yml, or clone again.")
    stamp.unlink(missing_ok=True)
    fresh = STATE / "site.new"  # built aside, so that nobody is ever served half a site
    command = [PYTHON, "-m", "mkdocs", "build", "--clean", "--site-dir", str(fresh)]
    output_of(command, ROOT, purpose="The site could not be built", log="site.log")
    shutil.rmtree(BUILT, ignore_errors=True)
    fresh.rename(BUILT)
    stamp.write_text(now, encoding="utf-8")
    return True


@contextmanager
def serve_site(port: int) -> Iterator[None]:
    """Serve `.course/site` on the loopback address while the block runs."""
    handler = functools.partial(_Handler, directory=str(BUILT))
    with _Server(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


class _Server(socketserver.ThreadingTCPServer):
    """Not http.server's own, which asks the name service for its name: seconds, without a network."""

    allow_reuse_address = os.name == "posix"  # on Windows it would let two servers share a port
    daemon_threads = True
    request_queue_size = 64  # a browser opens several connections at once


class _Handler(http.server.SimpleHTTPRequestHandler):
    # Windows keeps these in its registry, where other programs overwrite them.
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".css": "text/css",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript",
        ".json": "application/json",
        ".mjs": "text/javascript",
        ".svg": "image/svg+xml",
        ".wasm": "application/wasm",
    }

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")  # a site built anew is seen at once
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal belongs to the addresses."""


def _digest(root: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(_files(root)):
        state = file.stat()
        digest.update(f"{file.relative_to(root).as_posix()} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for name in INPUTS:
        top = root / name
        if top.is_file():
            yield top
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if name not in CHANGING]
            yield from (Path(folder, file) for file in files)
