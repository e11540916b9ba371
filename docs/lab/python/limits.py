"""Ends an endless loop in the reader's own files, at the line that jumps back.

Python reports each jump backwards (PEP 669), except in code for which we disable it: all but the reader's.
Code that hangs elsewhere, in a library, is ended by the page together with the whole worker.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType

TOOL, JUMP = 4, sys.monitoring.events.JUMP


class TookTooLong(BaseException):
    """The time limit was reached. Not an `Exception`: the reader's `except Exception` must not catch it."""


class Timer:
    """Raises `TookTooLong` in the reader's code once the time that `start` set is over."""

    def __init__(self, own: tuple[str, ...]) -> None:
        """``own``: what the paths of the reader's files begin with."""
        self.own = own
        self.seconds = self.end = float("inf")

    def start(self, seconds: float) -> None:
        """Allow the code ``seconds`` from now on."""
        self.seconds, self.end = seconds, time.perf_counter() + seconds

    def on_jump(self, code: CodeType, _at: int, _to: int) -> object:
        """Handle a jump: raise if the time is over."""
        if not code.co_filename.startswith(self.own):
            return sys.monitoring.DISABLE
        if time.perf_counter() > self.end:
            raise TookTooLong(f"{self.seconds:g} seconds")
        return None


@contextmanager
def timer(*own: str) -> Iterator[Timer]:
    """Monitor the block. Use one for all that runs in it: starting and ending it slow down every function.

    Args:
        own: what the paths of the reader's files begin with.
    """
    running = Timer(own)
    sys.monitoring.use_tool_id(TOOL, "lab")
    sys.monitoring.register_callback(TOOL, JUMP, running.on_jump)
    sys.monitoring.set_events(TOOL, JUMP)
    try:
        yield running
    finally:
        sys.monitoring.set_events(TOOL, 0)
        sys.monitoring.register_callback(TOOL, JUMP, None)
        sys.monitoring.free_tool_id(TOOL)
