"""Ends code that does not end by itself: a loop in the reader's own files, at the line where it turns.

Python tells of each jump backwards (PEP 669), and is told not to bother where it is not the reader's code.
What waits elsewhere, in a library, the page ends together with the whole worker.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType

TOOL, JUMP = 4, sys.monitoring.events.JUMP


class TookTooLong(BaseException):
    """The time was up. Not an `Exception`, so that no `except Exception` of the reader's goes on."""


class Watch:
    """Raises `TookTooLong` in the reader's code once the time that `wind` gave is up."""

    def __init__(self, own: tuple[str, ...]) -> None:
        """``own``: what the paths of the reader's files begin with."""
        self.own = own
        self.seconds = self.end = float("inf")

    def wind(self, seconds: float) -> None:
        """Give the code so many seconds from now on."""
        self.seconds, self.end = seconds, time.perf_counter() + seconds

    def jumped(self, code: CodeType, _at: int, _to: int) -> object:
        """Hear of a jump, and end the code if it is too late for it."""
        if not code.co_filename.startswith(self.own):
            return sys.monitoring.DISABLE
        if time.perf_counter() > self.end:
            raise TookTooLong(f"{self.seconds:g} seconds")
        return None


@contextmanager
def watched(*own: str) -> Iterator[Watch]:
    """Watch the block: once for all that runs in it, because to begin and to end slow down every function."""
    watch = Watch(own)
    sys.monitoring.use_tool_id(TOOL, "lab")
    sys.monitoring.register_callback(TOOL, JUMP, watch.jumped)
    sys.monitoring.set_events(TOOL, JUMP)
    try:
        yield watch
    finally:
        sys.monitoring.set_events(TOOL, 0)
        sys.monitoring.register_callback(TOOL, JUMP, None)
        sys.monitoring.free_tool_id(TOOL)


@contextmanager
def limited(seconds: float, *own: str) -> Iterator[None]:
    """Raise `TookTooLong` in the reader's code once the block has taken ``seconds``.

    Args:
        own: what the paths of the reader's files begin with.
    """
    with watched(*own) as watch:
        watch.wind(seconds)
        yield
