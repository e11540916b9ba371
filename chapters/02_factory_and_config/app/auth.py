"""The log-in, below /v2/auth."""

from flask import Blueprint, Response, current_app
from flask_jwt_extended import create_access_token

from . import accounts
from .views import BaseView

bp = Blueprint("auth", __name__, url_prefix="/v2/auth")


class LoginView(BaseView):
    """Exchange e-mail and password for an access token."""

    def post(self) -> Response:
        data = self.body()
        if not isinstance(data, dict):
            return self.refuse(400, "the body must be a JSON object")
        if not accounts.is_text(data.get("email")) or not accounts.is_text(data.get("password")):
            return self.refuse(400, "email and password must be text")
        account = accounts.authenticate(data["email"], data["password"])
        if account is None:
            return self.refuse(401, "wrong e-mail or password")  # not which of the two
        token = {
            "access_token": create_access_token(identity=str(account.id)),
            "token_type": "Bearer",
            "expires_in": current_app.config["JWT_ACCESS_TOKEN_EXPIRES"],
        }
        return self.answer(token, headers={"Cache-Control": "no-store"})


bp.add_url_rule("/login", view_func=LoginView.as_view("login"))
