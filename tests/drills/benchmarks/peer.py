"""A service to try the benchmarks on: it logs in, refreshes and logs out; FLAW says what it does wrong."""

from __future__ import annotations

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

FLAW = os.environ.get("FLAW", "")
NUMBERS, ALIVE = count(1), {}


class Peer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/health":
            return self._answer(200, {"status": "ok"})
        email = ALIVE.get(self._token())
        if FLAW == "believes any token" and self._token():
            email = email or "user0@example.com"
        if email is None:
            return self._answer(401, {})
        if FLAW == "breaks in the end" and next(NUMBERS) > 40:
            return self._answer(500, {})
        return self._answer(200, {"email": "mina@example.com" if FLAW == "shows another account" else email})

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        if self.path == "/login":
            if sent["password"].endswith("!") and FLAW != "takes any password":
                return self._answer(401, {})
            return self._answer(200, self._tokens(sent["email"]))
        if self.path == "/refresh":
            email = ALIVE.pop(sent["refresh"], None)
            return self._answer(200, self._tokens(email)) if email else self._answer(401, {})
        if FLAW != "forgets to revoke":
            email = ALIVE.pop(self._token())
            for token in [token for token, owner in ALIVE.items() if owner == email]:
                del ALIVE[token]
        return self._answer(204, None)

    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    @staticmethod
    def _tokens(email: str) -> dict[str, str]:
        access, refresh = (f"{kind}-{next(NUMBERS)}-of-{email}" for kind in ("access", "refresh"))
        ALIVE.update({access: email, refresh: email})
        return {"access": access, "refresh": refresh}

    def _answer(self, status: int, body: object) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    if FLAW == "does not start":
        sys.exit("no such database")
    if FLAW == "does not stop":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.environ.get("WEB_CONCURRENCY") == "2":
        os.fork()  # a second process, which is not waited for; both may use the port
    ThreadingHTTPServer.allow_reuse_port = True
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Peer).serve_forever()
