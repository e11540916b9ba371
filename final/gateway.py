"""Between the server and the application: a request is read whole, and then waits for one of few threads.

By WSGI alone a request takes a thread as soon as its headers are there. A dozen clients that send their
bodies a byte at a time would hold every thread, and so would a dozen requests that wait for a database. Here
a slow body is waited for without a thread. A request that gets no thread in time is told to come back, and
whether the process lives is answered by a thread that does nothing else.
"""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, NamedTuple

from granian.rsgi import ProtocolClosed, ProtocolError
from wsgi import app

from app.exceptions import BodyIncomplete, BodyTooSlow, NotReady, ServiceError

# Threads wait for the database. Two do that for a processor; the rest is for log-ins, of which PASSWORD_SLOTS
# (4) may run or wait at once: two are left for all others (trap 7). With more they only wait for each other.
THREADS = 6
BODY_WITHIN = 5.0  # seconds that a client has for its body, which is at most MAX_CONTENT_LENGTH long
THREAD_WITHIN = 2.5  # seconds that a request waits for a thread, and then 503
READY_WITHIN = 1.0  # the same for /health/ready, whose probe does not wait for long
LIVE, READY = "/health/live", "/health/ready"

log = logging.getLogger("app.gateway")
Answer = tuple[int, list[tuple[str, str]], bytes]


class Request(NamedTuple):
    """A request that was read, and waits for a thread."""

    scope: Any  # RSGI: its method, path, headers
    body: bytes
    answer: asyncio.Future[Answer]
    taken: Lock  # by the first to acquire it: a thread, or the end of the wait
    refusal: ServiceError | None = None


class Gateway:
    """The application as Granian calls it (RSGI), once for each request, all on one event loop."""

    def __init__(self, wsgi: Callable[..., Iterable[bytes]], longest: int) -> None:
        self._wsgi = wsgi
        self._longest = longest
        self._waiting: SimpleQueue[Request] = SimpleQueue()
        self._at_once: SimpleQueue[Request] = SimpleQueue()  # what waits for nothing: refusals, /health/live

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin, in a process that has just been made."""
        self._loop = loop
        for queue in [self._waiting] * THREADS + [self._at_once]:
            Thread(target=self._work, args=(queue,), daemon=True).start()

    async def __rsgi__(self, scope: Any, protocol: Any) -> None:
        """Answer one request."""
        body, refusal = await self._read(scope.headers, protocol)
        request = Request(scope, body, self._loop.create_future(), Lock(), refusal)
        path = scope.path
        if refusal or path == LIVE:
            self._at_once.put(request)
            protocol.response_bytes(*await request.answer)
            return
        within = READY_WITHIN if path == READY else THREAD_WITHIN
        patience = self._loop.call_later(within, self._refuse, request)
        self._waiting.put(request)
        answer = await request.answer
        patience.cancel()
        protocol.response_bytes(*answer)

    async def _read(self, headers: Any, protocol: Any) -> tuple[bytes, ServiceError | None]:
        """Return the body, and why the request has to be refused; of one that is too long, its beginning."""
        chunked = "transfer-encoding" in headers
        length = int(headers.get("content-length", "0"))
        if not chunked and (length == 0 or length > self._longest):
            return b"", None  # the application refuses by the header what is too long
        reading = self._loop.create_task(self._collect(protocol) if chunked else _whole(protocol))
        if not (await asyncio.wait({reading}, timeout=BODY_WITHIN))[0]:
            reading.cancel()
            return b"", BodyTooSlow()
        body = reading.result()
        return (b"", BodyIncomplete()) if body is None else (body, None)

    async def _collect(self, protocol: Any) -> bytes | None:
        """Return a body that does not say how long it is, or enough of it to see that it is too long."""
        parts, size, ends = [], 0, 0
        async for part in protocol:
            parts.append(part)
            size += len(part)
            ends += not part  # an empty part is the end; two are a broken connection (or unused trailers)
            if ends > 1:
                return None
            if size > self._longest:
                break
        return b"".join(parts)

    def _refuse(self, request: Request) -> None:
        if request.taken.acquire(blocking=False):
            self._at_once.put(request._replace(taken=Lock(), refusal=NotReady()))

    def _work(self, queue: SimpleQueue[Request]) -> None:
        while True:
            request = queue.get()
            if not request.taken.acquire(blocking=False):
                continue  # refused meanwhile
            try:
                answer = self._call(request)
            except BaseException:  # no handler of the application's: the thread has to outlive that
                log.exception("a request failed outside of the application")
                answer = (500, [], b"")
            self._loop.call_soon_threadsafe(_give, request.answer, answer)

    def _call(self, request: Request) -> Answer:
        said: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], error: object = None) -> None:
            said[:] = [int(status[:3]), headers]

        chunks = self._wsgi(environ_of(request), start_response)
        try:
            return said[0], said[1], b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()


def environ_of(request: Request) -> dict[str, Any]:
    """Return the request as WSGI wants it (PEP 3333)."""
    scope = request.scope
    host, _, port = scope.server.rpartition(":")
    environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "accounts.refusal": request.refusal,
    }
    for name, value in scope.headers.items():
        key = name.upper().replace("-", "_")
        if key not in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            key = f"HTTP_{key}"
        # A header that is there twice is one list (RFC 9110 5.3), and not the last that was sent.
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


async def _whole(protocol: Any) -> bytes | None:
    try:
        return bytes(await protocol())
    except (ProtocolClosed, ProtocolError):  # the connection broke
        return None


def _give(answer: asyncio.Future[Answer], content: Answer) -> None:
    if not answer.done():  # a client that has gone does not wait any more
        answer.set_result(content)


application = Gateway(app, app.config["MAX_CONTENT_LENGTH"])
