"""The load: connections that are kept open, each with one request under way, all from one thread.

Our own, for three reasons: each answer is looked at, a refresh needs the token of the answer before, and a
generator must be much cheaper than what it measures. Python's usual ones take as long over a request as the
service does; wrk is cheap, but is not to be had by pip. How busy it was itself stands in the result.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .failures import WrongAnswer

ANSWER_WITHIN = 30.0  # seconds that an answer may take


class Client:
    """Sends the same request again and again, and wants the same answer. A subclass may say otherwise."""

    def __init__(self, request: bytes, statuses: Sequence[int] = (200,), contains: bytes = b"") -> None:
        self.request = request
        self._statuses = frozenset(statuses)
        self._contains = contains

    def take(self, status: int, body: bytes) -> None:
        """Look at an answer.

        Raises:
            WrongAnswer: it is not what was wanted.
        """
        if status not in self._statuses or self._contains not in body:
            line = self.request.split(b" HTTP", 1)[0].decode()
            raise WrongAnswer(f"{line} answered {status}: {body[:200]!r}")


@dataclass
class Measured:
    """What came of a load, of the clients that were measured."""

    latencies: list[float] = field(default_factory=list)  # seconds, of all that were sent in this time
    count: int = 0  # of those, how many were answered in it
    seconds: float = 0.0
    server_cpu: float = 0.0  # seconds of a processor, in all processes of the server
    own_cpu: float = 0.0  # and of this one


def drive(
    port: int,
    clients: Sequence[Client],
    seconds: float,
    *,
    beside: Sequence[Client] = (),
    warm_up: float = 0.2,
    cpu: Callable[[], float] = lambda: 0.0,
) -> Measured:
    """Let each client send one request after the other, and measure for so many seconds.

    Args:
        beside: clients that send too, and are not measured.
        warm_up: seconds that come before, and do not count.
        cpu: returns the seconds of processor time that the server has used so far.

    Raises:
        WrongAnswer: an answer is not what its client wants, or does not come.
    """
    measured = Measured()
    with selectors.DefaultSelector() as selector:
        connections = [_Connection(port, client, [], selector) for client in beside]
        connections += [_Connection(port, client, measured.latencies, selector) for client in clients]
        try:
            _turn(selector, connections, warm_up)
            measured.latencies.clear()
            begun, used, own = time.perf_counter(), cpu(), time.process_time()
            _turn(selector, connections, seconds)
            measured.seconds = time.perf_counter() - begun
            measured.server_cpu, measured.own_cpu = cpu() - used, time.process_time() - own
            measured.count = len(measured.latencies)
            _drain(selector, connections)  # the slowest are among those that are still under way
        finally:
            for connection in connections:
                connection.close()
    return measured


def ask(port: int, request: bytes) -> tuple[int, bytes]:
    """Send one request on a connection of its own, and return the status and the body of the answer."""
    kept: list[tuple[int, bytes]] = []

    class Once(Client):
        def take(self, status: int, body: bytes) -> None:
            kept.append((status, body))

    with selectors.DefaultSelector() as selector:
        connection = _Connection(port, Once(request), [], selector)
        try:
            _drain(selector, [connection])
        finally:
            connection.close()
    return kept[0]


def _turn(selector: selectors.BaseSelector, connections: Sequence[_Connection], seconds: float) -> None:
    now = time.perf_counter()
    end = now + seconds
    for connection in connections:
        if connection.sent_at is None:
            connection.send()
    while now < end:
        ready = selector.select(min(end - now, 1.0))
        for key, _ in ready:
            if key.data.receive():
                key.data.send()
        now = time.perf_counter()
        if not ready:
            _fail_on_timeout(connections, now)


def _drain(selector: selectors.BaseSelector, connections: Sequence[_Connection]) -> None:
    # What is under way is waited for: a refresh whose answer is lost would break its chain.
    for connection in connections:
        if connection.sent_at is None and not connection.answered:
            connection.send()
    while any(connection.sent_at is not None for connection in connections):
        for key, _ in selector.select(1.0):
            key.data.receive()
        _fail_on_timeout(connections, time.perf_counter())


def _fail_on_timeout(connections: Sequence[_Connection], now: float) -> None:
    for connection in connections:
        if connection.sent_at is not None and now - connection.sent_at > ANSWER_WITHIN:
            line = connection.client.request.split(b" HTTP", 1)[0].decode()
            raise WrongAnswer(f"{line} was not answered in {ANSWER_WITHIN:g} seconds")


class _Connection:
    """A connection to the server, opened again where that closes it between two requests."""

    def __init__(
        self, port: int, client: Client, latencies: list[float], selector: selectors.BaseSelector
    ) -> None:
        self.client = client
        self.sent_at: float | None = None
        self.answered = 0
        self._port, self._latencies, self._selector = port, latencies, selector
        self._received = b""
        self._socket: socket.socket | None = None

    def send(self) -> None:
        """Send the next request."""
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=ANSWER_WITHIN)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._selector.register(self._socket, selectors.EVENT_READ, self)
            self.sent_at = time.perf_counter()
            self._socket.sendall(self.client.request)
        except OSError as error:
            raise WrongAnswer(f"the server takes no request: {error}") from error

    def receive(self) -> bool:
        """Read what is there, and say whether that completes an answer."""
        assert self._socket is not None
        try:
            data = self._socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            return self._closed()
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank:
            return False
        length = _content_length(head)
        if len(body) < length:
            return False
        status, sent_at = int(head[9:12]), self.sent_at
        self._received, self.sent_at = b"", None
        if sent_at is not None:
            self._latencies.append(time.perf_counter() - sent_at)
        self.answered += 1
        if b"connection: close" in head.lower():
            self.close()
        self.client.take(status, body[:length])
        return True

    def _closed(self) -> bool:
        broken = self.sent_at is not None
        if broken and (self._received or not self.answered):
            raise WrongAnswer("the server closed the connection instead of answering")
        # A server may close an idle connection in the instant we use it; a client that keeps some asks again.
        self.close()
        if broken:
            self.send()
        return False

    def close(self) -> None:
        """Close it; the next request opens another."""
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
            self._socket = None


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"\r\ncontent-length:")
    if at < 0:
        if b" 204 " in head[:16] or b" 304 " in head[:16]:
            return 0
        raise WrongAnswer("an answer without Content-Length: this load generator reads no other")
    end = lowered.find(b"\r\n", at + 2)
    return int(lowered[at + 17 : end if end > 0 else None])
