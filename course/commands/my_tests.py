"""`check N --my-tests`: the learner's tests pass on the right code, and catch named faults."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.markup import escape

from course.errors import Failure
from course.lessons.faults import Fault, all_faults
from course.lessons.stages import Stage
from course.lessons.steps import LEFT_OUT
from course.messages import language, say
from course.paths import ROOT
from course.setup.environment import environment
from course.setup.programs import PYTHON

PATIENCE = 60  # seconds for the learner's tests on the right code
TIMES = 10  # on code with a fault they may take as many times as long before they count as hanging
NO_TESTS = 5  # pytest's exit status where it found none


@dataclass(frozen=True)
class Run:
    """What the learner's tests did on one copy of the code."""

    status: int | None  # pytest's exit status, None where they had to be stopped
    output: str
    seconds: float = 0.0

    @property
    def red(self) -> bool:
        """Whether they noticed something: failing and hanging both count."""
        return self.status != 0

    def tells_of(self, outcomes: str) -> bool:
        """Whether pytest came to its end and counts tests of these outcomes, a regular expression."""
        return re.search(rf"\b[1-9]\d* ({outcomes})", self.output) is not None


def grade(stage: Stage, tests: Path) -> int:
    """Run ``tests`` on the right code of ``stage`` and on each of its faults; return 0 when all are caught.

    Raises:
        Failure: there are no tests, or they are red on the right code, so that nothing can be said of faults.
    """
    if not tests.is_dir():
        raise Failure(say("grade.none", tests=_named(tests)))
    faults = [fault for fault in all_faults() if fault.stage == stage]
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        right = _run_on(stage, None, tests, Path(scratch) / "right")
        if right.status == NO_TESTS:
            raise Failure(say("grade.not_found", tests=_named(tests)))
        if right.red or not right.tells_of("passed"):
            code = _named(stage.path)
            said = say("grade.red", code=code)
            if right.status is not None and not right.tells_of("failed|error"):
                said = say("grade.unfinished", code=code, status=right.status)
            raise Failure(f"{right.output.rstrip()}\n\n{said}".lstrip())
        limit = max(PATIENCE, TIMES * right.seconds)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            runs = pool.map(lambda f: _run_on(stage, f, tests, Path(scratch) / f.name, limit), faults)
            caught = list(_show(Console(soft_wrap=True, highlight=False), faults, runs))
    return 0 if all(caught) else 1


def _show(console: Console, faults: list[Fault], runs: Iterator[Run]) -> Iterator[bool]:
    console.print(say("grade.green") + "\n")
    caught = 0
    for fault, run in zip(faults, runs, strict=True):
        mark = f"[green]{say('grade.caught')}[/]" if run.red else f"[yellow]{say('grade.past')}[/]"
        console.print(f"{mark}  {escape(fault.text[language()])}")
        caught += run.red
        yield run.red
    console.print("\n" + say("grade.sum", caught=caught, all=len(faults)))


def _run_on(stage: Stage, fault: Fault | None, tests: Path, folder: Path, limit: float = PATIENCE) -> Run:
    """Run ``tests`` on a copy of the stage with ``fault`` in it, for ``limit`` seconds at most."""
    shutil.copytree(stage.path, folder, ignore=LEFT_OUT)
    shutil.rmtree(folder / "tests", ignore_errors=True)
    shutil.copytree(tests, folder / "tests", ignore=LEFT_OUT)
    if fault:
        fault.plant(folder)
    command = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "--show-capture=no"]
    command += ["-x"] if fault else []
    env = environment(PYTHONDONTWRITEBYTECODE="1", PYTHONUTF8="1")
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,  # a test that asks somebody something waits for nobody
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        return Run(None, say("grade.slow", seconds=round(limit)))
    return Run(done.returncode, done.stdout + done.stderr, time.monotonic() - started)


def _named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
