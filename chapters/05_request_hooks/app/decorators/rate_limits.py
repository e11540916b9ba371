"""How many requests a client may send."""

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
        TooManyRequests: there are more than ``times``.
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
    """Counters that start again in each window of time. All threads of a process share them."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._windows: dict[int, dict[str, int]] = {}  # when a window ends: whose counter, how many

    def hit(self, key: str, seconds: int) -> tuple[int, int]:
        """Count one request for ``key``.

        Returns:
            how many there are in this window of ``seconds`` so far, and how many seconds of it are left.
        """
        now = int(time.time())
        ends = now - now % seconds + seconds
        with self._lock:  # to read, to add and to write are three steps: no thread may come in between
            if ends not in self._windows:  # a new window begins, so older ones may be forgotten
                self._windows = {end: counts for end, counts in self._windows.items() if end > now}
                self._windows[ends] = {}
            count = self._windows[ends].get(key, 0) + 1
            self._windows[ends][key] = count
        return count, ends - now
