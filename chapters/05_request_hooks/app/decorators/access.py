"""Which accounts may call a view."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import g
from flask_jwt_extended import get_jwt_identity, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt import PyJWTError

from .. import accounts
from ..exceptions import NotAllowed, NotLoggedIn


def token_required(view: Callable) -> Callable:
    """Let in requests with a valid access token, and set ``g.account``.

    Raises:
        NotLoggedIn: there is no token, it is invalid, or its account is gone.
    """

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        g.account = account_of_token()
        if g.account is None:
            raise NotLoggedIn("log in first")
        return view(*args, **kwargs)

    return wrapper


def account_of_token() -> accounts.Account | None:
    """Return the account of the token, or None: there is no token, it is invalid, or the account is gone."""
    try:
        verify_jwt_in_request()
    except (JWTExtendedException, PyJWTError):
        return None
    return accounts.find(int(get_jwt_identity()))


def role_required(role: str) -> Callable:
    """Let in accounts with ``role``. Place it below `token_required`, which sets ``g.account``.

    Raises:
        NotAllowed: the account has another role.
    """

    def decorator(view: Callable) -> Callable:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if g.account.role != role:
                raise NotAllowed(f"only for the role {role}")
            return view(*args, **kwargs)

        return wrapper

    return decorator
