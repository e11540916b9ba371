"""What the page asks of the worker: each request by its name, JSON in and JSON out."""

import json
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path

import shims

shims.install()  # before the imports of what they replace

#: The module and the function of each request; imported at the first request, or before it in an idle moment.
HANDLERS = {
    "send": ("service", "send"),
    "check": ("judge", "check"),
    "combine": ("judge", "combine"),
    "grade": ("grader", "grade"),
    "zip": ("workspace", "as_zip"),
}
PRELOAD = ("service", "flask_jwt_extended", "flask_sqlalchemy", "werkzeug.test", "pytest", "judge", "grader")
#: What a check would import in the middle of it: plugins of pytest, what the tests import, and what freezegun
#: makes other modules import when it looks through all that they have.
PRELOAD += ("_pytest.unittest", "_pytest.junitxml", "_pytest.helpconfig", "sqlite3", "tracemalloc", "runpy")
PRELOAD += ("flask.testing", "sqlalchemy.dialects.sqlite", "encodings.idna", "freezegun", "dateutil.rrule")
PRELOAD += ("dateutil.zoneinfo", "unittest.async_case", "concurrent.futures.thread")


def handle(kind: str, request: str, notify: Callable[[str], None]) -> str:
    """Do what the page asks, and return the result as JSON.

    Args:
        kind: one of `HANDLERS`.
        request: its arguments, as JSON.
        notify: called with partial results, as JSON, while the work goes on.
    """
    arguments = json.loads(request)
    if kind in ("check", "grade"):
        arguments["notify"] = lambda event: notify(json.dumps(event))
    module, function = HANDLERS[kind]
    return json.dumps(getattr(import_module(module), function)(**arguments))


def rewrite(file: Path) -> None:
    """Rewrite the assertions of a file of tests as pytest does, into pytest's own cache."""
    from _pytest.assertion import rewrite

    source, code = rewrite._rewrite_test(file, None)  # type: ignore[arg-type]  # no option of ours changes it
    target = rewrite.get_cache_dir(file) / f"{file.stem}{rewrite.PYC_TAIL}"
    target.parent.mkdir(exist_ok=True)
    with target.open("wb") as written:
        rewrite._write_pyc_fp(written, source, code)


_preparations = [partial(import_module, name) for name in PRELOAD]
_preparations += [partial(rewrite, file) for file in Path("/course/tests").glob("test_*.py")]


def prepare() -> bool:
    """Do the next preparation for requests to come; return whether there is another."""
    if _preparations:
        _preparations.pop(0)()
    return bool(_preparations)
