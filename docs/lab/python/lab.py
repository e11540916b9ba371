"""What the page asks of the worker: each request by its name, JSON in and JSON out."""

import json
from collections.abc import Callable
from importlib import import_module

import shims

shims.install()  # before whatever imports what they stand in for

#: The module and the function of each request; imported when it is wanted first, or in an idle moment.
ASKED = {
    "send": ("service", "send"),
    "check": ("court", "check"),
    "grade": ("grader", "grade"),
    "zip": ("workspace", "as_zip"),
}
SOON = ["service", "flask_jwt_extended", "flask_sqlalchemy", "werkzeug.test", "pytest", "court", "grader"]


def answer(kind: str, asked: str, tell: Callable[[str], None]) -> str:
    """Do what the page asks.

    Args:
        kind: one of `ASKED`.
        asked: its arguments, as JSON.
        tell: called with what is known already, as JSON, while the work goes on.
    """
    arguments = json.loads(asked)
    if kind in ("check", "grade"):
        arguments["tell"] = lambda event: tell(json.dumps(event))
    module, function = ASKED[kind]
    return json.dumps(getattr(import_module(module), function)(**arguments))


def prepare() -> bool:
    """Import the next of what will be wanted soon; return whether there is more."""
    if SOON:
        import_module(SOON.pop(0))
    return bool(SOON)
