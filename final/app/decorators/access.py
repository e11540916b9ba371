"""Who may come in. Chapter 3, view decorators."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

from flask import g, request
from flask_jwt_extended import get_current_user, verify_jwt_in_request

from ..errors import NotAllowed
from ..services.auth import Principal

P = ParamSpec("P")
R = TypeVar("R")


def token_required(view: Callable[P, R]) -> Callable[P, R]:
    """Run ``view`` only for a valid access token whose session and account are alive; otherwise 401."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            # The name of a scheme is case-insensitive (RFC 9110 11.1); the extension takes only `Bearer`.
            request.environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        verify_jwt_in_request()
        g.account = get_current_user()
        return view(*args, **kwargs)

    return guarded


def role_required(role: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Run the view only for an account with ``role``. Stands below `token_required`, which says who it is.

    Raises:
        NotAllowed: the account has another role.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if principal().role != role:
                raise NotAllowed
            return view(*args, **kwargs)

        return guarded

    return decorate


def principal() -> Principal:
    """Return who sends this request. Only below `token_required`."""
    return cast(Principal, g.account)
