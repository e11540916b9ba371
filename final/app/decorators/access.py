"""Which accounts may call a view. Chapter 3, view decorators."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import current_app, g, request

from ..exceptions import NotAllowed, TokenMissing
from ..services import audit, authorization
from ..services.auth import Principal, find_principal
from .notes import may_answer

P = ParamSpec("P")
R = TypeVar("R")


def token_required(view: Callable[P, R]) -> Callable[P, R]:
    """Run ``view`` only for a valid access token whose session and account are alive.

    Raises:
        TokenMissing: the request brings no token.
        InvalidTokenError: it brings one that is not good.
        TokenRefused: its session or its account is not alive any more.
    """

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        # In place of `verify_jwt_in_request()`, which knows `Bearer` in one spelling only (RFC 9110 11.1),
        # finds a token among others behind commas, answers 500 to `, ,a`, and lets OPTIONS in without a
        # token. It costs 50 microseconds where this costs 3; all the rest of `GET me` costs 150.
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise TokenMissing
        g.account = find_principal(token)
        return view(*args, **kwargs)

    return may_answer(wrapper, 401, token=True)


def role_required(role: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Run the view only for an account with ``role``. Place it below `token_required`, which says who it is.

    Raises:
        NotAllowed: the account has another role.
        MfaNeeded: an admin has to have a second factor, and has none.
    """

    def decorator(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            if principal().role != role:
                _record()
                raise NotAllowed
            authorization.check_second_factor(principal())
            return view(*args, **kwargs)

        return may_answer(wrapper, 403)

    return decorator


def recent_login_required(view: Callable[P, R]) -> Callable[P, R]:
    """Run ``view`` only for an account that has logged in lately. Place it below `token_required`.

    Raises:
        LoginTooOld: it is too long ago; a refresh does not count.
    """

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        authorization.check_recent_login(principal())
        return view(*args, **kwargs)

    return wrapper


def _record() -> None:
    me, what = principal().id, request.endpoint or ""
    # Once a minute: an account that goes on asking must not fill the audit.
    count, _ = current_app.extensions["rate_limits"].hit(f"not allowed: {what}, {me}", 60)
    if count == 1:
        audit.record("access", actor_id=me, outcome=audit.REFUSED, request=what)


def principal() -> Principal:
    """Return who sends this request. Only below `token_required`."""
    return cast(Principal, g.account)
