"""Every error of the service and its answer, in one place. Chapter 4, error handlers.

Services and views raise an exception that is named by its meaning; nobody catches it; a handler turns it into
`application/problem+json` (RFC 9457). `init_app` also sends the refusals of Flask-JWT-Extended through here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from flask import Flask, Response, current_app, g, request
from flask_jwt_extended import JWTManager
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from .representation import answer

PROBLEM = "application/problem+json; charset=utf-8"
REALM = 'Bearer realm="accounts"'


class FieldError(NamedTuple):
    """What is wrong with one field. Never with its value: that may be a password (trap 4)."""

    field: str
    code: str
    message: str


class Problem(Exception):
    """A request that is not done, and why. Subclasses say it all in their attributes."""

    status = 500
    detail = "The service failed; nothing was changed. The id of this request is in `instance`."
    headers: Mapping[str, str] = {}
    errors: tuple[FieldError, ...] = ()


class InvalidInput(Problem):
    """Something in the request is wrong.

    Args:
        errors: what, field by field. `body` stands for the whole body.
    """

    status = 400
    detail = "The request is not valid; see `errors`."

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__(", ".join(f"{error.field}: {error.code}" for error in self.errors))


class WrongCredentials(Problem):
    """A log-in that proves nothing, whatever the reason: the answer is the same for all of them."""

    status = 401
    detail = "The e-mail or the password is wrong."


class TokenMissing(Problem):
    """The request needs an access token and has none."""

    status = 401
    detail = "Send an access token, as `Authorization: Bearer ...`; `POST /v2/auth/login` gives one."


class TokenRefused(Problem):
    """The access token is forged, expired, of another kind, or its session is over."""

    status = 401
    detail = "The access token is not valid, or not any more."
    headers = {"WWW-Authenticate": f'{REALM}, error="invalid_token", error_description="not valid"'}


class NotAllowed(Problem):
    """We know who asks, and they may not."""

    status = 403
    detail = "Your role does not allow this."


class WrongPassword(NotAllowed):
    """The token is good, but it may be stolen; the password that would prove the owner is wrong."""

    detail = "The current password is wrong."


class AccountNotFound(Problem):
    """There is no such account, or it is none of the asker's business.

    Both look the same, and like any address at which there is nothing.
    """

    status = 404
    detail = "There is nothing at this address."


class SessionNotFound(Problem):
    """There is no such session, it is over, or it is somebody else's: all look the same."""

    status = 404
    detail = "There is nothing at this address."


class EmailTaken(Problem):
    """The e-mail has an account. Only an operator may learn this; registration does not pass it on."""

    status = 409
    detail = "This e-mail has an account."


class LastAdmin(Problem):
    """Without this account nobody could administer the service any more."""

    status = 409
    detail = "This is the last admin: make another account an admin first."


class VersionRetired(Problem):
    """Version 1 of the API is no more."""

    status = 410
    detail = "Version 1 is retired. Use version 2, below /v2; it is described at /v2/docs."
    headers = {"Link": '</v2/docs>; rel="successor-version"'}


class TryLater(Problem):
    """Not now, but in ``seconds``."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.headers = {"Retry-After": str(seconds)}


class TooManyRequests(TryLater):
    """This client, or somebody who tries this account, asks too often."""

    status = 429
    detail = "Too many requests; wait as many seconds as `Retry-After` says."


class InMaintenance(TryLater):
    """Somebody works on the service."""

    status = 503
    detail = "The service is being worked on; it will be back."


class TooBusy(Problem):
    """More passwords are being checked than this process can take on."""

    status = 503
    detail = "Too many passwords are being checked at this moment; try again."
    headers = {"Retry-After": "1"}


class NotReady(Problem):
    """The database does not answer, or has not been migrated."""

    status = 503
    detail = "The service is not ready; try again."
    headers = {"Retry-After": "5"}


#: What a status means where Werkzeug raised it; its own texts are for HTML pages.
DETAILS = {
    400: "The request cannot be read.",
    404: "There is nothing at this address.",
    405: "This method is not for this address; see `Allow`.",
    413: "The body is longer than this service accepts.",
    415: "The body has to be JSON in UTF-8: `Content-Type: application/json`.",
}


def problem(
    status: int,
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
    errors: Iterable[FieldError] = (),
) -> Response:
    """Return an answer in the form of RFC 9457.

    Its `type` is `about:blank`: the problem is no more specific than its status and `errors`. `instance` is
    the id of the request, by which an operator finds it in the log.
    """
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail or DETAILS.get(status, HTTPStatus(status).description or Problem.detail),
        "instance": g.get("request_id", ""),
        "errors": [error._asdict() for error in errors],
    }
    if not body["errors"]:
        del body["errors"]
    headers = dict(headers or {})
    if status == 401:
        headers.setdefault("WWW-Authenticate", REALM)  # RFC 9110 15.5.2 demands it, RFC 6750 says how
    return answer(body, status, headers, PROBLEM)


def init_app(app: Flask, jwt: JWTManager) -> None:
    """Make every error of ``app`` end here, whoever raised it."""
    app.register_error_handler(Problem, _answer_problem)
    app.register_error_handler(HTTPException, _answer_http)
    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(kind, _answer_database)
    app.register_error_handler(Exception, _answer_bug)

    # Left to itself the extension answers 422 or 401, in its own form, without `WWW-Authenticate` (trap 2).
    jwt.unauthorized_loader(lambda reason: _answer_problem(TokenMissing()))
    jwt.invalid_token_loader(lambda reason: _answer_problem(TokenRefused()))
    for loader in (
        jwt.expired_token_loader,
        jwt.revoked_token_loader,
        jwt.needs_fresh_token_loader,
        jwt.token_verification_failed_loader,
        jwt.user_lookup_error_loader,
    ):
        loader(lambda header, claims: _answer_problem(TokenRefused()))


def _answer_problem(error: Problem) -> Response:
    return problem(error.status, error.detail, error.headers, error.errors)


def _answer_http(error: HTTPException) -> Response | HTTPException:
    if error.response is not None or error.code is None or error.code < 400:
        return error  # a finished answer, a redirect
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    return problem(error.code, headers=headers)


def _answer_database(error: Exception) -> Response:
    _log(error)
    return _answer_problem(NotReady())


def _answer_bug(error: Exception) -> Response:
    _log(error)
    return _answer_problem(Problem())


def _log(error: Exception) -> None:
    # %r, because a path may have line breaks in it, and a log has one line for one thing.
    where = (g.get("request_id"), request.method, request.path)
    current_app.logger.error("request %s, %s %r: failed", *where, exc_info=error)
