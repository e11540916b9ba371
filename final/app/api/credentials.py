"""`/v2/accounts/me/password`, `/v2/auth/password` and `/v2/accounts/me/email`: credentials.

Chapter 6 for the change of a password, built test first.
"""

from __future__ import annotations

from typing import Any

from flask_restx import Resource

from ..decorators import principal, rate_limited, token_required, validated
from ..decorators.rate_limits import account_of_token, forget_log_ins, mail_limited
from ..services import credentials, devices
from . import accounts, auth
from .auth import keep_marks, read_device
from .documentation import ACCEPTED, EMAIL_ADDRESS, EMAIL_CHANGE, PASSWORD_CHANGE, PASSWORD_RESET, TOKEN


@accounts.ns.route("/me/password", endpoint="password")
class Password(Resource):  # type: ignore[misc]
    """The client's own password. A token alone does not change it: it may be stolen."""

    @accounts.ns.documented(takes=PASSWORD_CHANGE, gives={204: None}, fails=(403, 503))
    @token_required
    @validated(current_password=str, new_password=str)
    @rate_limited("ATTEMPTS_PER_ACCOUNT", seconds=60, by=account_of_token, budget="password")
    def put(self, data: dict[str, str]) -> tuple[None, int]:
        """Change your password. Your other devices are logged out, and a notice is mailed."""
        credentials.change_password(principal(), current=data["current_password"], new=data["new_password"])
        return None, 204


@auth.ns.route("/password/forgot", endpoint="forgot")
class Forgot(Resource):  # type: ignore[misc]
    """A link to a new password, for an owner who forgot the old one."""

    @auth.ns.documented(takes=EMAIL_ADDRESS, gives={202: ACCEPTED})
    @rate_limited("ATTEMPTS_PER_ADDRESS", seconds=60)
    @validated(email=str)
    @mail_limited
    def post(self, data: dict[str, str]) -> tuple[Any, int]:
        """Have a link mailed to you. The answer is the same whether the e-mail has an account or not."""
        credentials.forgot(**data)
        return {"status": "accepted"}, 202


@auth.ns.route("/password/reset", endpoint="reset")
class Reset(Resource):  # type: ignore[misc]
    """The link in the mail about a forgotten password."""

    @auth.ns.documented(takes=PASSWORD_RESET, gives={204: None}, fails=(503,))
    @rate_limited("ATTEMPTS_PER_ADDRESS", seconds=60)
    @validated(token=str, new_password=str)
    def post(self, data: dict[str, str]) -> tuple[None, int]:
        """Choose a new password, by the token from the mail. All your devices are logged out."""
        email = credentials.reset(data["token"], new=data["new_password"])
        keep_marks(devices.remember(read_device().marks, email))
        forget_log_ins(email)
        return None, 204


@accounts.ns.route("/me/email", endpoint="email")
class Email(Resource):  # type: ignore[misc]
    """The client's own address. As with the password, a token alone does not change it."""

    @accounts.ns.documented(takes=EMAIL_CHANGE, gives={202: ACCEPTED}, fails=(403, 503))
    @token_required
    @validated(email=str, current_password=str)
    @rate_limited("ATTEMPTS_PER_ACCOUNT", seconds=60, by=account_of_token, budget="password")
    @mail_limited
    def post(self, data: dict[str, str]) -> tuple[Any, int]:
        """Have a link mailed to the new address. Until it is opened, the old one goes on."""
        credentials.ask_for_email(principal(), data["email"], current=data["current_password"])
        return {"status": "accepted"}, 202


@accounts.ns.route("/email/confirm", endpoint="confirm_email")
class ConfirmEmail(Resource):  # type: ignore[misc]
    """The link in the mail to a new address."""

    @accounts.ns.documented(takes=TOKEN, gives={204: None})
    @rate_limited("ATTEMPTS_PER_ADDRESS", seconds=60)
    @validated(token=str)
    def post(self, data: dict[str, str]) -> tuple[None, int]:
        """Confirm your new address, by the token from the mail."""
        credentials.confirm_email(**data)
        return None, 204
