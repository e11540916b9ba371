"""A test passes only on evidence: all of it ran, nothing failed, and the code left the tests as they were.

The learner's code runs in the same process as the tests. By accident or on purpose it may skip a test, end
pytest, or replace a function that the tests rely on.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from operator import attrgetter, call, is_, itemgetter
from types import FunctionType
from typing import Any

import pytest

PHASES = {"setup", "call", "teardown"}
PARTS = (FunctionType, property, classmethod, staticmethod)
#: The modules that decide what a test says, and those below them.
JUDGES = (
    "_pytest",
    "conftest",
    "course.judging",
    "flask.testing",
    "kit",
    "pluggy",
    "pytest",
    "werkzeug.test",
)
#: What a service may well replace: none of it decides anything.
HARMLESS = {"breakpoint", "copyright", "credits", "exit", "help", "input", "license", "open", "print"}
#: What ends pytest or leaves a test out.
STOPS = (KeyboardInterrupt, pytest.exit.Exception, pytest.skip.Exception, pytest.xfail.Exception)


class StoppedTheTest(Exception):
    """The learner's code raised what would have ended pytest or left the test out."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


class Evidence:
    """A pytest plugin that notes what of the current test ran; `begin` and `end` say when that is."""

    def __init__(self, is_learners: Callable[[BaseException], bool]) -> None:
        """``is_learners``: whether an exception comes from the learner's code."""
        self.is_learners = is_learners
        self.ran: set[str] = set()
        self.changed = ""  # what the code has changed in the tests
        self._seal: Seal | None = None

    def begin(self) -> None:
        """Forget the test before."""
        self.ran.clear()

    def end(self) -> bool:
        """Return whether the test passed: all of it ran, nothing failed, and the tests are unchanged."""
        if self._seal and not self.changed:
            self.changed = self._seal.changed()
        return self.ran == PHASES and not self.changed

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember the tests and what they rely on: no code of the learner's has run yet."""
        tests = {item.module.__name__ for item in session.items if isinstance(item, pytest.Function)}
        self._seal = Seal(tests)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note that a part of the test ran; one that the tests themselves left out has run."""
        report = yield
        if report.passed:
            self.ran.add(report.when or "")
        elif report.skipped:
            self.ran |= {"setup", "call"}
        return report

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        """Let what would stop the tests be a failure, in each part of a test."""
        try:
            return (yield)
        except STOPS as error:
            if self.is_learners(error):
                raise StoppedTheTest(error).with_traceback(error.__traceback__) from None
            raise

    pytest_runtest_call = pytest_runtest_teardown = pytest_runtest_setup


class Seal:
    """The functions and classes that decide what the tests say; no code of a learner's may replace them."""

    def __init__(self, tests: set[str]) -> None:
        """``tests``: the names of the modules of tests."""
        self._kept = [entry for entry in _decisive(tests) if entry[2]]
        self._codes = {
            value: (f"{place}.{name}", value.__code__)
            for place, _, values in self._kept
            for name, value in values.items()
            if isinstance(value, FunctionType)
        }
        # Thousands are compared after each test, so the loops over them are in C. With two names, one twice,
        # an itemgetter returns a tuple always.
        self._namespaces = [namespace for _, namespace, _ in self._kept]
        self._read = [itemgetter(*values, next(iter(values))) for _, _, values in self._kept]
        self._values = list(self._read_all())
        self._code_objects = [code for _, code in self._codes.values()]

    def changed(self) -> str:
        """Return the name of a value that was replaced, or nothing."""
        with suppress(KeyError):  # of one that was deleted
            codes = map(attrgetter("__code__"), self._codes)
            if all(map(is_, self._read_all(), self._values)) and all(map(is_, codes, self._code_objects)):
                return ""
        replaced = (
            f"{place}.{name}".lstrip(".")
            for place, namespace, values in self._kept
            for name, value in values.items()
            if namespace.get(name) is not value
        )
        rewritten = (name for value, (name, code) in self._codes.items() if value.__code__ is not code)
        return next(chain(replaced, rewritten))

    def _read_all(self) -> Iterator[object]:
        return chain.from_iterable(map(call, self._read, self._namespaces))


def _decisive(tests: set[str]) -> Iterator[tuple[str, Mapping[str, object], dict[str, Any]]]:
    """Yield what decides: the name of a namespace, the namespace, and what must stay in it."""
    judging: dict[str, object] = {
        name: module
        for name, module in sys.modules.items()
        if name in tests or any(name == judge or name.startswith(f"{judge}.") for judge in JUDGES)
    }
    yield "", sys.modules, judging
    for name, module in [*judging.items(), ("builtins", builtins)]:
        values = {key: value for key, value in vars(module).items() if callable(value)}
        if module is builtins:
            values = {key: value for key, value in values.items() if key not in HARMLESS}
        yield name, vars(module), values
        for value in values.values():
            if isinstance(value, type) and value.__module__ == name != "builtins":
                parts = {key: part for key, part in vars(value).items() if isinstance(part, PARTS)}
                yield f"{name}.{value.__name__}", vars(value), parts
