"""`test`: what must hold before a change is published, in three sizes, and one closing line."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from course.commands.changed import changed_files, git, quick_tests
from course.commands.suite import Results, run_pytest, write_durations
from course.paths import ROOT
from course.setup.environment import environment
from course.setup.programs import PYTHON, decode

MOST_NAMED = 8  # how many failed tests are named again at the end: some logs keep only that
MOST_SLOW = 10

#: Programs that judge the files without running them.
STEPS = {
    "lint": ["-m", "ruff", "check"],
    "format": ["-m", "ruff", "format", "--check"],
    "imports": ["-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"],
    "types": ["-m", "mypy"],
}
ALL = "python3 -m course test --all"
LEFT_OUT = {
    "default": f"not run: the drills, and slow tests of what has not changed: {ALL}",
    "quick": "not run: all but what the changed files concern most: python3 -m course test",
    "chosen": "not run: all tests but those that were chosen",
}


@dataclass
class Tally:
    """How many checks passed, failed and were skipped, and what the closing lines say about them."""

    passed: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # what failed, and why
    skipped: Counter[str] = field(default_factory=Counter)  # reasons
    rerun: dict[str, str] = field(
        default_factory=dict
    )  # what failed at first and passed when run again, and why it had failed

    def add(self, name: str, passed: bool, why: str = "") -> None:
        """Count one check."""
        if passed:
            self.passed += 1
        else:
            self.failed[name] = why

    def add_tests(self, results: Results) -> None:
        """Count all tests; if pytest itself failed and no test did, that is one failure."""
        self.passed += len(results.only("passed"))
        self.failed |= results.only("failed")
        self.skipped.update(results.only("skipped").values())
        self.rerun |= results.rerun()
        if results.status and not results.only("failed"):
            self.failed["pytest"] = f"exit status {int(results.status)}"

    def closing_lines(self, left_out: str) -> list[str]:
        """Return what was skipped, left out, red at first and red, and last the three numbers."""
        return [
            *(f"skipped {number}: {reason}" for reason, number in sorted(self.skipped.items())),
            *([left_out] if left_out else []),
            *(f"red at first, green when run again: {name}: {why}" for name, why in self.rerun.items()),
            *(
                f"failed: {name}: {why}".removesuffix(": ")
                for name, why in list(self.failed.items())[:MOST_NAMED]
            ),
            f"{self.passed} passed, {len(self.failed)} failed, {self.skipped.total()} skipped",
        ]


def test(
    pytest_arguments: Sequence[str], *, everything: bool = False, quick: bool = False, record: bool = False
) -> int:
    """Run every check, all of them even if one fails; return the exit status.

    Args:
        everything: also what the other sizes leave out.
        quick: only the tests that the files that differ from the last commit concern most.
        record: keep how long each test took, for the progress and the order of later runs.
    """
    tally, before = Tally(), git("status", "--porcelain")
    judge_files(tally)
    chosen, left_out = choose(pytest_arguments, everything, quick)
    seconds: dict[str, float] = {}
    if chosen is None:
        print("tests   none: no test is concerned by what differs from the last commit", flush=True)
    else:
        seconds = run_tests(tally, chosen)
    if before is None:
        tally.skipped["that the tests leave the folder as it was: git is not here"] += 1
    else:
        after = git("status", "--porcelain")
        tally.add("the folder is as it was", after == before, "the tests changed it")
        if after != before:
            print(f"The checks changed the folder; git status before:\n{before}\nand after:\n{after}")
    if record:
        write_durations(seconds)
    print("\n".join(tally.closing_lines(left_out)), flush=True)
    return 1 if tally.failed else 0


def judge_files(tally: Tally) -> None:
    """Run `STEPS`, side by side, and print how each went."""
    started = time.monotonic()
    processes = {
        name: subprocess.Popen(
            [PYTHON, *command], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for name, command in STEPS.items()
    }
    for name, process in processes.items():
        output, _ = process.communicate()
        passed = process.returncode == 0
        print(f"{name:<8}{_verdict(passed, started)}", flush=True)
        if not passed:
            sys.stdout.write(decode(output).strip() + "\n\n")
        tally.add(name, passed)


def choose(pytest_arguments: Sequence[str], everything: bool, quick: bool) -> tuple[list[str] | None, str]:
    """Return the arguments for pytest, None if no test is to run, and the line about what they leave out."""
    arguments = list(pytest_arguments)
    if any(Path(ROOT, argument.partition("::")[0]).exists() for argument in arguments):
        return arguments, LEFT_OUT["chosen"]
    if quick:
        tests = quick_tests(changed_files())
        return ([*tests, *arguments] if tests else None), LEFT_OUT["quick"]
    if everything:
        return arguments, ""
    return ["--ignore=tests/drills", "-m", "not unaffected", *arguments], LEFT_OUT["default"]


def run_tests(tally: Tally, arguments: Sequence[str]) -> dict[str, float]:
    """Run the tests and print how they went: what pytest said if one failed, and the slowest.

    Returns:
        The seconds that each test took.
    """
    print("tests", flush=True)
    started = time.monotonic()
    with TemporaryDirectory() as scratch:
        log = Path(scratch, "pytest.log")
        results = run_pytest(arguments, log)
        if results.status:
            print(decode(log.read_bytes()).strip() + "\n", flush=True)
    tally.add_tests(results)
    for name, seconds in sorted(results.seconds.items(), key=lambda item: -item[1])[:MOST_SLOW]:
        print(f"  {seconds:5.1f} s  {name}")
    print(f"tests   {_verdict(not results.status, started)}", flush=True)
    return results.seconds


def _verdict(passed: bool, started: float) -> str:
    return f"{'passed' if passed else 'FAILED'} in {time.monotonic() - started:.1f} s"
