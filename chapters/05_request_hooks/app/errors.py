"""Error handlers: the one place where an exception becomes a response. Practice 4."""

import ujson
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from . import exceptions
from .views import BaseView

STATUS = {
    exceptions.InvalidInput: 400,
    exceptions.NotLoggedIn: 401,
    exceptions.WrongCredentials: 401,
    exceptions.NotAllowed: 403,
    exceptions.NoSuchAccount: 404,
    exceptions.EmailTaken: 409,
    exceptions.UnsupportedContent: 415,
    exceptions.TooManyRequests: 429,
    exceptions.InMaintenance: 503,
}


def init_app(app: Flask) -> None:
    """Register handlers for what a blueprint never sees: an unknown URL, or a method that a view lacks.

    An unexpected exception comes here as well. Flask logs it with its request and makes it an
    `InternalServerError`, which is an `HTTPException`. A handler for `Exception` would have to log by itself,
    and would turn off the debugger.
    """
    app.register_error_handler(exceptions.ServiceError, by_path)
    app.register_error_handler(HTTPException, by_path)


def by_path(error: Exception) -> Response:
    """Answer in the format of the version that the URL begins with."""
    return as_v1(error) if f"{request.path}/".startswith("/v1/") else as_problem(error)


def as_v1(error: Exception) -> Response:
    """Answer as version 1 always did: ``{"error": "..."}``."""
    status, text = describe(error)
    body: dict[str, object] = {"error": text}
    if isinstance(error, exceptions.InvalidInput) and error.faults:
        body["errors"] = error.faults
    return BaseView.answer(body, status, headers_of(error))


def as_problem(error: Exception) -> Response:
    """Answer as version 2 does: problem details, RFC 9457."""
    status, text = describe(error)
    problem = {"type": "about:blank", "title": HTTP_STATUS_CODES[status], "status": status, "detail": text}
    problem["instance"] = g.request_id  # a client names it when it reports the error
    if isinstance(error, exceptions.InvalidInput) and error.faults:
        problem["errors"] = [{"field": name, "message": fault} for name, fault in error.faults.items()]
    body = ujson.dumps(problem, ensure_ascii=False, escape_forward_slashes=False)
    return Response(body, status, headers_of(error), content_type="application/problem+json")


def describe(error: Exception) -> tuple[int, str]:
    """Return the status of an error and a text that reveals nothing of the inside."""
    if isinstance(error, HTTPException):
        return error.code or 500, error.name  # not its description: that may repeat what was sent
    return STATUS[type(error)], str(error)


def headers_of(error: Exception) -> dict[str, str]:
    """Return what a client needs next: the methods there are, how long to wait, or how to log in."""
    if isinstance(error, HTTPException):
        return {name: value for name, value in error.get_headers() if name == "Allow"}
    if isinstance(error, exceptions.TryLater):
        return {"Retry-After": str(error.seconds_left)}
    if isinstance(error, exceptions.NotLoggedIn | exceptions.WrongCredentials):
        return {"WWW-Authenticate": "Bearer"}
    return {}
