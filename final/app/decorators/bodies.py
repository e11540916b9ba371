"""Which bodies a view accepts. Chapter 3, view decorators; `parsing.py` reads the body, strictly."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ..parsing import Rule, check_fields, read_body
from .notes import may_answer

P = ParamSpec("P")
R = TypeVar("R")


def json_required(view: Callable[P, R]) -> Callable[P, R]:
    """Let nothing but a JSON object through. For a view that looks at the fields itself: see `validated`."""

    @wraps(view)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        read_body()
        return view(*args, **kwargs)

    return may_answer(wrapper, 400, 413, 415)


def validated(
    *, optional: Collection[str] = (), **rules: Rule
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Check the fields of the JSON body, and hand them to the view as ``data``.

    Args:
        optional: the names of those that may be missing. Where all of them may, one has to be there.
        rules: what each field has to be: ``validated(name=str)``. No other is allowed.

    Raises:
        InvalidInput: some fields are wrong; it has all the faults, not the first.
    """

    def decorator(view: Callable[..., R]) -> Callable[..., R]:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> R:
            return view(*args, data=check_fields(read_body(), rules, optional), **kwargs)

        return may_answer(wrapper, 400, 413, 415)

    return decorator
