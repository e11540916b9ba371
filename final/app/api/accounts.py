"""`/v2/accounts`: signing up, and the accounts.

Chapter 1 for the views, chapter 3 for who may call them, chapter 6 for the password.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_restx import Resource

from ..decorators import compressed, principal, rate_limited, role_required, token_required, validated
from ..decorators.rate_limits import account_asked_for, account_of_token
from ..models import Role
from ..services import account
from .documentation import ACCEPTED, ACCOUNT, CHANGES, NEW_ACCOUNT, PAGE, PASSWORD_CHANGE, Namespace
from .pages import PARAMS, page

ns = Namespace("accounts", "Sign up and look after your account; for admins, everybody's", path="/accounts")


@ns.route("", endpoint="accounts")
class Accounts(Resource):  # type: ignore[misc]
    """All accounts."""

    @ns.documented(takes=NEW_ACCOUNT, gives={202: ACCEPTED}, fails=(400, 413, 415, 429, 503), token=False)
    @rate_limited("ATTEMPTS_PER_ADDRESS", seconds=60)
    @validated(email=str, name=str, password=str)
    @rate_limited("ATTEMPTS_PER_ACCOUNT", seconds=60, by=account_asked_for)
    def post(self, data: dict[str, str]) -> tuple[Any, int]:
        """Sign up. The answer is the same whether the e-mail had an account or not."""
        account.register(**data)
        return {"status": "accepted"}, 202

    @ns.documented(gives={200: PAGE}, fails=(400, 403), params=PARAMS)
    @token_required
    @role_required(Role.ADMIN)
    @compressed
    def get(self) -> tuple[Any, int, dict[str, str]]:
        """List the accounts, oldest first, page by page. For admins."""
        return page(account.find_page, represent)


@ns.route("/me", "/<uuid:account_id>", endpoint="account")
class OneAccount(Resource):  # type: ignore[misc]
    """One account: one's own as `me`. To anybody but its owner and the admins it is not there."""

    @ns.documented(gives={200: ACCOUNT}, fails=(404,))
    @token_required
    def get(self, account_id: UUID | None = None) -> dict[str, Any]:
        """Show an account."""
        return represent(account.find(principal(), _id(account_id)))

    @ns.documented(takes=CHANGES, gives={200: ACCOUNT}, fails=(400, 404, 413, 415))
    @token_required
    @validated(name=str)
    def patch(self, data: dict[str, str], account_id: UUID | None = None) -> dict[str, Any]:
        """Change an account."""
        return represent(account.rename(principal(), _id(account_id), **data))

    @ns.documented(gives={204: None}, fails=(404, 409))
    @token_required
    def delete(self, account_id: UUID | None = None) -> tuple[None, int]:
        """Delete an account, at once and for good."""
        account.remove(principal(), _id(account_id))
        return None, 204


@ns.route("/me/password", endpoint="password")
class Password(Resource):  # type: ignore[misc]
    """One's own password. A token alone does not change it: it may be stolen."""

    @ns.documented(takes=PASSWORD_CHANGE, gives={204: None}, fails=(400, 403, 413, 415, 429, 503))
    @token_required
    @validated(current_password=str, new_password=str)
    @rate_limited("ATTEMPTS_PER_ACCOUNT", seconds=60, by=account_of_token)
    def put(self, data: dict[str, str]) -> tuple[None, int]:
        """Change your password. Your other devices are logged out."""
        account.change_password(principal(), current=data["current_password"], new=data["new_password"])
        return None, 204


def represent(shown: Any) -> dict[str, Any]:
    """Return what a client sees of an account: never its hash."""
    return {
        "id": shown.id,
        "email": shown.email,
        "name": shown.name,
        "role": shown.role,
        "created_at": shown.created_at,
    }


def _id(account_id: UUID | None) -> str:
    return principal().id if account_id is None else str(account_id)
