"""`/v2/accounts`: signing up, and the accounts. Credentials are in `credentials.py`.

Chapter 1 for the views, chapter 3 for who may call them.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request
from flask_restx import Resource

from ..decorators import (
    compressed,
    principal,
    rate_limited,
    recent_login_required,
    role_required,
    token_required,
    validated,
)
from ..decorators.rate_limits import account_of_token, mail_limited
from ..models import Role
from ..parsing import Rule, check_fields, one_of, read_body, that
from ..representation import answer
from ..services import account, export, registration, sessions
from ..services.emails import is_email
from .documentation import (
    ACCEPTED,
    ACCOUNT,
    CHANGES,
    DELETION,
    EMAIL_ADDRESS,
    EXPORT,
    NEW_ACCOUNT,
    PAGE,
    ROLES,
    STATES,
    TOKEN,
    Namespace,
)
from .pages import PARAMS, page

FILTERS = {
    "email": {"description": "only the account of this address, in any spelling", "format": "email"},
    "role": {"description": "only those with this role", "enum": ROLES},
    "state": {"description": "only those that are so", "enum": STATES},
}
PROOF: dict[str, Rule] = {"current_password": str, "code": str}
IF_MATCH = {"If-Match": {"in": "header", "description": "the `ETag` of what was read", "required": True}}

ns = Namespace("accounts", "Sign up and look after your account; for admins, everybody's", path="/accounts")


@ns.route("", endpoint="accounts")
class Accounts(Resource):  # type: ignore[misc]
    """All accounts."""

    @ns.documented(takes=NEW_ACCOUNT, gives={202: ACCEPTED}, fails=(503,))
    @rate_limited("ATTEMPTS_PER_ADDRESS", seconds=60)
    @validated(email=str, name=str, password=str)
    @mail_limited
    def post(self, data: dict[str, str]) -> tuple[Any, int]:
        """Sign up. The answer is the same whether the e-mail had an account or not; only the mail differs."""
        registration.register(**data)
        return {"status": "accepted"}, 202

    @ns.documented(gives={200: PAGE}, fails=(400,), params=PARAMS | FILTERS)
    @token_required
    @role_required(Role.ADMIN)
    @compressed
    def get(self) -> tuple[Any, int, dict[str, str]]:
        """List the accounts, oldest first, page by page. For admins."""
        return page(
            account.find_page,
            represent,
            email=that(is_email, "an e-mail address"),
            role=one_of(*ROLES),
            state=one_of(*STATES),
        )


@ns.route("/verify", endpoint="verify")
class Verify(Resource):  # type: ignore[misc]
    """The link in the mail of a sign-up."""

    @ns.documented(takes=TOKEN, gives={204: None})
    @rate_limited("ATTEMPTS_PER_ADDRESS", seconds=60)
    @validated(token=str)
    def post(self, data: dict[str, str]) -> tuple[None, int]:
        """Confirm your address, by the token from the mail."""
        registration.verify(**data)
        return None, 204


@ns.route("/verify/resend", endpoint="resend")
class Resend(Resource):  # type: ignore[misc]
    """Another link, for an owner who lost that mail."""

    @ns.documented(takes=EMAIL_ADDRESS, gives={202: ACCEPTED})
    @rate_limited("ATTEMPTS_PER_ADDRESS", seconds=60)
    @validated(email=str)
    @mail_limited
    def post(self, data: dict[str, str]) -> tuple[Any, int]:
        """Have another mail sent, to choose your password once more by. The answer is always the same."""
        registration.resend(**data)
        return {"status": "accepted"}, 202


@ns.route("/me", "/<uuid:account_id>", endpoint="account")
class OneAccount(Resource):  # type: ignore[misc]
    """One account, the client's own as `me`. For all but its owner and the admins it is 404."""

    @ns.documented(gives={200: ACCOUNT, 304: None}, fails=(404,))
    @token_required
    def get(self, account_id: UUID | None = None) -> Response:
        """Show an account. Its `ETag` is what a change has to name."""
        shown = _with_etag(account.find(principal(), _id(account_id)))
        if "If-None-Match" in request.headers:
            shown.make_conditional(request)  # 304 where it says that the client has this one
        return shown

    @ns.documented(takes=CHANGES, gives={200: ACCOUNT}, fails=(403, 404, 409, 412, 428), params=IF_MATCH)
    @token_required
    @validated(name=str, role=one_of(*ROLES), disabled=bool, optional=("name", "role", "disabled"))
    def patch(self, data: dict[str, Any], account_id: UUID | None = None) -> Response:
        """Change an account. Its role, and whether it is disabled, are for admins to change."""
        return _with_etag(account.change(principal(), _id(account_id), _condition(), **data))

    @ns.documented(
        takes=DELETION,
        gives={204: None},
        fails=(400, 403, 404, 409, 412, 413, 415, 428, 429, 503),
        params=IF_MATCH,
    )
    @token_required
    def delete(self, account_id: UUID | None = None) -> tuple[None, int]:
        """Delete an account, at once and for good. Your own takes your password; another's needs no body."""
        if _id(account_id) == principal().id:
            self._leave()
        else:
            if request.mimetype:  # a body that is not needed has to be a good one all the same
                check_fields(read_body(), PROOF, ("code",))
            account.remove(principal(), str(account_id), _condition())
        return None, 204

    @validated(**PROOF, optional=("code",))
    @rate_limited("CODES_PER_ACCOUNT", seconds=900, by=account_of_token, budget="code")
    def _leave(self, data: dict[str, str]) -> None:
        account.leave(principal(), _condition(), **data)


@ns.route("/<uuid:account_id>/sessions", endpoint="account_sessions")
class AccountSessions(Resource):  # type: ignore[misc]
    """The devices that an account is logged in on."""

    @ns.documented(gives={204: None}, fails=(404,))
    @token_required
    @role_required(Role.ADMIN)
    @recent_login_required
    def delete(self, account_id: UUID) -> tuple[None, int]:
        """Log an account out everywhere, its own admin too. For admins."""
        sessions.end_all(principal(), str(account_id))
        return None, 204


@ns.route("/me/export", endpoint="export")
class Export(Resource):  # type: ignore[misc]
    """What is kept about the owner of an account (GDPR, articles 15 and 20)."""

    @ns.documented(gives={200: EXPORT})
    @token_required
    @recent_login_required
    @rate_limited("ATTEMPTS_PER_ACCOUNT", seconds=60, by=account_of_token)
    def get(self) -> dict[str, Any]:
        """Get all that is kept about you: the account, its sessions, and its last 1,000 events."""
        return export.collect(principal())


def represent(shown: Any) -> dict[str, Any]:
    """Return what a client sees of an account: never its hash."""
    return {
        "id": shown.id,
        "email": shown.email,
        "name": shown.name,
        "role": shown.role,
        "created_at": shown.created_at,
        "verified": shown.verified_at is not None,
        "disabled": shown.disabled_at is not None,
        "mfa": shown.mfa_since is not None,
    }


def _with_etag(shown: Any) -> Response:
    return answer(represent(shown), headers={"ETag": f'"{shown.version}"'})


def _condition() -> account.Condition:
    """Return what `If-Match` asks for (RFC 9110 13.1.1): any of its strong tags; `*` is whatever is there."""
    return request.if_match.contains if "If-Match" in request.headers else None


def _id(account_id: UUID | None) -> str:
    return principal().id if account_id is None else str(account_id)
