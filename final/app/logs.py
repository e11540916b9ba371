"""The log: one JSON object a line, to standard error. Chapter 5, request hooks.

In ASCII, so that nothing a client put into a URL ends a line or moves the cursor of its reader. And
short: all processes write into one pipe, where a line stays in one piece up to `WHOLE`.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

import ujson
from flask import Flask, g, has_request_context, request
from flask.logging import has_level_handler

WHOLE = 4096  # bytes with the end of the line: PIPE_BUF of Linux
PATH = 300  # characters, of which JSON may make twelve bytes each

access_log = logging.getLogger(f"{__name__}.access")


def init_app(app: Flask) -> None:
    """Write the log of ``app`` in this form, unless the operator has set up another."""
    app.extensions["origin"] = origin
    access_log.setLevel(logging.INFO)
    log = logging.getLogger(app.name)  # Flask's own, the parent of all others; it has no handler yet
    if not has_level_handler(log):
        handler = logging.StreamHandler()
        handler.setFormatter(JsonLines())
        log.addHandler(handler)


def write_access(status: int | None, **more: str) -> None:
    """Write the line of this request, and remember that it has one."""
    g.logged = True
    if not access_log.isEnabledFor(logging.INFO):
        return
    account = g.get("account")
    line = {
        "time": _now(),
        "request_id": g.request_id,
        "address": request.remote_addr,
        "account": account and account.id,
        "method": request.method[:PATH],
        "path": request.path[:PATH],  # without the query, which may hold what is not meant for a log
        "status": status,
        "milliseconds": milliseconds(),
    }
    access_log.info(ujson.dumps(line | more, escape_forward_slashes=False))


def milliseconds() -> float:
    """Return how long this request has taken so far."""
    return round(1000 * (time.perf_counter() - float(g.started)), 1)


def origin() -> tuple[str | None, str | None]:
    """Return the id and the address of the request that something is done for, None twice for a command."""
    return (g.get("request_id"), request.remote_addr) if has_request_context() else (None, None)


class JsonLines(logging.Formatter):
    """Any other record as JSON too, its traceback inside of the line; that of a request is JSON already."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name == access_log.name:
            return record.getMessage()
        line = {"time": _now(), "level": record.levelname, "message": record.getMessage()[:PATH]}
        if has_request_context():
            line["request_id"] = g.get("request_id")
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        while len(text := ujson.dumps(line, escape_forward_slashes=False)) >= WHOLE:
            line["exception"] = line["exception"][500:]  # its end says most
        return str(text)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
