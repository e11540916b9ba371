"""Which accounts may call a view."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import g
from flask_jwt_extended import get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt import PyJWTError

from .. import sessions
from ..exceptions import NotAllowed, NotLoggedIn
from ..models import Session


def token_required(view: Callable) -> Callable:
    """Let in requests with a valid access token, and set ``g.session`` and ``g.account``.

    Raises:
        NotLoggedIn: there is no token, it is invalid, or its session is over.
    """

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        g.session = session_of_token()
        if g.session is None:
            raise NotLoggedIn("log in first")
        g.account = g.session.account
        return view(*args, **kwargs)

    return wrapper


def session_of_token() -> Session | None:
    """Return the session of the token, or None: there is no token, it is invalid, or the session is over."""
    try:
        verify_jwt_in_request()
    except (JWTExtendedException, PyJWTError):
        return None
    return sessions.find(get_jwt().get("sid", ""))  # a token from before there were sessions has no sid


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
