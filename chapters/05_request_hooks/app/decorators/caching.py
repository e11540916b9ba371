"""Responses that are kept for a while."""

import time
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, current_app, g, make_response, request


class Cache:
    """The latest responses. All threads of a process share one cache; another process has another."""

    SIZE = 1000

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin with an empty dict. A view that is running now puts its response into the old one."""
        self.responses: OrderedDict[str, tuple[float, bytes, str | None]] = OrderedDict()


def cached(seconds: int) -> Callable:
    """Keep a view's response to GET for ``seconds``, a separate one for each account and each query.

    Place it below `token_required`: above it, every client would get the response to the first one.
    """

    def decorator(view: Callable) -> Callable:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if request.method not in ("GET", "HEAD"):
                return view(*args, **kwargs)
            responses = current_app.extensions["cache"].responses  # before the view: see Cache.clear
            account = g.get("account")
            key = f"{account and account.id} {request.full_path}"
            expires, body, content_type = responses.get(key, (0, b"", None))
            if time.time() < expires:
                return Response(body, content_type=content_type, headers={"Cache-Status": "app; hit"})
            response = make_response(view(*args, **kwargs))
            if response.status_code == 200:
                responses[key] = (time.time() + seconds, response.get_data(), response.content_type)
                if len(responses) > Cache.SIZE:
                    responses.popitem(last=False)  # the oldest, in one step: two threads remove two
            return response

        return wrapper

    return decorator
