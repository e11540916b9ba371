"""Every error of the service and its answer, in one place. Chapter 4, error handlers.

Services and views raise an exception that is named by its meaning; nobody catches it; a handler turns it into
`application/problem+json` (RFC 9457).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
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


def refuse(*problems: FieldError | None) -> None:
    """Raise `InvalidInput` with the ``problems`` that there are; return if there are none."""
    errors = [problem for problem in problems if problem is not None]
    if errors:
        raise InvalidInput(errors)


class LinkRefused(InvalidInput):
    """The token of a mailed link is unknown, used, retired or too old: all look the same."""

    def __init__(self) -> None:
        super().__init__([FieldError("token", "not_valid", "ask for a new link: this one works no more")])


class WrongCredentials(Problem):
    """A log-in that proves nothing, whatever the reason: the answer is the same for all of them."""

    status = 401
    detail = "The e-mail or the password is wrong."


class MfaRefused(Problem):
    """The second step of a log-in proves nothing: the token or the code, and whatever the reason."""

    status = 401
    detail = "The code is wrong or was used before, or too much time has passed; try again, or log in anew."


class TokenMissing(Problem):
    """The request needs an access token and has none."""

    status = 401
    detail = "Send an access token, as `Authorization: Bearer ...`; `POST /v2/auth/login` gives one."


class TokenRefused(Problem):
    """The access token is forged, expired, of another kind, or its session is over."""

    status = 401
    detail = "The access token is not valid, or not any more."
    headers = {"WWW-Authenticate": f'{REALM}, error="invalid_token", error_description="not valid"'}


class LoginTooOld(Problem):
    """The token is good, but this takes a log-in of the last ``max_age`` seconds (RFC 9470)."""

    status = 401
    detail = (
        "Log in again: this takes a log-in that is not longer ago than `max_age` in `WWW-Authenticate` says."
    )

    def __init__(self, max_age: int) -> None:
        super().__init__()
        error = f'error="insufficient_user_authentication", max_age="{max_age}"'
        self.headers = {"WWW-Authenticate": f"{REALM}, {error}"}


class RefreshRefused(Problem):
    """The refresh token is not ours, has been used before, or its session is over: all look the same."""

    status = 401
    detail = "The refresh token is not valid, or not any more; log in again."


class NotAllowed(Problem):
    """We know who asks, and they may not."""

    status = 403
    detail = "Your role does not allow this."


class MfaNeeded(NotAllowed):
    """An admin has to have a second factor here, and has none."""

    detail = "Admins need a second factor here: `POST /v2/auth/mfa` sets one up."


class WrongPassword(NotAllowed):
    """The token is good, but it may be stolen; the password that would prove the owner is wrong."""

    detail = "The current password is wrong."
    errors = (FieldError("current_password", "wrong", "this is not the current password"),)


class WrongCode(NotAllowed):
    """The code that would prove the owner is wrong, too old, or has been used."""

    detail = "The code is wrong, or was used before; wait for the next one."
    errors = (FieldError("code", "wrong", "this code is wrong, or was used before; wait for the next one"),)


class NotFromOurPage(Problem):
    """A request to keep a cookie or to use it may have been made by the page of somebody else."""

    status = 403
    detail = "Only the account page is answered here; a program logs in at `POST /v2/auth/login`."


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


class MfaIsOn(Problem):
    """A second factor is replaced only by whoever can remove it."""

    status = 409
    detail = "There is a second factor: remove it first, by the password and a code."


class MfaIsOff(Problem):
    """There is no second factor to confirm or to remove."""

    status = 409
    detail = "There is no second factor; `POST /v2/auth/mfa` sets one up."


class PasswordTooWeak(Problem):
    """With a second factor a password may be one that is not enough without."""

    status = 409
    detail = "Without a second factor this password is not enough: choose one of 15 characters or more first."
    errors = (FieldError("current_password", "not_enough", "choose one of 15 characters or more first"),)


class VersionRetired(Problem):
    """Version 1 of the API is no more."""

    status = 410
    detail = "Version 1 is retired. Use version 2, below /v2; it is described at /v2/openapi.json."
    headers = {"Link": '</v2/openapi.json>; rel="successor-version"'}


class ConditionFailed(Problem):
    """Somebody else changed it since the client read it (RFC 9110 13.1.1)."""

    status = 412
    detail = "It was changed meanwhile: read it again, and send its `ETag` in `If-Match`."


class ConditionMissing(Problem):
    """A change that does not say what it changes could undo somebody else's (RFC 6585 3)."""

    status = 428
    detail = "Read it first, and send its `ETag` in `If-Match`."


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


class BodyTooSlow(Problem):
    """The client took too long over its body; nobody waits for the rest."""

    status = 408
    detail = "The body did not arrive in time."
    headers = {"Connection": "close"}


class BodyIncomplete(Problem):
    """The connection ended before the body did."""

    status = 400
    detail = "The body ends before it is complete."
    headers = {"Connection": "close"}


class KeysUnreadable(NotReady):
    """The signing keys are there, but were sealed under another SECRET_KEY. Only an operator can mend it."""

    @property
    def remedy(self) -> str:
        """What the operator can do."""
        return (
            "the signing keys were sealed under another SECRET_KEY: set that one again, or make a new key "
            f"with {command('keys rotate --now')}; all access tokens end then"
        )


def command(words: str) -> str:
    """Return a command of the service as its operator types it: on a server, `run` has another database."""
    return f"`flask --app {'wsgi' if current_app.config['PRODUCTION'] else 'run'} {words}`"


_NOT_MIGRATED = {"42P01", "42703"}  # undefined_table, undefined_column

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


def init_app(app: Flask) -> None:
    """Make every error of ``app`` end here, whoever raised it."""
    app.register_error_handler(Problem, _answer_problem)
    app.register_error_handler(KeysUnreadable, _answer_keys)
    app.register_error_handler(HTTPException, _answer_http)
    for kind in (OperationalError, InterfaceError, ProgrammingError, PoolTimeout):
        app.register_error_handler(kind, _answer_database)
    app.register_error_handler(Exception, _answer_bug)


def _answer_keys(error: KeysUnreadable) -> Response:
    current_app.logger.error(error.remedy)
    return _answer_problem(error)


def _answer_problem(error: Problem) -> Response:
    return problem(error.status, error.detail, error.headers, error.errors)


def _answer_http(error: HTTPException) -> Response | HTTPException:
    if error.response is not None or error.code is None or error.code < 400:
        return error  # a finished answer, a redirect
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    return problem(error.code, headers=headers)


def _answer_database(error: Exception) -> Response:
    _log(error)
    # What SQLite calls operational, PostgreSQL calls a mistake of the program: a table or a column that is
    # not there, as long as nobody has migrated. Any other mistake is one.
    if isinstance(error, ProgrammingError) and getattr(error.orig, "sqlstate", "") not in _NOT_MIGRATED:
        return _answer_problem(Problem())
    return _answer_problem(NotReady())


def _answer_bug(error: Exception) -> Response:
    _log(error)
    return _answer_problem(Problem())


def _log(error: Exception) -> None:
    # %r, because a path may have line breaks in it, and a log has one line for one thing.
    where = (g.get("request_id"), request.method, request.path)
    current_app.logger.error("request %s, %s %r: failed", *where, exc_info=error)
