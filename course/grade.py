"""`check N --my-tests`: the learner's tests pass on the right code, and catch named faults."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.markup import escape

from course.bootstrap import environment
from course.failures import ROOT, Failure
from course.faults import Fault, all_faults
from course.programs import PYTHON
from course.stages import Stage
from course.steps import LEFT_BEHIND

PATIENCE = 60  # seconds for one run of the learner's tests
NO_TESTS = 5  # pytest's exit status where it found none


@dataclass(frozen=True)
class Run:
    """What the learner's tests did on one copy of the code."""

    status: int | None  # pytest's exit status, None where they had to be stopped
    output: str

    @property
    def red(self) -> bool:
        """Whether they noticed something: failing and hanging both count."""
        return self.status != 0


def grade(stage: Stage, tests: Path) -> int:
    """Run ``tests`` on the right code of ``stage`` and on each of its faults; return 0 when all are caught.

    Raises:
        Failure: there are no tests, or they are red on the right code, so that nothing can be said of faults.
    """
    if not tests.is_dir():
        raise Failure(f"There are no tests to grade: write them into {_named(tests)} and check again.")
    faults = [fault for fault in all_faults() if fault.stage == stage]
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        right = _run_on(stage, None, tests, Path(scratch) / "right")
        if right.status == NO_TESTS:
            raise Failure(f"pytest finds no test in {_named(tests)}: name the files test_*.py.")
        if right.red:
            raise Failure(
                f"{right.output.rstrip()}\n\nYour tests are red on the right code, {_named(stage.path)}: "
                "make them green there first, then they can be held against faults."
            )
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            runs = pool.map(lambda f: _run_on(stage, f, tests, Path(scratch) / f.name), faults)
            caught = list(_show(Console(soft_wrap=True, highlight=False), faults, runs))
    return 0 if all(caught) else 1


def _show(console: Console, faults: list[Fault], runs: Iterator[Run]) -> Iterator[bool]:
    lang = "ko" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("ko") else "en"
    console.print("Green on the right code. On code with a fault in it:\n")
    caught = 0
    for fault, run in zip(faults, runs, strict=True):
        mark = "[green]caught  [/]" if run.red else "[yellow]got past[/]"
        console.print(f"{mark}  {escape(fault.text[lang])}")
        caught += run.red
        yield run.red
    console.print(f"\n{caught} of {len(faults)} faults are caught by your tests.")


def _run_on(stage: Stage, fault: Fault | None, tests: Path, folder: Path) -> Run:
    """Run ``tests`` on a copy of the stage with ``fault`` in it."""
    shutil.copytree(stage.path, folder, ignore=LEFT_BEHIND)
    shutil.rmtree(folder / "tests", ignore_errors=True)
    shutil.copytree(tests, folder / "tests", ignore=LEFT_BEHIND)
    if fault:
        fault.plant(folder)
    command = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "--show-capture=no"]
    command += ["-x"] if fault else []
    env = environment(PYTHONDONTWRITEBYTECODE="1", PYTHONUTF8="1")
    try:
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8", timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return Run(None, f"Your tests did not end within {PATIENCE} seconds.")
    return Run(done.returncode, done.stdout + done.stderr)


def _named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
