"""Smaller responses, by a hook for one request. Chapters 3 and 5."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Response, after_this_request, request

P = ParamSpec("P")
R = TypeVar("R")

WORTHWHILE = 500  # bytes; a smaller answer fits into one packet anyway


def compressed(view: Callable[P, R]) -> Callable[P, R]:
    """Compress a view's response for clients that accept gzip.

    Not for a response with a secret beside a text that a stranger chose: its length tells of both (BREACH).
    """

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        after_this_request(compress)
        return view(*args, **kwargs)

    return wrapper


def compress(response: Response) -> Response:
    """Compress a whole response. A streamed one stays as it is, because its length is not known."""
    response.vary.add("Accept-Encoding")  # a proxy must not hand it to clients that cannot read it
    if response.is_streamed or response.content_encoding or not response.get_data():
        return response
    # RFC 9110 12.5.3. `*` is every coding that is not named; plain is acceptable unless its weight is 0.
    weights = {coding.lower(): weight for coding, weight in request.accept_encodings}
    packed, plain = weights.get("gzip", weights.get("*", 0)), weights.get("identity", 0)
    plain_is_refused = weights.get("identity", weights.get("*", 1)) == 0
    if not packed or packed < plain:
        return response
    if len(response.get_data()) < WORTHWHILE and not plain_is_refused:
        return response
    response.set_data(gzip.compress(response.get_data(), mtime=0))
    response.content_encoding = "gzip"
    etag, _ = response.get_etag()
    if etag:
        response.set_etag(etag, weak=True)  # the same content in other bytes, RFC 9110 8.8.3
    return response
