"""Answers that are sent smaller, by a hook for this one request."""

import gzip
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, after_this_request, request

WORTHWHILE = 500  # bytes; a smaller answer fits into one packet anyway


def compressed(view: Callable) -> Callable:
    """Send what this view answers compressed, to clients that said they can read it.

    The hook runs after the view and also after an error handler, so an error is compressed like any answer.
    """

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        after_this_request(compress)
        return view(*args, **kwargs)

    return wrapper


def compress(response: Response) -> Response:
    """Compress a whole answer; a streamed one is left alone, for nobody knows how much is to come."""
    response.vary.add("Accept-Encoding")  # a proxy must not hand the compressed answer to anybody else
    if response.is_streamed or response.content_encoding or not response.get_data():
        return response
    quality = {coding.lower(): weight for coding, weight in request.accept_encodings}
    readable = quality.get("gzip", quality.get("*", 0))
    # Where plain is refused even a small answer is compressed.
    plain_is_refused = quality.get("identity", quality.get("*", 1)) == 0
    if not readable or readable < quality.get("identity", 0):
        return response
    if len(response.get_data()) < WORTHWHILE and not plain_is_refused:
        return response
    response.set_data(gzip.compress(response.get_data(), mtime=0))
    response.content_encoding = "gzip"
    etag, _ = response.get_etag()
    if etag:
        response.set_etag(etag, weak=True)  # the same content in other bytes, RFC 9110 section 8.8.3
    return response
