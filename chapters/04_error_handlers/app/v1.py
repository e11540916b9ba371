"""Version 1 of the API: a blueprint and its views."""

from typing import Any

from flask import Blueprint, Response, g, url_for

from . import accounts, errors, rules
from .decorators.access import role_required, token_required
from .decorators.bodies import json_required, validated
from .decorators.caching import cached
from .decorators.compression import compressed
from .decorators.rate_limits import rate_limited
from .exceptions import ServiceError
from .views import BaseView

bp = Blueprint("v1", __name__, url_prefix="/v1")


@bp.errorhandler(ServiceError)
def answer_error(error: ServiceError) -> Response:
    """Errors of this version look as they always did."""
    return errors.as_v1(error)


class AccountsView(BaseView):
    """All accounts."""

    @token_required
    @role_required("admin")
    @compressed
    @cached(seconds=30)
    def get(self) -> Response:
        return self.list_accounts()

    def list_accounts(self) -> Response:
        """Answer all accounts in one array; a later version may show them in another way."""
        return self.answer([account.to_dict() for account in accounts.find_all()])

    @rate_limited(60, seconds=60)
    @json_required
    @validated(**rules.NEW_ACCOUNT)
    def post(self, data: dict[str, Any]) -> Response:
        account = accounts.add(data)
        # The dot means "of the blueprint that serves this request": /v1 here, /v2 in version 2.
        location = url_for(".account", account_id=account.id)
        return self.answer(account.to_dict(), 201, {"Location": location})


class AccountView(BaseView):
    """One account, for its owner and for admins; other clients get 404. Without an id, the client's own."""

    decorators = [token_required]  # on every method, also on those that are added later

    def get(self, account_id: int | None = None) -> Response:
        return self.answer(accounts.find_for(g.account, account_id).to_dict())

    @json_required
    @validated(name=rules.text)
    def patch(self, data: dict[str, Any], account_id: int | None = None) -> Response:
        account = accounts.find_for(g.account, account_id)
        accounts.rename(account, data["name"])
        return self.answer(account.to_dict())

    def delete(self, account_id: int | None = None) -> Response:
        accounts.remove(accounts.find_for(g.account, account_id))
        return Response(status=204)


bp.add_url_rule("/accounts", view_func=AccountsView.as_view("accounts"))
bp.add_url_rule("/accounts/<int:account_id>", view_func=AccountView.as_view("account"))
