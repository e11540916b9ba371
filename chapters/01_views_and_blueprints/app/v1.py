"""Version 1 of the API: a blueprint and its views."""

from flask import Blueprint, Response, url_for

from . import accounts
from .views import BaseView

bp = Blueprint("v1", __name__, url_prefix="/v1")


class AccountsView(BaseView):
    """All accounts."""

    def get(self) -> Response:
        return self.list_accounts()

    def list_accounts(self) -> Response:
        """Answer all accounts in one array; a later version may show them in another way."""
        return self.answer([account.to_dict() for account in accounts.find_all()])

    def post(self) -> Response:
        data = self.body()
        problem = accounts.problem_with_account(data)
        if problem:
            return self.refuse(400, problem)
        account = accounts.add(data)
        if account is None:
            return self.refuse(409, "this e-mail has an account")
        # The dot means "of the blueprint that serves this request": /v1 here, /v2 in version 2.
        location = url_for(".account", account_id=account.id)
        return self.answer(account.to_dict(), 201, {"Location": location})


class AccountView(BaseView):
    """One account."""

    def get(self, account_id: int) -> Response:
        account = accounts.find(account_id)
        if account is None:
            return self.refuse(404, "no such account")
        return self.answer(account.to_dict())

    def patch(self, account_id: int) -> Response:
        account = accounts.find(account_id)
        if account is None:
            return self.refuse(404, "no such account")
        data = self.body()
        problem = accounts.problem_with_name(data)
        if problem:
            return self.refuse(400, problem)
        accounts.rename(account, data["name"])
        return self.answer(account.to_dict())

    def delete(self, account_id: int) -> Response:
        account = accounts.find(account_id)
        if account is None:
            return self.refuse(404, "no such account")
        accounts.remove(account)
        return Response(status=204)


bp.add_url_rule("/accounts", view_func=AccountsView.as_view("accounts"))
bp.add_url_rule("/accounts/<int:account_id>", view_func=AccountView.as_view("account"))
