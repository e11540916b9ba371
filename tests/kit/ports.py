"""A port for a server that a test starts, and that nobody else takes before the server does."""

from __future__ import annotations

import random
import socket

#: Below the ports that systems hand to whoever connects or asks for any: each test has dozens of those.
FIRST, LAST = 10_000, 30_000
_ANY = random.SystemRandom()  # not `random`: tools of the tests give all processes the same seed


def free_port() -> int:
    """Return a port of this machine on which nobody listens, another one with each call."""
    while True:
        port = _ANY.randrange(FIRST, LAST)
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
