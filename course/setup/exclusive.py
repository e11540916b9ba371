"""One set-up at a time, by a lock of the operating system. Standard library only."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from course.messages import say
from course.paths import STATE


@contextmanager
def one_at_a_time() -> Iterator[int]:
    """Hold the set-up's lock, waiting while another command has it.

    Yields the file descriptor of the lock. The system frees the lock however the process ends; a child that
    inherits the descriptor keeps it.
    """
    STATE.mkdir(exist_ok=True)
    with (STATE / "set-up.lock").open("a+b") as file:
        waiting = False
        while not _try_lock(file):
            if not waiting:
                print(say("setup.waiting"), flush=True)
            waiting = True
            time.sleep(0.2)
        yield file.fileno()


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
