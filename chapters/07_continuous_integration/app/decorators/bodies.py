"""Which bodies a view accepts."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import request
from werkzeug.exceptions import BadRequest

from ..exceptions import InvalidInput, UnsupportedContent
from ..rules import Rule, find_faults


def json_required(view: Callable) -> Callable:
    """Let in JSON objects.

    Raises:
        UnsupportedContent: the body has another content type.
        InvalidInput: the body is not JSON, or JSON of another shape.
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
    """Check fields of the JSON body, and pass these, and no others, to the view as ``data``.

    Args:
        rules: a rule for each required field: ``validated(name=rules.text)``.

    Raises:
        InvalidInput: some fields are wrong; it names them all.
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
