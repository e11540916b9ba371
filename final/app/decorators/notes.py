"""Notes on a view, for the OpenAPI document: with which statuses its decorators may refuse. Chapter 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

V = TypeVar("V", bound=Callable[..., Any])


def may_answer(view: V, *statuses: int, token: bool = False) -> V:
    """Note on ``view`` with which statuses it may refuse a request; `documented` reads it.

    `wraps` hands the notes of a view on to the decorator above.

    Args:
        token: whether a request needs an access token.
    """
    view.__dict__["refusals"] = refusals(view) | set(statuses)
    view.__dict__["needs_token"] = needs_token(view) or token
    return view


def refusals(view: Callable[..., Any]) -> set[int]:
    """Return the statuses that the decorators of ``view`` have noted."""
    return set(view.__dict__.get("refusals", ()))


def needs_token(view: Callable[..., Any]) -> bool:
    """Say whether a decorator of ``view`` asks for an access token."""
    return bool(view.__dict__.get("needs_token", False))
