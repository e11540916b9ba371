"""pytest for `test`: it runs in this process, and its hooks say what became of each test.

What pytest prints goes to a file and not to a pipe: a program that a test leaves behind would keep a pipe
open, and the reader of the pipe would never come to its end.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO, cast

import pytest

from course.paths import ROOT
from course.setup.environment import environment

DURATIONS = ROOT / "tests" / "durations.json"
UNKNOWN = 0.2  # seconds for a test of a file that is not in it
PROGRESS_EVERY = 20  # seconds
MOST_RERUNS = 5  # if more tests are red, the machine is not the reason
#: A test that hangs, or ends its process, would do so again.
FAILS_AGAIN = re.compile(r"from pytest-timeout|crashed while running")
LAST_RESORT = 360  # seconds; longer than any test's own timeout

#: A test that takes longer than its timeout fails and shows where it was (pytest-timeout). If not even
#: that ends it, its process ends: all stacks are printed, and another process goes on with the other tests.
OPTIONS = [
    *("-q", "--numprocesses=auto"),
    *("-o", f"faulthandler_timeout={LAST_RESORT}", "-o", "faulthandler_exit_on_timeout=true"),
]


@dataclass
class Results:
    """A plugin of pytest that keeps what became of each test."""

    tell: Callable[[str], None]
    outcomes: dict[str, str] = field(default_factory=dict)  # for each test: passed, failed or skipped
    reasons: dict[str, str] = field(default_factory=dict)  # why it failed or was skipped
    at_first: dict[str, str] = field(default_factory=dict)  # why the tests that are run again had failed
    seconds: dict[str, float] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)  # which of pytest's arguments name tests
    status: int = 0  # pytest's exit status

    def pytest_configure(self, config: pytest.Config) -> None:
        """Keep what pytest reads from its arguments."""
        self.files = config.option.file_or_dir

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in the report of a test, of its set-up or of its clean-up."""
        test = report.nodeid
        self.seconds[test] = self.seconds.get(test, 0) + report.duration
        if report.failed:
            self._fail(report)
        elif report.skipped:
            self.outcomes[test] = "skipped"
            self.reasons[test] = _reason(report)
        elif report.when == "call":
            self.outcomes.setdefault(test, "passed")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count a file that cannot be collected as a test that failed; a file may be skipped, too."""
        if report.failed and report.nodeid not in self.outcomes:  # each process reports it
            self._fail(report)
        elif report.skipped:
            self.outcomes[report.nodeid] = "skipped"
            self.reasons[report.nodeid] = _reason(report)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Print no letter for each test that passed."""
        return ("passed", "", "") if report.passed and report.when == "call" else None

    def _fail(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        self.outcomes[report.nodeid] = "failed"
        self.reasons.setdefault(report.nodeid, _reason(report))
        self.tell(f"  FAILED {report.nodeid}")

    def only(self, outcome: str) -> dict[str, str]:
        """Return the tests with this outcome, and the reason of each."""
        return {test: self.reasons.get(test, "") for test, was in self.outcomes.items() if was == outcome}

    def run_again(self) -> list[str]:
        """Return the tests that a busy machine may have failed, none if they are many; they count anew."""
        failed = self.only("failed")
        if len(failed) > MOST_RERUNS:
            return []
        self.at_first = {
            test: why for test, why in failed.items() if "::" in test and not FAILS_AGAIN.search(why)
        }
        for test in self.at_first:
            self.tell(f"  run again: {test}")
            del self.outcomes[test], self.reasons[test]
        return list(self.at_first)

    def rerun(self) -> dict[str, str]:
        """Return the tests that failed at first and then passed, and why they had failed."""
        return {test: why for test, why in self.at_first.items() if self.outcomes.get(test) == "passed"}


def _reason(report: Any) -> str:
    """Return what went wrong, or why a test was skipped, in one line."""
    if isinstance(report.longrepr, tuple):  # of a test that was skipped
        text = report.longrepr[2].removeprefix("Skipped: ")
    else:
        crash = getattr(report.longrepr, "reprcrash", None)
        text = crash.message if crash else str(report.longrepr)
    return " ".join(text.split())[:200] or "no reason given"


class Progress:
    """A plugin of pytest that says how much of the work is done, by what each test took in an earlier run."""

    def __init__(self, tell: Callable[[str], None], durations: Mapping[str, Mapping[str, float]]) -> None:
        self.tell, self.durations = tell, durations
        self.processes = 0
        self.left: dict[str, float] = {}  # seconds of each test that has not finished yet
        self.total = 0.0
        self.began = self.told = time.monotonic()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Expect the tests that one of several processes has collected: each collects them all."""
        self._expect(ids)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Expect the tests that this process has collected."""
        self._expect([item.nodeid for item in session.items])

    def _expect(self, tests: Iterable[str]) -> None:
        self.processes += 1
        if not self.left:
            self.left = {test: self._seconds_of(test) for test in tests}
            self.total = sum(self.left.values())
            self.began = time.monotonic()

    def _seconds_of(self, test: str) -> float:
        return self.durations.get(test.partition("::")[0], {}).get("mean", UNKNOWN)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Count a test as done."""
        self.left.pop(nodeid, None)
        now = time.monotonic()
        if now - self.told >= PROGRESS_EVERY and self.total:
            self.told = now
            self.tell(f"  {self.describe(now - self.began)}")

    def describe(self, elapsed: float) -> str:
        """Return how far the tests are, ``elapsed`` seconds after the first of them began."""
        left = sum(self.left.values())
        # Seconds of work done per second: the number of processes, until enough tests give a better figure.
        speed = (self.total - left + 30 * self.processes) / (elapsed + 30)
        minutes, seconds = divmod(round(left / speed, -1), 60)
        return f"{100 * (1 - left / self.total):.0f} %, about {minutes:.0f} min {seconds:.0f} s to go"


def run_pytest(arguments: Sequence[str], log: Path) -> Results:
    """Run pytest with ``arguments`` besides `OPTIONS` and return what became of each test.

    Args:
        log: the file that gets what pytest and the tests print.
    """
    # xdist sends its processes the folder of the packages in UTF-8, and they read it as their code page says.
    ours = environment(PYTHONIOENCODING="utf-8")
    os.environ.clear()
    os.environ.update(ours)
    # Without this each process of a test compiles Flask and the tests afresh: half of all the time.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    with _printing_to(log) as terminal:
        tell = lambda text: print(text, file=terminal, flush=True)  # noqa: E731
        results = Results(tell)
        results.status = pytest.main([*OPTIONS, *arguments], [results, Progress(tell, read_durations())])
        if results.status == pytest.ExitCode.TESTS_FAILED and (again := results.run_again()):
            others = [argument for argument in arguments if argument not in results.files]
            status = pytest.main([*OPTIONS, *others, "--numprocesses=1", *again], [results])
            results.status = status or int(bool(results.only("failed")))
    if results.status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    return results


@contextmanager
def _printing_to(log: Path) -> Iterator[TextIO]:
    """Let this process and what it starts print into ``log``, in UTF-8; yield where it has printed so far."""
    kept = [os.dup(1), os.dup(2)]
    encoding = sys.stdout.encoding
    _print_as("utf-8")
    with log.open("wb") as file, os.fdopen(os.dup(1), "w", encoding=encoding, errors="replace") as terminal:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield terminal
        finally:
            _print_as(encoding)
            for number, copy in enumerate(kept, start=1):
                os.dup2(copy, number)
                os.close(copy)


def _print_as(encoding: str) -> None:
    for stream in (sys.stdout, sys.stderr):
        cast(TextIOWrapper, stream).reconfigure(encoding=encoding, errors=stream.errors)  # flushes it, too


def read_durations() -> dict[str, dict[str, float]]:
    """Return, of each file of tests, the seconds of a test: "mean" and "longest"."""
    if not DURATIONS.is_file():
        return {}
    durations: dict[str, dict[str, float]] = json.loads(DURATIONS.read_text(encoding="utf-8"))
    return durations


def write_durations(seconds: Mapping[str, float]) -> None:
    """Keep how long each test took, by which `Progress` counts and the tests are put in order."""
    files: dict[str, list[float]] = {}
    for test, taken in sorted(seconds.items()):
        files.setdefault(test.partition("::")[0], []).append(taken)
    rows = [
        f' "{file}": {{"mean": {sum(taken) / len(taken):.2f}, "longest": {max(taken):.1f}}}'
        for file, taken in files.items()
    ]
    DURATIONS.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")
