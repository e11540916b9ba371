"""Smaller responses, by a hook for one request."""

import gzip
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, after_this_request, request

WORTHWHILE = 500  # bytes; a smaller response fits into one packet anyway


def compressed(view: Callable) -> Callable:
    """Compress a view's response for clients that accept gzip.

    The hook runs after the view and also after an error handler, so it compresses errors too.
    """

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        after_this_request(compress)
        return view(*args, **kwargs)

    return wrapper


def compress(response: Response) -> Response:
    """Compress a whole response. A streamed one stays as it is, because its length is not known."""
    response.vary.add("Accept-Encoding")  # tells a proxy that other clients get another response
    if response.is_streamed or response.content_encoding or not response.get_data():
        return response
    accepted = request.accept_encodings
    if accepted.best_match(["gzip", "identity"]) != "gzip":  # identity means plain
        return response
    plain_is_refused = "identity" in accepted and accepted["identity"] == 0
    if len(response.get_data()) < WORTHWHILE and not plain_is_refused:
        return response
    response.set_data(gzip.compress(response.get_data(), mtime=0))
    response.content_encoding = "gzip"
    etag, _ = response.get_etag()
    if etag:
        response.set_etag(etag, weak=True)  # the same content in other bytes, RFC 9110 section 8.8.3
    return response
