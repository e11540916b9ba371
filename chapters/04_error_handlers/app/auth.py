"""The log-in, below /v2/auth."""

from typing import Any

from flask import Blueprint, Response, current_app, request
from flask_jwt_extended import create_access_token

from . import accounts, errors, rules
from .decorators.bodies import json_required, validated
from .decorators.rate_limits import rate_limited
from .exceptions import ServiceError
from .views import BaseView

bp = Blueprint("auth", __name__, url_prefix="/v2/auth")


def account_asked_for() -> str:
    """Count by the account that a log-in is for, whatever address it comes from."""
    return f"account {request.get_json()['email'].strip().lower()}"


class LoginView(BaseView):
    """Exchange e-mail and password for an access token."""

    @json_required
    @rate_limited(60, seconds=60)
    @validated(email=rules.text, password=rules.text)
    @rate_limited(10, seconds=60, by=account_asked_for)  # below the check: it needs an e-mail to count by
    def post(self, data: dict[str, Any]) -> Response:
        account = accounts.authenticate(data["email"], data["password"])
        token = {
            "access_token": create_access_token(identity=str(account.id)),
            "token_type": "Bearer",
            "expires_in": current_app.config["JWT_ACCESS_TOKEN_EXPIRES"],
        }
        return self.answer(token, headers={"Cache-Control": "no-store"})


bp.register_error_handler(ServiceError, errors.as_problem)
bp.add_url_rule("/login", view_func=LoginView.as_view("login"))
