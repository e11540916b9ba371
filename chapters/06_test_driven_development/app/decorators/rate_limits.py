"""How often a client may ask."""

import time
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any

from flask import current_app, request

from ..exceptions import TooManyRequests


def client_address() -> str:
    """Count by the address that a request comes from."""
    return f"address {request.remote_addr}"


def rate_limited(times: int, seconds: int, by: Callable[[], str] = client_address) -> Callable:
    """Let ``times`` requests through in each window of ``seconds``, counted by ``by()``.

    Raises:
        TooManyRequests: these are more.
    """

    def decorator(view: Callable) -> Callable:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            windows: FixedWindows = current_app.extensions["rate_limits"]
            count, left = windows.hit(f"{view.__qualname__}, {times} in {seconds}, {by()}", seconds)
            if count > times:
                raise TooManyRequests("too many requests", left)
            return view(*args, **kwargs)

        return wrapper

    return decorator


class FixedWindows:
    """Counters that begin again with every window of time. Threads share one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: dict[tuple[str, int], int] = {}  # (whose counter, when the window ends): how many

    def hit(self, key: str, seconds: int) -> tuple[int, int]:
        """Count one request for ``key``.

        Returns:
            how many there are in this window of ``seconds`` so far, and how many seconds of it are left.
        """
        now = int(time.time())
        ends = now - now % seconds + seconds
        with self._lock:  # to read, to add and to write are three steps: no thread may come in between
            if (key, ends) not in self._counts:
                self._forget_windows_before(now)
            count = self._counts.get((key, ends), 0) + 1
            self._counts[key, ends] = count
        return count, ends - now

    def _forget_windows_before(self, now: int) -> None:
        self._counts = {window: count for window, count in self._counts.items() if window[1] > now}
