"""`/session`: how the page stays logged in. Chapter 1 for the views, chapter 5 for the hook in front of them.

The refresh token is kept in a cookie that no script can read; the page gets the access token, and keeps it in
its memory. "OAuth 2.0 for Browser-Based Applications" (IETF) calls this a token-mediating backend. A browser
adds the cookie to every request by itself, also to those that other sites make it send, so each is asked
where it comes from (OWASP, Cross-Site Request Forgery Prevention Cheat Sheet).
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, request
from flask.views import MethodView

from ..api.auth import Login, represent_grant
from ..api.mfa import LoginMfa
from ..decorators import rate_limited
from ..exceptions import NotFromOurPage
from ..representation import answer
from ..services import refresh

#: `__Host-`: a browser takes it only by https from this very host, and no other host can set it.
COOKIE = "__Host-refresh"
ATTRIBUTES: dict[str, Any] = {"secure": True, "httponly": True, "samesite": "Strict"}

bp = Blueprint("session", __name__, url_prefix="/session")


@bp.before_request
def refuse_other_sites() -> None:
    """Let only our own page through, to all views of this blueprint.

    SameSite keeps the cookie from other sites, but not from another host of the same domain. No form can send
    a header of its own, and a script of another origin has to ask first (CORS): it is allowed nothing. The
    other two headers are written by the browser, and no script can change them.

    Raises:
        NotFromOurPage: it may come from somewhere else.
    """
    origin = request.headers.get("Origin")
    if (
        "X-Account-Page" not in request.headers
        or request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin"
        or origin not in {None, f"https://{request.host}", f"http://{request.host}"}
    ):
        raise NotFromOurPage


class LogIn(MethodView):
    """The log-in of the API, with its limits: attempts here and there count together."""

    def post(self) -> Response:
        """Log in; with a second factor, an `mfa_token` comes first, and no cookie."""
        return _keep(Login().post())


class LogInMfa(MethodView):
    """The second step of that log-in: the code of the second factor."""

    def post(self) -> Response:
        """Finish a log-in by a code."""
        return _keep(LoginMfa().post())


class Refresh(MethodView):
    """How the page stays logged in, also after it was loaded again."""

    @rate_limited("REFRESHES_PER_ADDRESS", seconds=60)
    def post(self) -> Response:
        """Answer with an access token; 204 without the cookie."""
        token = request.cookies.get(COOKIE)
        # A refusal leaves the cookie: by now another window may have logged in and set the next one.
        return answer(None, 204) if token is None else _keep(represent_grant(refresh.refresh(token)))


class LogOut(MethodView):
    """Log out. This needs no access token: that may have expired."""

    def post(self) -> Response:
        """End the session of the cookie, and delete it; no error if it is over already (RFC 7009)."""
        refresh.revoke(request.cookies.get(COOKIE, ""))
        response = answer(None, 204)
        response.delete_cookie(COOKIE, **ATTRIBUTES)
        return response


bp.add_url_rule("/login", view_func=LogIn.as_view("login"))
bp.add_url_rule("/login/mfa", view_func=LogInMfa.as_view("login_mfa"))
bp.add_url_rule("/refresh", view_func=Refresh.as_view("refresh"))
bp.add_url_rule("/logout", view_func=LogOut.as_view("logout"))


def _keep(grant: dict[str, Any]) -> Response:
    """Answer with a grant, less its refresh token, which goes into the cookie."""
    token = grant.pop("refresh_token", None)
    response = answer(grant)
    if token is not None:
        response.set_cookie(COOKIE, token, current_app.config["SESSION_IDLE"], **ATTRIBUTES)
    return response
