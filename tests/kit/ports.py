"""Ports for servers that tests start, which no other program takes meanwhile."""

from __future__ import annotations

import random
import socket

#: Below the ports that systems give to clients: each test uses dozens of those.
FIRST, LAST = 10_000, 30_000
_ANY = random.SystemRandom()  # not `random`: tools of the tests give all processes the same seed


def free_port() -> int:
    """Return a free port of this machine, another one with each call."""
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
