"""The site for `up` and `pack`: built into `.course/site` after a save, and served so that open pages reload.

Not `mkdocs serve`: it builds all pages at each start, and answers no request while it builds or after a
build that failed. Here a start without changes builds nothing, and the last pages are served until newer
ones are there.
"""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import os
import re
import shutil
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from course.errors import Failure
from course.paths import ROOT, STATE
from course.setup.programs import PYTHON, decode, last_lines, start

BUILT = STATE / "site"
INPUTS = ("mkdocs.yml", "requirements.txt", "README.md", "docs", "chapters", "final", "tests", "course")
#: A change of these can change every page, so all pages are built; otherwise only those with other content.
FRAME = ("mkdocs.yml", "requirements.txt", "docs/figures/card.html", "docs/lab/messages", "course/site")
GENERATED = {"__pycache__", "instance", ".pytest_cache", ".mypy_cache"}
STAMP, LOG = "site.stamp", "site.log"  # in STATE; the stamp has the digests at the last build
COMING = "The lab is still to come."  # in the log, see course/site/hook.py

#: Added to a page as it is sent, so it is in no page that is published.
RELOAD = """<script>
setInterval(async () => {
  if (document.hidden) return;
  const response = await fetch(location.href, {method: "HEAD", cache: "no-store"}).catch(() => null);
  if (response?.ok && response.headers.get("ETag") !== '%s') location.reload();
}, 1000);
</script></body>"""
NOT_YET = """<!doctype html><meta charset="utf-8"><title>Effective Flask</title>
<body><p>The site is being built. It opens here when it is ready.</p>
<p lang="ko">사이트를 만들고 있습니다. 준비되면 이 페이지에서 바로 열립니다.</p></body>"""


@dataclass
class Build:
    """A build of the site in a process of its own."""

    process: subprocess.Popen[bytes]
    folder: Path
    digests: list[str]
    lab: str  # see start_build
    began: float = field(default_factory=time.monotonic)
    lab_is_missing: bool = False  # the pages are built again once its bundle is ready

    def finish(self) -> None:
        """Wait for the end of the build, and serve its pages from now on.

        Raises:
            Failure: mkdocs failed. The pages of the last build are still there.
        """
        status, log = self.process.wait(), STATE / LOG
        output = decode(log.read_bytes())
        if status:
            found = re.search(r"ERROR +- +(?:Config value '\w+': )?(.+)", output)
            reason = (found[1] if found else last_lines(output, 1)).rstrip(".")
            raise Failure(f"The site could not be built ({reason}): see {log}")
        if self.folder != BUILT:
            shutil.rmtree(BUILT, ignore_errors=True)
            self.folder.rename(BUILT)
        self.lab_is_missing = COMING in output or self.lab == "none"
        state = [*self.digests, "without the lab"] if self.lab_is_missing else self.digests
        (STATE / STAMP).write_text(" ".join(state), encoding="utf-8")


def build_site() -> bool:
    """Build the site if it is not there or older than its inputs, the lab too; return whether it was.

    Raises:
        Failure: mkdocs failed.
    """
    build = start_build(lab="now")
    if build is not None:
        build.finish()
    return build is not None


def start_build(lab: str, *, force: bool = False) -> Build | None:
    """Start to build the site, unless it is there and as new as its inputs.

    Args:
        lab: whether its bundle is built as well: now, later (a page says that it is to come), or not at all.
        force: build even if nothing has changed.

    Raises:
        Failure: mkdocs.yml is missing.
    """
    now, stamp = digests(), STATE / STAMP
    before = stamp.read_text(encoding="utf-8").split() if stamp.is_file() and is_built() else []
    if before == now and not force:
        return None
    if not (ROOT / "mkdocs.yml").is_file():
        raise Failure("mkdocs.yml is missing: restore it with git checkout mkdocs.yml, or clone again.")
    how, folder = ("--dirty", BUILT) if before[:1] == now[:1] else ("--clean", STATE / "site.new")
    if folder == BUILT:
        stamp.write_text(f"{now[0]} unfinished", encoding="utf-8")
    command = [PYTHON, "-m", "mkdocs", "build", how, "--site-dir", str(folder)]
    return Build(start(command, ROOT, LOG, COURSE_LAB=lab), folder, now, lab)


def is_built() -> bool:
    """Return whether there is a site to serve."""
    return (BUILT / "index.html").is_file()


def digests() -> list[str]:
    """Return a digest of the files of FRAME and one of INPUTS, by their names, sizes and dates."""
    return [_digest(ROOT, FRAME), _digest(ROOT, INPUTS)]


def remarks() -> list[str]:
    """Return the warnings of the last build, and why the lab is missing."""
    log = STATE / LOG
    output = log.read_text(encoding="utf-8") if log.is_file() else ""
    return re.findall(r"The site is built without the lab: .*|(?<=WARNING -  )(?!A 'dirty' build).*", output)


def _digest(root: Path, names: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for file in sorted(_files(root, names)):
        state = file.stat()
        digest.update(f"{file.relative_to(root).as_posix()} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(root: Path, names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        top = root / name
        if top.is_file():
            yield top
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if name not in GENERATED]
            yield from (Path(folder, file) for file in files)


@contextmanager
def serve_site(folder: Path, port: int) -> Iterator[None]:
    """Serve ``folder`` on the loopback address while the block runs."""
    handler = functools.partial(_Handler, directory=str(folder))
    with _Server(("127.0.0.1", port), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


class _Server(socketserver.ThreadingTCPServer):
    """Not http.server's own, which looks up its host name: seconds, without a network."""

    allow_reuse_address = os.name == "posix"  # on Windows it would let two servers share a port
    daemon_threads = True
    request_queue_size = 64  # a browser opens several connections at once


class _Handler(http.server.SimpleHTTPRequestHandler):
    # Windows takes these from its registry, where other programs overwrite them.
    extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
        ".css": "text/css",
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript",
        ".json": "application/json",
        ".mjs": "text/javascript",
        ".svg": "image/svg+xml",
        ".wasm": "application/wasm",
    }

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Send the head of a response and return its body: a page, the one for a wrong address, or a file."""
        wanted = Path(self.translate_path(self.path))
        page = wanted / "index.html" if self.path.partition("?")[0].endswith("/") else wanted
        missing = Path(self.directory, "404.html")
        if page.suffix == ".html" and page.is_file():
            return self._send_page(200, page.read_bytes(), self._state(page))
        if not Path(self.directory, "index.html").is_file():
            return self._send_page(503, NOT_YET.encode(), "")
        if not wanted.exists() and missing.is_file():
            return self._send_page(404, missing.read_bytes(), self._state(missing))
        return super().send_head()

    def _send_page(self, status: int, html: bytes, state: str) -> io.BytesIO:
        before, end, after = html.rpartition(b"</body>")
        body = b"".join([before, (RELOAD % state).encode() if end else b"", after])
        self.send_response(status)
        self.send_header("Content-Type", self.extensions_map[".html"])
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", state)
        self.end_headers()
        return io.BytesIO(body)

    def _state(self, page: Path) -> str:
        """Return a tag that changes when the page is built again, or one of our styles and scripts."""
        files = [page, *Path(self.directory, "assets").glob("*.*")]
        return f'"{max(file.stat().st_mtime_ns for file in files):x}"'

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")  # so that a new build is seen at once
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the terminal shows the addresses."""
