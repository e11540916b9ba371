"""Responses that are kept for a while. Chapter 3, view decorators."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any, ParamSpec

from flask import Response, current_app, g, make_response, request

P = ParamSpec("P")


def cached(seconds: int) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Keep a view's response to GET for ``seconds``, a separate one for each account and each query.

    For responses that cannot become wrong meanwhile, such as the OpenAPI document. The list of accounts, kept
    in chapter 3 until an account changed, is not one: a worker forgets what it kept when it makes a change,
    but the other workers do not hear of it.

    Place it below `token_required`: above it, all accounts would get the response to one.
    """

    def decorator(view: Callable[P, Any]) -> Callable[P, Any]:
        @wraps(view)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> Any:
            if request.method not in {"GET", "HEAD"}:
                return view(*args, **kwargs)
            cache: Cache = current_app.extensions["cache"]
            account = g.get("account")
            key = (account and account.id, request.path, request.query_string)
            if kept := cache.get(key):
                body, headers = kept
                return Response(body, headers=[*headers, ("Cache-Status", "app; hit")])  # RFC 9211
            response = make_response(view(*args, **kwargs))
            if response.status_code == 200:
                cache.put(key, (response.get_data(), list(response.headers)), seconds)
            return response

        return wrapper

    return decorator


class Cache:
    """Values that expire. Threads share one.

    Args:
        size: how many there are at most, so that a client that makes up queries does not fill the memory.
    """

    def __init__(self, size: int = 100) -> None:
        self._lock = Lock()
        self._size = size
        self._values: dict[Any, tuple[float, Any]] = {}  # key: (when it expires, value)

    def get(self, key: Any) -> Any:
        """Return what was put there, None if nothing was or it has expired."""
        expires, value = self._values.get(key, (0.0, None))
        return value if time.time() < expires else None

    def put(self, key: Any, value: Any, seconds: int) -> None:
        """Keep ``value`` for ``seconds``. Where the cache is full, the oldest value makes room."""
        with self._lock:
            self._values.pop(key, None)
            if len(self._values) >= self._size:
                del self._values[next(iter(self._values))]
            self._values[key] = (time.time() + seconds, value)
