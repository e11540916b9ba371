"""Version 2 of the API: version 1, but accounts are listed page by page, and `me` is the client's own."""

from typing import Any

from flask import Blueprint, Response, current_app, g, request, url_for

from . import accounts, errors, rules, v1
from .decorators.access import token_required
from .decorators.bodies import json_required, validated
from .decorators.rate_limits import rate_limited
from .exceptions import InvalidInput, ServiceError
from .views import BaseView

bp = Blueprint("v2", __name__, url_prefix="/v2")

LARGEST_PAGE = 100
LARGEST_ID = 2**63 - 1


class AccountsView(v1.AccountsView):
    """All accounts, one page at a time; everything else is inherited."""

    def list_accounts(self) -> Response:
        page_size = str(current_app.config["PAGE_SIZE"])
        limit = whole_number("limit", page_size, 1, LARGEST_PAGE)
        after = whole_number("after", "0", 0, LARGEST_ID)
        return self.answer(self.page(after, limit))

    def page(self, after: int, limit: int) -> dict[str, Any]:
        """Return one page, and the URL of the next or None on the last."""
        found = accounts.find_after(after, limit + 1)  # one more than asked for tells whether a page follows
        items = [account.to_dict() for account in found[:limit]]
        more = len(found) > limit
        return {
            "items": items,
            "next": url_for(".accounts", after=items[-1]["id"], limit=limit) if more else None,
        }


def account_of_token() -> str:
    """Count by the account of the token."""
    return f"account {g.account.id}"


class PasswordView(BaseView):
    """Change your password. A token alone is not enough: it may have been stolen."""

    decorators = [token_required]

    @json_required
    @validated(current_password=rules.text, new_password=rules.new_password)
    @rate_limited(10, seconds=60, by=account_of_token)
    def put(self, data: dict[str, Any]) -> Response:
        accounts.change_password(g.session, data["current_password"], data["new_password"])
        return Response(status=204)


def whole_number(name: str, default: str, least: int, most: int) -> int:
    """Return the number that the query has under ``name``.

    Raises:
        InvalidInput: it is not a whole number from ``least`` to ``most``.
    """
    text = request.args.get(name, default)
    if not text.isdecimal() or len(text) > 19 or not least <= int(text) <= most:
        raise InvalidInput(faults={name: f"must be a whole number from {least} to {most}"})
    return int(text)


# The same as @bp.errorhandler, for a function that is defined elsewhere.
bp.register_error_handler(ServiceError, errors.as_problem)
bp.add_url_rule("/accounts", view_func=AccountsView.as_view("accounts"))
account_view = v1.AccountView.as_view("account")
bp.add_url_rule("/accounts/<int:account_id>", view_func=account_view)
bp.add_url_rule("/accounts/me", view_func=account_view)  # no id: the account of the token
bp.add_url_rule("/accounts/me/password", view_func=PasswordView.as_view("password"))
