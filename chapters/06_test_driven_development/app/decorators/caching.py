"""Answers that are kept for a while."""

import time
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any

from flask import Response, current_app, g, make_response, request


def cached(seconds: int) -> Callable:
    """Keep what a view answers to GET for ``seconds``, apart for each account and each query.

    Stands below `token_required`: above it, the answer to one account would be given to everybody.
    """

    def decorator(view: Callable) -> Callable:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if request.method not in ("GET", "HEAD"):
                return view(*args, **kwargs)
            cache: Cache = current_app.extensions["cache"]
            account = g.get("account")
            key = f"{account and account.id} {request.full_path}"
            kept = cache.get(key)
            if kept is not None:
                body, content_type = kept
                return Response(body, content_type=content_type, headers={"Cache-Status": "app; hit"})
            generation = cache.generation
            response = make_response(view(*args, **kwargs))
            if response.status_code == 200:
                cache.put(key, (response.get_data(), response.content_type), seconds, generation)
            return response

        return wrapper

    return decorator


class Cache:
    """Values that expire, or are forgotten when what they were made from changes.

    The threads of one process share it. Another process has its own, and does not hear of a change here.
    """

    def __init__(self, size: int = 1000) -> None:
        self._lock = Lock()
        self._size = size
        self.generation = 0  # how often everything was forgotten
        self._values: dict[str, tuple[float, Any]] = {}  # key: (when it expires, value)

    def get(self, key: str) -> Any:
        """Return what was put there, or None if nothing was or it has expired."""
        expires, value = self._values.get(key, (0.0, None))
        return value if time.time() < expires else None

    def put(self, key: str, value: Any, seconds: int, generation: int) -> None:
        """Keep ``value`` for ``seconds``. Where the cache is full, the one that was there first makes room.

        Args:
            generation: that of the cache before ``value`` was made. One that is over made it out of date.
        """
        with self._lock:
            if generation != self.generation:
                return
            if len(self._values) >= self._size:
                del self._values[next(iter(self._values))]
            self._values[key] = (time.time() + seconds, value)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self.generation += 1
            self._values.clear()
