"""`/v2/auth`: logging in. Chapter 2 for the token, chapter 3 for what stands around the view."""

from __future__ import annotations

from typing import Any

from flask_restx import Resource

from ..decorators import rate_limited, validated
from ..decorators.rate_limits import account_asked_for
from ..services import auth
from .documentation import CREDENTIALS, GRANT, Namespace

ns = Namespace("auth", "Logging in", path="/auth")


@ns.route("/login", endpoint="login")
class Login(Resource):  # type: ignore[misc]
    """The door."""

    @ns.documented(takes=CREDENTIALS, gives={200: GRANT}, fails=(400, 401, 413, 415, 429, 503), token=False)
    @rate_limited("ATTEMPTS_PER_ADDRESS", seconds=60)
    @validated(email=str, password=str)
    @rate_limited("ATTEMPTS_PER_ACCOUNT", seconds=60, by=account_asked_for)
    def post(self, data: dict[str, str]) -> dict[str, Any]:
        """Log in: an e-mail and a password for an access token."""
        grant = auth.log_in(**data)
        return {
            "access_token": grant.access_token,
            "token_type": "Bearer",
            "expires_in": grant.expires_in,
        }
