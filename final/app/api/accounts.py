"""`/v2/accounts`: signing up, and the accounts. Chapter 1 for the views, chapter 3 for who may call them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for
from flask_restx import Resource

from ..decorators import principal, role_required, token_required
from ..models import Role
from ..services import account
from .documentation import ACCEPTED, ACCOUNT, CHANGES, NEW_ACCOUNT, PAGE, Namespace
from .parsing import read_body, read_page

ns = Namespace("accounts", "Sign up and look after your account; for admins, everybody's", path="/accounts")


@ns.route("", endpoint="accounts")
class Accounts(Resource):  # type: ignore[misc]
    """All accounts."""

    @ns.documented(takes=NEW_ACCOUNT, gives={202: ACCEPTED}, fails=(400, 413, 415, 503), token=False)
    def post(self) -> tuple[Any, int]:
        """Sign up. The answer is the same whether the e-mail had an account or not."""
        account.register(**read_body(email=str, name=str, password=str))
        return {"status": "accepted"}, 202

    @ns.documented(
        gives={200: PAGE},
        fails=(400, 403),
        params={"limit": "accounts on a page, 1 to 100", "after": "as in `next`"},
    )
    @role_required(Role.ADMIN)
    def get(self) -> tuple[Any, int, dict[str, str]]:
        """List the accounts, oldest first, page by page. For admins."""
        after, limit = read_page()
        found = account.find_page(after, limit + 1)  # one more than asked for tells whether a page follows
        items = [represent(one) for one in found[:limit]]
        if len(found) <= limit:
            return {"items": items, "next": None}, 200, {}
        following = url_for(".accounts", after=items[-1]["id"], limit=limit)
        return {"items": items, "next": following}, 200, {"Link": f'<{following}>; rel="next"'}


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
    def patch(self, account_id: UUID | None = None) -> dict[str, Any]:
        """Change an account."""
        return represent(account.rename(principal(), _id(account_id), **read_body(name=str)))

    @ns.documented(gives={204: None}, fails=(404, 409))
    @token_required
    def delete(self, account_id: UUID | None = None) -> tuple[None, int]:
        """Delete an account, at once and for good."""
        account.remove(principal(), _id(account_id))
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
