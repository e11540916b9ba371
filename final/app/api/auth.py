"""`/v2/auth`: logging in."""

from __future__ import annotations

from typing import Any

from flask_restx import Resource

from ..services import auth
from .documentation import CREDENTIALS, GRANT, Namespace
from .parsing import read_body

ns = Namespace("auth", "Logging in", path="/auth")


@ns.route("/login", endpoint="login")
class Login(Resource):  # type: ignore[misc]
    """The door."""

    @ns.documented(takes=CREDENTIALS, gives={200: GRANT}, fails=(400, 401, 413, 415, 503), token=False)
    def post(self) -> dict[str, Any]:
        """Log in: an e-mail and a password for an access token."""
        grant = auth.log_in(**read_body(email=str, password=str))
        return {
            "access_token": grant.access_token,
            "token_type": "Bearer",
            "expires_in": grant.expires_in,
        }
