"""`/v2/auth`: logging in and out, and the devices of an account.

Chapter 2 for the token, chapter 3 for the decorators, chapter 6 for the sessions.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from flask import Response, after_this_request, request
from flask_restx import Resource

from ..decorators import principal, rate_limited, token_required, validated
from ..decorators.rate_limits import log_in_limited
from ..services import auth, devices, refresh, sessions
from .documentation import CREDENTIALS, GRANT, LOGIN, REFRESH, SESSION_PAGE, Namespace
from .pages import PARAMS, page

ns = Namespace("auth", "Logging in and out, and your devices", path="/auth")


@ns.route("/login", endpoint="login")
class Login(Resource):  # type: ignore[misc]
    """Log in."""

    @ns.documented(takes=CREDENTIALS, gives={200: LOGIN}, fails=(401, 503))
    @rate_limited("ATTEMPTS_PER_ADDRESS", seconds=60)
    @validated(email=str, password=str)
    @log_in_limited
    def post(self, data: dict[str, str]) -> dict[str, Any]:
        """Log in: an e-mail and a password for tokens; with a second factor, for an `mfa_token` first."""
        outcome = auth.log_in(**data, device=read_device())
        return outcome._asdict() if isinstance(outcome, auth.CodeWanted) else represent_grant(outcome)


@ns.route("/refresh", endpoint="refresh")
class Refresh(Resource):  # type: ignore[misc]
    """Stay logged in."""

    @ns.documented(takes=REFRESH, gives={200: GRANT}, fails=(401, 503))
    @rate_limited("REFRESHES_PER_ADDRESS", seconds=60)
    @validated(refresh_token=str)
    def post(self, data: dict[str, str]) -> dict[str, Any]:
        """Refresh: a refresh token, which is good once, for an access token and the next refresh token."""
        return represent_grant(refresh.refresh(data["refresh_token"]))


@ns.route("/logout", endpoint="logout")
class Logout(Resource):  # type: ignore[misc]
    """Log out."""

    @ns.documented(gives={204: None})
    @token_required
    def post(self) -> tuple[None, int]:
        """Log out: the token of this request works no more. Other devices stay logged in."""
        sessions.log_out(principal())
        return None, 204


@ns.route("/sessions", endpoint="sessions")
class Sessions(Resource):  # type: ignore[misc]
    """The devices that the account is logged in on."""

    @ns.documented(gives={200: SESSION_PAGE}, fails=(400,), params=PARAMS)
    @token_required
    def get(self) -> tuple[Any, int, dict[str, str]]:
        """List your devices, oldest log-in first, page by page."""
        return page(partial(sessions.find_page, principal().id), represent)

    @ns.documented(gives={204: None})
    @token_required
    def delete(self) -> tuple[None, int]:
        """Log out everywhere, here too."""
        sessions.end_all(principal(), principal().id)
        return None, 204


@ns.route("/sessions/<uuid:session_id>", endpoint="session")
class OneSession(Resource):  # type: ignore[misc]
    """One device. For all but its owner it is 404, for an admin too."""

    @ns.documented(gives={204: None}, fails=(404,))
    @token_required
    def delete(self, session_id: UUID) -> tuple[None, int]:
        """Log out one device."""
        sessions.end(principal(), str(session_id))
        return None, 204


def read_device() -> auth.Device:
    """Return what this request says of where it comes from."""
    marks = request.cookies.get(devices.COOKIE, "")
    return auth.Device(request.remote_addr, request.headers.get("User-Agent"), marks)


def keep_marks(marks: str) -> None:
    """Have the browser keep what makes it a known device."""

    @after_this_request
    def keep(response: Response) -> Response:
        safe: dict[str, Any] = {"secure": True, "httponly": True, "samesite": "Strict"}
        response.set_cookie(devices.COOKIE, marks, devices.LIFETIME, **safe)
        return response


def represent_grant(grant: auth.Grant) -> dict[str, Any]:
    """Return the tokens as a client gets them (RFC 6749 5.1)."""
    if grant.marks:
        keep_marks(grant.marks)
    return {
        "access_token": grant.access_token,
        "token_type": "Bearer",
        "expires_in": grant.expires_in,
        "refresh_token": grant.refresh_token,
    }


def represent(shown: Any) -> dict[str, Any]:
    """Return what its owner sees of a session; `current` is the one that asks."""
    return {
        "id": shown.id,
        "created_at": shown.created_at,
        "last_used_at": shown.last_used_at,
        "address": shown.address,
        "agent": shown.agent,
        "current": shown.id == principal().session_id,
    }
