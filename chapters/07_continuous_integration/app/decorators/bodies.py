"""What a client may send."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import request
from werkzeug.exceptions import BadRequest

from ..exceptions import InvalidInput, UnsupportedContent
from ..rules import Rule, find_faults


def json_required(view: Callable) -> Callable:
    """Let nothing but a JSON object through.

    Raises:
        UnsupportedContent: it is another type of content.
        InvalidInput: it is not JSON, or JSON of another shape.
    """

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not request.is_json:
            raise UnsupportedContent("send application/json")
        try:
            body = request.get_json()
        except (BadRequest, RecursionError):  # no JSON, or lists in lists in lists, thousands deep
            body = None
        if not isinstance(body, dict):
            raise InvalidInput("the body must be a JSON object")
        return view(*args, **kwargs)

    return wrapper


def validated(**rules: Rule) -> Callable:
    """Check the fields of the JSON body, and hand these and no others to the view as ``data``.

    Args:
        rules: for each field that is required, what it may be: ``validated(name=rules.text)``.

    Raises:
        InvalidInput: some fields are wrong; it has all the faults, not the first.
    """

    def decorator(view: Callable) -> Callable:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            body = request.get_json()
            faults = find_faults(body, rules)
            if faults:
                raise InvalidInput(faults=faults)
            return view(*args, data={name: body[name] for name in rules}, **kwargs)

        return wrapper

    return decorator
