"""The server of `up`: the site on the loopback address, and a page that reloads when it was built anew."""

from __future__ import annotations

import functools
import http.server
import io
import os
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

#: Added to a page as it is sent: nothing of it is in what is built, so nothing of it is published.
RELOAD = """<script>
setInterval(async () => {
  if (document.hidden) return;
  const answer = await fetch(location.href, {method: "HEAD", cache: "no-store"}).catch(() => null);
  if (answer?.ok && answer.headers.get("ETag") !== '%s') location.reload();
}, 1000);
</script></body>"""


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

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Send the head of an answer, return its body: a page, the one for what is not there, or a file."""
        asked = Path(self.translate_path(self.path))
        page = asked / "index.html" if self.path.partition("?")[0].endswith("/") else asked
        if page.suffix == ".html" and page.is_file():
            return self._send_page(page, 200)
        missing = Path(self.directory, "404.html")
        if not asked.exists() and missing.is_file():
            return self._send_page(missing, 404)
        return super().send_head()

    def _send_page(self, page: Path, status: int) -> io.BytesIO:
        state = self._state(page)
        before, end, after = page.read_bytes().rpartition(b"</body>")
        body = b"".join([before, (RELOAD % state).encode() if end else b"", after])
        self.send_response(status)
        self.send_header("Content-Type", self.extensions_map[".html"])
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", state)
        self.end_headers()
        return io.BytesIO(body)

    def _state(self, page: Path) -> str:
        """Return what is another as soon as the page is built again, or one of our styles or scripts."""
        files = [page, *Path(self.directory, "assets").glob("*.*")]
        return f'"{max(file.stat().st_mtime_ns for file in files):x}"'

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")  # a site built anew is seen at once
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal belongs to the addresses."""
