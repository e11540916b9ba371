"""The pipe from a process in which the learner's code runs to the runner.

A message is JSON, which runs nothing when it is read, and carries what the two ends alone know: other bytes
in the pipe are no message.
"""

from __future__ import annotations

import hmac
import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from course.judging.protocol import Finding

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

TUPLES = ("place", "lacks", "view")  # the parts of a finding that JSON makes lists of
LONGEST = 10_000_000  # bytes of one message


class Sender:
    """The worker's end of the pipe."""

    def __init__(self, pipe: Connection, secret: str) -> None:
        process = os.getpid()
        sent = 0

        def send(message: Any, /) -> None:
            nonlocal sent
            if os.getpid() != process:  # the learner's code has forked, and its copy of pytest goes on too
                os._exit(0)
            pipe.send_bytes(json.dumps([secret, sent, *message], default=asdict).encode())
            sent += 1

        self.send = send  # a closure: no attribute holds the secret


class Receiver:
    """The runner's end of the pipe."""

    def __init__(self, pipe: Connection, secret: str) -> None:
        self.pipe, self._secret, self._received = pipe, secret, 0

    def receive(self) -> tuple[str, list[Any]]:
        """Return the kind of the next message, and its values.

        Raises:
            EOFError: the process has ended.
            OSError, ValueError, TypeError, KeyError: what came is no message of the worker.
        """
        secret, number, kind, *values = json.loads(self.pipe.recv_bytes(LONGEST))
        if not hmac.compare_digest(str(secret), self._secret) or number != self._received:
            raise ValueError("a message that the worker did not send")
        self._received += 1
        if kind == "failed":
            tuples = {name: tuple(values[1][name]) for name in TUPLES if values[1][name] is not None}
            values[1] = Finding(**values[1] | tuples)
        return str(kind), values
