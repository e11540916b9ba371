"""What the page asks of the worker: each request by its name, JSON in and JSON out."""

import json
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import shims

shims.install()  # before whatever imports what they stand in for

#: The module and the function of each request; imported when it is wanted first, or in an idle moment.
ASKED = {
    "send": ("service", "send"),
    "check": ("court", "check"),
    "judge": ("court", "judge"),
    "grade": ("grader", "grade"),
    "zip": ("workspace", "as_zip"),
}
SOON = ("service", "flask_jwt_extended", "flask_sqlalchemy", "werkzeug.test", "pytest", "court", "grader")


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


def rewrite(file: Path) -> None:
    """Make of a file of tests what pytest makes of it first, and put it where pytest looks for it."""
    from _pytest.assertion import rewrite

    source, code = rewrite._rewrite_test(file, None)  # type: ignore[arg-type]  # no option of ours changes it
    made = rewrite.get_cache_dir(file) / f"{file.stem}{rewrite.PYC_TAIL}"
    made.parent.mkdir(exist_ok=True)
    with made.open("wb") as written:
        rewrite._write_pyc_fp(written, source, code)


_waiting = [partial(import_module, name) for name in SOON]
_waiting += [partial(rewrite, file) for file in Path("/course/tests").glob("test_*.py")]


def prepare() -> bool:
    """Do the next of what will be wanted soon; return whether there is more."""
    if _waiting:
        _waiting.pop(0)()
    return bool(_waiting)
