"""Redis for the tests, and a proxy that cuts connections to a server which the tests cannot stop."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from threading import Event, Thread

REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
HOW_REDIS = "docker run -p 6379:6379 redis; or set TEST_REDIS_URL"


class Proxy:
    """Forwards every connection to a server; after `cut` it refuses them, until `restore`.

    After `freeze` it takes them and forwards nothing, until `thaw`: like a server that is stopped.

    Args:
        host: of the server, ``port`` likewise.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._pairs: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self._flowing = Event()
        self._flowing.set()
        self.port = 0
        self.restore()

    def restore(self) -> None:
        """Take connections, at the same port as before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listener.getsockname()[1]
        Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Cut all connections, in the middle of a message, and refuse new ones."""
        if self._listener is not None:
            # shutdown wakes the thread that accepts; close alone would leave it, and the port, waiting
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        pairs, self._pairs = self._pairs, []
        for end in pairs:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def freeze(self) -> None:
        """Forward nothing, and keep all connections; new ones are accepted too."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Forward what has arrived meanwhile, and go on."""
        self._flowing.set()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            self._pairs += [client, server]
            for one, other in ((client, server), (server, client)):
                Thread(target=self._copy, args=(one, other), daemon=True).start()

    def _copy(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                self._flowing.wait()
                other.sendall(data)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
