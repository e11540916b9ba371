"""A test passes only on evidence: all of it ran, nothing failed, and the code left the tests as they were.

The learner's code runs in the same process as the tests. By accident or on purpose it may skip a test, end
pytest, or replace a function that the tests rely on.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from operator import attrgetter, is_
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
        self._sealed: list[Sealed] = []

    def begin(self) -> None:
        """Forget the test before."""
        self.ran.clear()

    def end(self) -> bool:
        """Return whether the test passed: all of it ran, nothing failed, and the tests are unchanged."""
        self.changed = self.changed or next(filter(None, map(Sealed.changed, self._sealed)), "")
        return self.ran == PHASES and not self.changed

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember the tests and what they rely on: no code of the learner's has run yet."""
        tests = {item.module.__name__ for item in session.items if isinstance(item, pytest.Function)}
        self._sealed = list(seal(tests))

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


class Sealed:
    """Values that the learner's code must not replace, by their names."""

    def __init__(self, place: str, look_up: Callable[[Any], object], values: Mapping[Any, object]) -> None:
        self.place, self.look_up = place, look_up
        self.names, self.values = tuple(values), tuple(values.values())

    def changed(self) -> str:
        """Return the name of a value that was replaced, or nothing."""
        if all(map(is_, map(self.look_up, self.names), self.values)):  # thousands of them after each test
            return ""
        pairs = zip(self.names, self.values, strict=True)
        name = next((name for name, value in pairs if self.look_up(name) is not value), "")
        return f"{self.place}.{getattr(name, '__name__', name)}".lstrip(".")


def seal(tests: set[str]) -> Iterator[Sealed]:
    """Yield the functions and classes that decide what the tests say.

    Args:
        tests: the names of the modules of tests.
    """
    judging = {
        name: module
        for name, module in sys.modules.items()
        if name in tests or any(name == judge or name.startswith(f"{judge}.") for judge in JUDGES)
    }
    yield Sealed("", sys.modules.get, judging)
    for name, module in [*judging.items(), ("builtins", builtins)]:
        values = {key: value for key, value in vars(module).items() if callable(value)}
        if module is builtins:
            values = {key: value for key, value in values.items() if key not in HARMLESS}
        yield Sealed(name, vars(module).get, values)
        functions = [value for value in values.values() if isinstance(value, FunctionType)]
        yield Sealed(name, attrgetter("__code__"), {function: function.__code__ for function in functions})
        for value in values.values():
            if isinstance(value, type) and value.__module__ == name != "builtins":
                parts = {key: part for key, part in vars(value).items() if isinstance(part, PARTS)}
                yield Sealed(f"{name}.{value.__name__}", vars(value).get, parts)
