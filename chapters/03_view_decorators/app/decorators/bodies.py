"""Which bodies a view accepts."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import request

from ..rules import Rule, find_faults
from ..views import BaseView


def json_required(view: Callable) -> Callable:
    """Let in JSON objects; answer 415 to another content type, and 400 to another shape."""

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not request.is_json:
            return BaseView.refuse(415, "send application/json")
        if not isinstance(request.get_json(silent=True), dict):
            return BaseView.refuse(400, "the body must be a JSON object")
        return view(*args, **kwargs)

    return wrapper


def validated(**rules: Rule) -> Callable:
    """Check fields of the JSON body, and pass these, and no others, to the view as ``data``.

    Args:
        rules: a rule for each required field: ``validated(name=rules.text)``.
    """

    def decorator(view: Callable) -> Callable:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            body = request.get_json()
            faults = find_faults(body, rules)
            if faults:
                return BaseView.answer({"error": "some fields are wrong", "errors": faults}, 400)
            return view(*args, data={name: body[name] for name in rules}, **kwargs)

        return wrapper

    return decorator
