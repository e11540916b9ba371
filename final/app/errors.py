"""Error handlers: the one place where an exception becomes a response. Chapter 4, error handlers.

Services and views raise an exception of `exceptions.py`, which is named by its meaning; no view catches it; a
handler turns it into `application/problem+json` (RFC 9457).
"""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, InternalServerError

from . import exceptions as e
from .representation import answer
from .services.tokens import jwt

PROBLEM = "application/problem+json; charset=utf-8"
REALM = 'Bearer realm="accounts"'

#: The status of each exception; one that is not here has the status of its parent.
STATUS: dict[type[Exception], int] = {
    e.InvalidInput: 400,
    e.BodyIncomplete: 400,
    e.WrongCredentials: 401,
    e.MfaRefused: 401,
    e.TokenMissing: 401,
    e.TokenRefused: 401,
    e.LoginTooOld: 401,
    e.RefreshRefused: 401,
    e.NotAllowed: 403,
    e.AccountNotFound: 404,
    e.SessionNotFound: 404,
    e.BodyTooSlow: 408,
    e.EmailTaken: 409,
    e.LastAdmin: 409,
    e.MfaIsOn: 409,
    e.MfaIsOff: 409,
    e.PasswordTooWeak: 409,
    e.VersionRetired: 410,
    e.ConditionFailed: 412,  # RFC 9110 13.1.1
    e.ConditionMissing: 428,  # RFC 6585 3
    e.TooManyRequests: 429,
    e.TryLater: 503,
}
#: What a status means where Werkzeug raised it; its own texts are for HTML pages.
DETAILS = {
    400: "The request cannot be read.",
    404: "There is nothing at this address.",
    405: "This method is not for this address; see `Allow`.",
    413: "The body is longer than this service accepts.",
    415: "The body has to be JSON in UTF-8: `Content-Type: application/json`.",
    500: "The service failed; nothing was changed. The id of this request is in `instance`.",
}
#: What a client of HTTP is told instead of the text of an exception.
IN_HTTP: dict[type[Exception], str] = {
    e.InvalidInput: "The request is not valid; see `errors`.",
    e.TokenMissing: "Send an access token, as `Authorization: Bearer ...`; `POST /v2/auth/login` gives one.",
    e.LoginTooOld: "Log in again: this takes a log-in that is not longer ago than `max_age` in "
    "`WWW-Authenticate` says.",
    e.MfaNeeded: "Admins need a second factor here: `POST /v2/auth/mfa` sets one up.",
    e.NotFromOurPage: "Only the account page is answered here; a program logs in at `POST /v2/auth/login`.",
    e.AccountNotFound: DETAILS[404],  # as if it were not there
    e.SessionNotFound: DETAILS[404],
    e.MfaIsOff: "There is no second factor; `POST /v2/auth/mfa` sets one up.",
    e.VersionRetired: "Version 1 is retired. Use version 2, below /v2; it is described at /v2/openapi.json.",
    e.ConditionFailed: "It was changed meanwhile: read it again, and send its `ETag` in `If-Match`.",
    e.ConditionMissing: "Read it first, and send its `ETag` in `If-Match`.",
    e.TooManyRequests: "Too many requests; wait as many seconds as `Retry-After` says.",
    e.NotReady: e.NotReady.text,  # and not what an operator can do
}
_NOT_MIGRATED = {"42P01", "42703"}  # undefined_table, undefined_column


def init_app(app: Flask) -> None:
    """Handle every error of ``app`` here, wherever it was raised."""
    app.register_error_handler(e.ServiceError, as_problem)
    app.register_error_handler(e.KeysUnreadable, _answer_keys)
    app.register_error_handler(HTTPException, _answer_http)
    for kind in (OperationalError, InterfaceError, ProgrammingError, PoolTimeout):
        app.register_error_handler(kind, _answer_database)
    app.register_error_handler(Exception, _answer_bug)


def as_problem(error: Exception) -> Response:
    """Return an answer in the form of RFC 9457.

    Its `type` is `about:blank`: the problem is no more specific than its status and `errors`. `instance` is
    the id of the request, by which an operator finds it in the log.
    """
    status, detail = describe(error)
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": g.get("request_id", ""),
    }
    if isinstance(error, e.ServiceError) and error.errors:
        body["errors"] = [one._asdict() for one in error.errors]
    headers = headers_of(error)
    if status == 401:
        headers.setdefault("WWW-Authenticate", REALM)  # RFC 9110 15.5.2 demands it, RFC 6750 says how
    return answer(body, status, headers, PROBLEM)


def describe(error: Exception) -> tuple[int, str]:
    """Return the status of an error, and a sentence that tells nothing of the inside."""
    if isinstance(error, HTTPException):
        status = error.code or 500
        return status, DETAILS.get(status) or HTTPStatus(status).description or DETAILS[500]
    family = type(error).__mro__
    status = next(STATUS[kind] for kind in family if kind in STATUS)
    return status, next((IN_HTTP[kind] for kind in family if kind in IN_HTTP), str(error))


def headers_of(error: Exception) -> dict[str, str]:
    """Return what a client needs to do better: the methods there are, how long to wait, how to log in."""
    if isinstance(error, HTTPException):
        return {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    if isinstance(error, e.TryLater):
        return {"Retry-After": str(error.seconds_left)}
    if isinstance(error, e.TokenRefused):
        return {"WWW-Authenticate": f'{REALM}, error="invalid_token", error_description="not valid"'}
    if isinstance(error, e.LoginTooOld):  # RFC 9470
        wanted = f'error="insufficient_user_authentication", max_age="{error.max_age}"'
        return {"WWW-Authenticate": f"{REALM}, {wanted}"}
    if isinstance(error, e.VersionRetired):
        return {"Link": '</v2/openapi.json>; rel="successor-version"'}
    if isinstance(error, e.BodyTooSlow | e.BodyIncomplete):
        return {"Connection": "close"}
    return {}


def _answer_http(error: HTTPException) -> Response | HTTPException:
    if error.response is not None or error.code is None or error.code < 400:
        return error  # a finished answer, a redirect
    return as_problem(error)


def _answer_keys(error: e.KeysUnreadable) -> Response:
    current_app.logger.error(str(error))
    return as_problem(error)


def _answer_database(error: Exception) -> Response:
    _log(error)
    # What SQLite calls operational, PostgreSQL calls a mistake of the program: a table or a column that is
    # not there until the operator has migrated. Any other mistake is one.
    if isinstance(error, ProgrammingError) and getattr(error.orig, "sqlstate", "") not in _NOT_MIGRATED:
        return as_problem(InternalServerError())
    return as_problem(e.NotReady())


def _answer_bug(error: Exception) -> Response:
    _log(error)
    return as_problem(InternalServerError())


def _log(error: Exception) -> None:
    # %r, because a path may have line breaks in it, and a log has one line for one thing.
    where = (g.get("request_id"), request.method, request.path)
    current_app.logger.error("request %s, %s %r: failed", *where, exc_info=error)


# Flask-JWT-Extended itself answers 422 or 401, in a form of its own, and without `WWW-Authenticate`.


@jwt.unauthorized_loader
def _answer_no_token(_: str) -> Response:
    return as_problem(e.TokenMissing())


@jwt.expired_token_loader
@jwt.invalid_token_loader
@jwt.needs_fresh_token_loader
@jwt.revoked_token_loader
@jwt.token_verification_failed_loader
@jwt.user_lookup_error_loader
def _answer_bad_token(*_: object) -> Response:
    return as_problem(e.TokenRefused())
