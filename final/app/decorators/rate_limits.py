"""How often a client may ask. Chapter 3, view decorators."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from ipaddress import ip_address
from threading import Lock
from typing import ParamSpec, TypeVar

from flask import current_app, request

from ..errors import TooManyRequests
from ..parsing import read_body
from ..services.emails import email_key
from .access import principal

P = ParamSpec("P")
R = TypeVar("R")


def client_address() -> str:
    """Count by the address that a request comes from.

    Of an IPv6 address only the first half counts: the second is up to whoever has the first, and they have
    as many addresses as they like.
    """
    address = request.remote_addr or ""
    if ":" in address and not address.startswith("::ffff:"):  # those are IPv4
        with suppress(ValueError):  # of a server on a Unix socket
            address = ip_address(address).exploded[:19]
    return f"address {address}"


def account_asked_for() -> str:
    """Count by the `email` of the body, in any spelling, whether it has an account or not.

    Stands below `validated`: it needs an e-mail to count by.
    """
    return f"account {email_key(read_body()['email'])}"


def account_of_token() -> str:
    """Count by whoever asks. Stands below `token_required`."""
    return f"account {principal().id}"


def rate_limited(
    times: int | str, seconds: int, by: Callable[[], str] = client_address
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let ``times`` requests through in each window of ``seconds``, counted by ``by()``.

    Every request counts, whatever becomes of it, and only time resets: the next window begins at nothing.

    Args:
        times: how many, or the setting that says how many.

    Raises:
        TooManyRequests: these are more.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        name = f"{view.__module__}.{view.__qualname__}, {times} in {seconds}"

        @wraps(view)
        def counted(*args: P.args, **kwargs: P.kwargs) -> R:
            windows: FixedWindows = current_app.extensions["rate_limits"]
            count, left = windows.hit(f"{name}, {by()}", seconds)
            if count > (current_app.config[times] if isinstance(times, str) else times):
                raise TooManyRequests(left)
            return view(*args, **kwargs)

        return counted

    return decorate


class FixedWindows:
    """Counters that begin again with every window of time, in memory. Threads share one.

    Whatever has this `hit` can stand in its place, to count for several processes.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._windows: dict[tuple[int, int], dict[str, int]] = {}  # (its end, its length): counts by key

    def hit(self, key: str, seconds: int) -> tuple[int, int]:
        """Count one request for ``key``.

        Returns:
            how many there are in this window of ``seconds`` so far, and how many seconds of it are left.
        """
        now = int(time.time())
        ends = now - now % seconds + seconds
        with self._lock:  # to read, to add and to write are three steps: no thread may come in between
            if (ends, seconds) not in self._windows:
                self._windows = {window: kept for window, kept in self._windows.items() if window[0] > now}
            counts = self._windows.setdefault((ends, seconds), {})
            counts[key] = counts.get(key, 0) + 1
            return counts[key], ends - now
