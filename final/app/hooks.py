"""What happens before and after every request. Chapter 5, request hooks."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

from .errors import VersionRetired

HEADERS = {
    "Cache-Control": "no-store",  # answers are about one account, or are errors
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",  # JSON loads nothing
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def init_app(app: Flask) -> None:
    """Register the hooks on ``app``, in the order in which they run."""
    app.before_request(name_request)
    app.before_request(refuse_version_1)
    app.after_request(add_headers)


def name_request() -> None:
    """Give the request an id: it is in the answer, in every error and in the log."""
    g.request_id = secrets.token_hex(16)


def refuse_version_1() -> None:
    """Answer 410 below /v1, whatever the method and the path. A hook runs before an unknown URL becomes 404.

    Raises:
        VersionRetired: the path is that of version 1.
    """
    if request.path == "/v1" or request.path.startswith("/v1/"):
        raise VersionRetired


def add_headers(response: Response) -> Response:
    """Add what every answer carries; a view that sets one of these itself knows better."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-ID"] = g.get("request_id", "")
    return response
