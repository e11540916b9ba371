"""`test`: everything that must hold before a change is published, and one closing line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from course.commands.run_tests import run_tests
from course.paths import ROOT
from course.setup.environment import environment
from course.setup.programs import PYTHON, decode

SOME_FAILED = 1  # what pytest says when all tests ran, and not all passed
#: So many tests that are red beside others are run again without them, and so often.
FEW, TIMES_ALONE = 5, 3
MOST_TOLD = 8  # tests that failed are named once more at the end, this many of them: some logs keep only that


@dataclass
class Tally:
    """How many checks passed, failed and were skipped; what failed, and why others were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    red: dict[str, str] = field(default_factory=dict)  # of the tests that failed, what was wrong
    unsteady: dict[str, str] = field(default_factory=dict)  # of those that passed alone, what was at first

    def add(self, passed: bool) -> None:
        """Count one check."""
        self.passed += passed
        self.failed += not passed

    def forgive(self, test: str) -> None:
        """Count a test that failed as one that passed, and remember that it is unsteady."""
        self.unsteady[test] = self.red.pop(test)
        self.failed -= 1
        self.passed += 1

    def skip(self, reason: str) -> None:
        """Count one check that was not made."""
        self.skipped += 1
        self.reasons[reason] += 1

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def check_all(pytest_arguments: Sequence[str]) -> int:
    """Run every check, all of them even if one fails; return the exit status."""
    tally = Tally()
    before = _tree()
    with TemporaryDirectory() as scratch:
        report, site = Path(scratch, "tests.xml"), Path(scratch, "site")
        tally.add(_step("lint", ["ruff", "check"]))
        tally.add(_step("format", ["ruff", "format", "--check"]))
        tally.add(_step("types", ["mypy"]))
        print("tests", flush=True)
        started = time.monotonic()
        ran = run_tests(Path(scratch, "tests.log"), [f"--junitxml={report}", *pytest_arguments])
        count_tests(tally, report, ran.content)
        if ran.status == SOME_FAILED and len(ran.failed) == len(tally.red) <= FEW:
            run_alone(tally, ran.failed, Path(scratch))
        passed = ran.content or (bool(tally.unsteady) and not tally.red)
        print(f"tests   {_verdict(passed, started)}", flush=True)
        if pytest_arguments:  # otherwise tests/site has built it, as strictly, and looked at all of it
            # Not --quiet: with it mkdocs forgets the warnings that --strict should fail on.
            tally.add(_step("site", ["mkdocs", "build", "--strict", "--site-dir", str(site)]))
    if before is None:
        tally.skip("that the tests leave the folder as it was: git is not here")
    else:
        after = _tree()
        tally.add(after == before)
        if after != before:
            print(f"The checks changed the folder; git status before:\n{before}\nand after:\n{after}")
    for reason, number in sorted(tally.reasons.items()):
        print(f"skipped {number}: {reason}")
    for test, wrong in tally.unsteady.items():
        print(f"red beside other tests, green alone: {test}: {wrong}")
    for test, wrong in list(tally.red.items())[:MOST_TOLD]:
        print(f"failed: {test}: {wrong}")
    print(tally, flush=True)
    return 1 if tally.failed else 0


def count_tests(tally: Tally, report: Path, ran: bool) -> None:
    """Add pytest's own numbers, from its JUnit report, to ``tally``; an error is a failure.

    Args:
        ran: whether pytest itself was content. Where it was not and the report shows nothing wrong (it found
            no test, it crashed), that is one failure.
    """
    failed = tally.failed
    cases = ElementTree.parse(report).iter("testcase") if report.is_file() else []  # noqa: S314 - our own file
    for case in cases:
        skipped = case.find("skipped")
        wrong = [*case.iter("failure"), *case.iter("error")]
        if wrong:
            tally.add(False)
            tally.red[_name(case)] = " ".join(wrong[0].get("message", "").split())[:200]
        elif skipped is not None:
            tally.skip(skipped.get("message") or "no reason given")
        else:
            tally.add(True)
    if not ran and tally.failed == failed:
        tally.add(False)


def run_alone(tally: Tally, tests: Sequence[str], scratch: Path) -> None:
    """Run ``tests``, which failed beside others, one after the other and several times.

    A machine that does too much at once turns a test red that waits for something. What is green each time is
    no failure, and is told all the same: a test that depends on what else runs should be made steadier.
    """
    green = set(tally.red)
    for time_ in range(TIMES_ALONE):
        print(f"  once more, alone ({time_ + 1} of {TIMES_ALONE}): {', '.join(tests)}", flush=True)
        report = scratch / f"alone-{time_}.xml"
        run_tests(scratch / "alone.log", ["-n1", f"--junitxml={report}", *tests], tell=lambda text: None)
        cases = [] if not report.is_file() else ElementTree.parse(report).iter("testcase")  # noqa: S314
        green &= {_name(case) for case in cases if not list(case)}  # neither failed nor skipped
    for test in green:
        tally.forgive(test)


def _name(case: ElementTree.Element) -> str:
    return "::".join(filter(None, [case.get("classname"), case.get("name")]))


def _step(name: str, command: Sequence[str]) -> bool:
    print(f"{name:<8}", end="", flush=True)
    started = time.monotonic()
    done = subprocess.run(
        [PYTHON, "-m", *command],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    passed = done.returncode == 0
    print(_verdict(passed, started), flush=True)
    if not passed:
        sys.stdout.write(decode(done.stdout).strip() + "\n\n")
    return passed


def _verdict(passed: bool, started: float) -> str:
    return f"{'passed' if passed else 'FAILED'} in {time.monotonic() - started:.1f} s"


def _tree() -> str | None:
    """Return what git sees as changed, None where it cannot say."""
    git = shutil.which("git")
    if git is None:
        return None
    env = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    status = subprocess.run([git, "status", "--porcelain"], cwd=ROOT, env=env, capture_output=True)
    return decode(status.stdout) if status.returncode == 0 else None
