"""Finds out whose exception made a test fail: the learner's, or the test's, which met something unforeseen.

What Python says of an exception in a test's own code tells a learner nothing: `KeyError: 'items'` is about a
dict that they have never seen. So it becomes what the test looked for, and did not find.
"""

from __future__ import annotations

import dis
import inspect
import linecache
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from itertools import chain, pairwise
from types import CodeType, ModuleType
from typing import Any

from werkzeug.exceptions import HTTPException

from course.paths import ROOT

CLOSE = 0.75  # how like two names are, of 1, if one is taken for the other
TESTS = str(ROOT / "tests")
#: The parts of tests/kit/adapter.py that only prepare what a test is about.
PREPARES = {"Stage.sign_up", "Stage.token", "Stage.admin"}
#: What a test was looking into, by how it is written in the test. The first that fits.
KINDS = {
    "header": r"headers\[",
    "setting": r"config\[",
    "extension": r"extensions\[",
    "url": r"views\[",
}

IsOwn = Callable[[str], bool]  # whether a file is the learner's


def is_crash(error: BaseException, own: IsOwn) -> bool:
    """Return whether the learner's code raised ``error`` by mistake.

    An exception class of the learner's own is raised on purpose, and so is one that a test provokes.
    """
    if isinstance(error, SyntaxError):
        return True
    module = sys.modules.get(type(error).__module__)
    if isinstance(error, HTTPException) or own(getattr(module, "__file__", None) or ""):
        return False
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    concerned = [file for file in files if own(file) or file.startswith(TESTS)]
    return not concerned or own(
        concerned[-1]
    )  # without either, Flask refuses what a view returned, for example


def is_on_the_way(error: BaseException) -> bool:
    """Return whether ``error`` was raised while the test prepared what it is about."""
    return any(
        frame.f_code.co_qualname in PREPARES and frame.f_code.co_filename.startswith(TESTS)
        for frame, _ in traceback.walk_tb(error.__traceback__)
    )


def what_is_lacking(error: BaseException) -> tuple[str, str]:
    """Return what a test looked for when its own code raised ``error``: the kind of thing, and its name."""
    if isinstance(error, ModuleNotFoundError):
        return "module", error.name or ""
    if isinstance(error, FileNotFoundError):
        return "file", str(error.filename or "")
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType | type):
        return "name", f"{error.obj.__name__}.{error.name}"
    if type(error).__name__ == "NoAppException":
        return "app", ""
    if isinstance(error, KeyError) and error.args and isinstance(error.args[0], str):
        expression = _failing_expression(error)
        kind = next((kind for kind, pattern in KINDS.items() if re.search(pattern, expression)), "key")
        return kind, error.args[0]
    return "shape", ""


def similar_name(error: BaseException) -> str:
    """Return a name that exists and is spelt like the one that ``error`` did not find, or nothing."""
    if not isinstance(error, (NameError, AttributeError)) or not error.name:
        return ""
    try:
        if isinstance(error, AttributeError):
            known = set(dir(error.obj))
        else:
            *_, (frame, _) = traceback.walk_tb(error.__traceback__)
            known = {*frame.f_locals, *frame.f_globals, *frame.f_builtins}
        return next(iter(get_close_matches(error.name, sorted(known), 1, CLOSE)), "")
    except Exception:  # the learner's own objects may fail at anything
        return ""


def _failing_expression(error: BaseException) -> str:
    """Return the part of the test's line that raised ``error``."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(TESTS)
    ]
    if not frames or frames[-1].lineno is None:
        return ""
    last = frames[-1]
    line = linecache.getline(last.filename, last.lineno or 0)
    # Columns count bytes.
    return line.encode()[
        last.colno or 0 : last.end_colno if last.end_lineno == last.lineno else None
    ].decode()


def view_of(exchange: Any, own: IsOwn, *, returned_nothing: bool) -> tuple[str, int, str] | None:
    """Return the place of the view that had to respond: its method or, if that is not there, its class.

    Args:
        returned_nothing: Flask got None, so a function of a decorator may lack a `return`, too.
    """
    method, path = exchange.method, exchange.response.request.path
    try:
        urls = exchange.app.url_map.bind("")
        allowed = urls.allowed_methods(path)
        endpoint, _ = urls.match(path, method=method if method in allowed else next(iter(allowed), method))
        function = exchange.app.view_functions[endpoint]
        view = getattr(function, "view_class", function)
        lacking = _lacking_return(function, view, method) if returned_nothing else []
        found = chain(lacking, _codes(view, method))
        return next(filter(None, (_place(code, own) for code in found)), None)
    except Exception:  # an application may be wrong in any way
        return None


def _codes(view: Any, method: str) -> Iterator[tuple[CodeType, bool]]:
    """Yield the code of the method that responds, or code of the class, whose first line is meant then.

    The method may be inherited. If the class itself changes something, it is what makes the difference.
    """
    if not isinstance(view, type):
        yield inspect.unwrap(view).__code__, False
        return
    method = _method_name(view, method)
    wanted = inspect.unwrap(getattr(view, method, None) or (lambda: None))
    inherited = method not in vars(view)
    found = [(wanted.__code__, False)] if wanted.__name__ == method else []
    of_the_class = [
        (inspect.unwrap(attribute).__code__, True)
        for attribute in vars(view).values()
        if inspect.isfunction(attribute)
    ]
    yield from [*of_the_class, *found] if inherited else [*found, *of_the_class]


def _method_name(view: type, method: str) -> str:
    return method.lower() if method != "HEAD" or hasattr(view, "head") else "get"


def _lacking_return(function: Any, view: Any, method: str) -> list[tuple[CodeType, bool]]:
    """Return what can end without `return`, the innermost first: the view, its decorators' functions."""
    of_the_class = getattr(view, _method_name(view, method), None) if view is not function else None
    codes: list[CodeType] = []
    for wrapped in (function, of_the_class):
        while wrapped is not None:
            codes.insert(0, wrapped.__code__)
            wrapped = getattr(wrapped, "__wrapped__", None)
    return [(code, False) for code in codes if _can_end_without_return(code)]


def _can_end_without_return(code: CodeType) -> bool:
    """Return whether the code returns a constant None, as the compiler writes at an end without `return`."""
    for before, step in pairwise(dis.get_instructions(code)):
        value = step if step.opname == "RETURN_CONST" else before  # which Python 3.12 and 3.13 have
        if step.opname.startswith("RETURN_") and value.opname.endswith("_CONST") and value.argval is None:
            return True
    return False


def _place(found: tuple[CodeType, bool], own: IsOwn) -> tuple[str, int, str] | None:
    """Return file, number and text of the line with `def`, or with `class`, of some code of the learner's."""
    code, of_the_class = found
    if not own(code.co_filename):
        return None
    lines = linecache.getlines(code.co_filename)
    if of_the_class:
        name = code.co_qualname.rpartition(".")[0].rpartition(".")[2]
        numbers = [n for n, line in enumerate(lines, 1) if re.match(rf"\s*class {name}\b", line)]
    else:  # a function's first line may be a decorator's
        start = code.co_firstlineno
        numbers = [n for n in range(start, len(lines) + 1) if re.match(r"\s*(async )?def ", lines[n - 1])]
    return (code.co_filename, numbers[0], lines[numbers[0] - 1].strip()) if numbers else None
