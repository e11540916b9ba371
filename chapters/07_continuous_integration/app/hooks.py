"""Request hooks: what happens before and after every request, whatever its view. Practice 5."""

import logging
import re
import time
from datetime import UTC, datetime
from uuid import uuid4

import ujson
from flask import Flask, Response, current_app, g, request
from flask.logging import has_level_handler

from .exceptions import InMaintenance

access_log = logging.getLogger("access")  # not below Flask's own, whose handler would write each line again

WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def init_app(app: Flask) -> None:
    """Register the hooks. Those before a request run in this order, those after it in the opposite one."""
    app.before_request(begin)
    app.before_request(refuse_in_maintenance)
    app.after_request(log_answer)  # registered first, so it runs last and sees what is really sent
    app.after_request(add_headers)
    app.teardown_request(log_crash)

    access_log.setLevel(logging.INFO)
    if not has_level_handler(access_log):
        access_log.addHandler(logging.StreamHandler())


def begin() -> None:
    """Start the clock and give the request an id. `g` lives as long as the request does."""
    g.started = time.perf_counter()
    asked_for = request.headers.get("X-Request-ID", "")
    g.request_id = asked_for if WELL_FORMED_ID.fullmatch(asked_for) else uuid4().hex


def refuse_in_maintenance() -> None:
    """Answer 503 during maintenance, before any view except those of the blueprint health."""
    if current_app.config["MAINTENANCE"] and request.blueprint != "health":
        raise InMaintenance("back soon", seconds_left=current_app.config["MAINTENANCE_RETRY_AFTER"])


def add_headers(response: Response) -> Response:
    """Add the headers that every response should have; a header that a view has set stays."""
    response.headers["X-Request-ID"] = g.request_id
    response.headers["Server-Timing"] = f"app;dur={milliseconds()}"
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def log_answer(response: Response) -> Response:
    """Write the line of a request that got a response."""
    write_line(status=response.status_code)
    return response


def log_crash(error: BaseException | None) -> None:
    """Write the line of a request that ended in an exception, if `log_answer` was not called.

    In production Flask makes such an exception a 500, which `log_answer` sees. Where exceptions propagate, in
    debug mode and in tests, `after_request` hooks do not run; those of `teardown_request` always do.
    """
    if error is not None and not g.get("logged"):
        write_line(status=None, error=type(error).__name__)


def write_line(**fields: object) -> None:
    """Write to the access log: JSON in ASCII, one line whatever the client put into its URL."""
    g.logged = True
    account = g.get("account")
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "request_id": g.request_id,
        "address": request.remote_addr,
        "account": account and account.id,
        "method": request.method,
        "path": request.path,  # without the query, which may hold what is not meant for a log
        "milliseconds": milliseconds(),
    }
    access_log.info(ujson.dumps(line | fields, escape_forward_slashes=False))


def milliseconds() -> float:
    """Return how long this request has taken so far."""
    return round((time.perf_counter() - g.started) * 1000, 1)
