"""Request hooks: what happens before and after every request, whatever its view. Chapter 5."""

from __future__ import annotations

import re
import secrets
import time

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import BadRequest, NotFound

from . import metrics
from .exceptions import InMaintenance, VersionRetired
from .logs import milliseconds, write_access

HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

HEADERS = {
    "Cache-Control": "no-store",  # answers are about one account, or are errors
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",  # JSON loads nothing
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def init_app(app: Flask) -> None:
    """Register the hooks. Those before a request run in this order, those after it in the opposite one."""
    app.before_request(begin)
    app.before_request(refuse_for_the_server)
    app.before_request(refuse_malformed)
    app.before_request(refuse_version_1)
    app.before_request(refuse_in_maintenance)
    app.after_request(log_answer)  # registered first, so it runs last and sees what is really sent
    app.after_request(add_headers)
    app.teardown_request(log_crash)


def begin() -> None:
    """Start the clock, and give the request an id: it is in the answer, in every error and in the log.

    A proxy in front may have given it one. Only a well-formed one is taken over: it goes into a header.
    """
    g.started = time.perf_counter()
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if WELL_FORMED_ID.fullmatch(given) else secrets.token_hex(16)


def refuse_for_the_server() -> None:
    """Answer what gateway.py does not hand to a view: a body that never came, a request that found no thread.

    Raises:
        ServiceError: there is a reason to.
    """
    if refusal := request.environ.get("accounts.refusal"):
        raise refusal


def refuse_malformed() -> None:
    """Refuse a second spelling of a path, and a request that does not name one host.

    Werkzeug reads `//metrics` as `/metrics`. A proxy that hides the second would let the first through.

    Raises:
        NotFound: the path begins with two slashes.
        BadRequest: `Host` is missing, there twice, or none (RFC 9112 3.2). HTTP/1.0 does not have to have it.
    """
    environ = request.environ
    if environ["PATH_INFO"].startswith("//"):
        raise NotFound
    host = environ.get("HTTP_HOST", "")
    if not HOST.fullmatch(host) and (host or environ["SERVER_PROTOCOL"] not in {"HTTP/1", "HTTP/1.0"}):
        raise BadRequest


def refuse_version_1() -> None:
    """Answer 410 below /v1, for any method and path. A hook runs before an unknown URL becomes 404.

    Raises:
        VersionRetired: the path is that of version 1.
    """
    if f"{request.path}/".startswith("/v1/"):
        raise VersionRetired


def refuse_in_maintenance() -> None:
    """Answer 503 while the operator works on the database; no view is reached.

    The health checks still answer: a process that is meant to wait must not be restarted for it. So do the
    keys, by which other services go on checking the tokens they are shown.

    Raises:
        InMaintenance: MAINTENANCE is on.
    """
    if current_app.config["MAINTENANCE"] and request.blueprint not in {"health", "operations"}:
        raise InMaintenance(current_app.config["MAINTENANCE_RETRY_AFTER"])


def add_headers(response: Response) -> Response:
    """Add the headers that every response should have; a header that a view has set stays."""
    headers = response.headers
    present = {name.lower() for name, _ in headers}  # looked through once: this runs on every request
    for name, value in HEADERS.items():
        if name.lower() not in present:
            headers.add(name, value)
    headers.add("X-Request-ID", g.request_id)
    if current_app.config["PUBLIC_URL"].startswith("https://"):
        headers.add("Strict-Transport-Security", "max-age=63072000")  # two years; RFC 6797
    if not current_app.config["PRODUCTION"]:  # to a stranger a tenth of a millisecond may tell something
        headers.add("Server-Timing", f"app;dur={milliseconds()}")
    return response


def log_answer(response: Response) -> Response:
    """Write one line for a request that was answered, and count it."""
    write_access(response.status_code)
    metrics.current().observe_request(response.status_code)
    return response


def log_crash(error: BaseException | None) -> None:
    """Write the line of a request that no answer followed, for which no hook above this one was called.

    An exception becomes an answer (errors.py), unless it stops the worker: a request that takes too long.
    """
    if error is not None and not g.get("logged"):
        write_access(None, error=type(error).__name__)
