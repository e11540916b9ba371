"""Finding ports to listen on."""

from __future__ import annotations

import os
import socket
from collections.abc import Container

from course.errors import Failure
from course.messages import say


def choose(wanted: int | None, default: int, option: str, taken: Container[int] = ()) -> int:
    """Return ``wanted``, or if that is None the first free port from ``default`` on.

    Raises:
        Failure: ``wanted`` is not free; the sentence names ``option``.
    """
    if wanted is not None:
        if wanted in taken or not free(wanted):
            raise Failure(say("ports.used", port=wanted, option=option))
        return wanted
    for port in range(default, min(default + 100, 65536)):
        if port not in taken and free(port):
            return port
    raise Failure(say("ports.all_used", first=default, last=default + 99, option=option))


def free(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a server can listen on ``port``.

    A connection is tried first: macOS lets a program bind an address at which another program answers.
    """
    with socket.socket() as probe:
        probe.settimeout(0.3)
        if probe.connect_ex(("127.0.0.1" if host == "0.0.0.0" else host, port)) == 0:  # noqa: S104
            return False
    with socket.socket() as probe:
        if (
            os.name == "posix"
        ):  # a port left a moment ago is free; on Windows this option would mean "share it"
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
