"""`check --my-tests`: grades the learner's tests: they must pass on right code and catch named faults."""

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

from course.commands.display import plain_console
from course.errors import Failure
from course.judging.isolation import WITHOUT_PLUGINS, judged_environment
from course.judging.submissions import find_submission
from course.lessons.faults import Fault, all_faults
from course.lessons.own_files import copy_own_files, own_files
from course.lessons.stages import Stage
from course.messages import language, say
from course.paths import ROOT, display_path
from course.setup.programs import PYTHON

LIMIT = 120  # seconds for the learner's tests on the right code
SLOWDOWN = 10  # with a fault, tests that take more than this many times as long count as hanging
NO_TESTS = 5  # pytest's exit status when it found no test
GUARD = ROOT / "tests" / "kit" / "guard.py"
#: A plugin of pytest that keeps the learner's tests, and programs that they start, from other databases.
PLUGIN = """
from pathlib import Path
from course_guard import guard, guard_programs

def pytest_configure(config):
    guard(Path({folder!r}), only=True)
    guard_programs(Path({folder!r}))
"""
OF_PYTEST = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")
SETTINGS = (*OF_PYTEST, "pyproject.toml", "tox.ini", "setup.cfg")  # what pytest looks at, in this order


@dataclass(frozen=True)
class Outcome:
    """What the learner's tests did on one copy of the code."""

    status: int | None  # pytest's exit status, None if it was stopped
    output: str
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether the tests failed; hanging counts as failing."""
        return self.status != 0

    def counts(self, outcomes: str) -> bool:
        """Whether pytest's summary counts tests with these outcomes, a regular expression."""
        return re.search(rf"\b[1-9]\d* ({outcomes})", self.output) is not None


def check_my_tests(key: str, chapter: str | None = None) -> int:
    """Grade the tests in the learner's folder; return 0 if they catch every fault."""
    stage, folder = find_submission(key, chapter)
    return grade(stage, folder)


def grade(stage: Stage, own: Path) -> int:
    """Run the tests of the folder ``own`` on the right code of ``stage`` and on each of its faults.

    Returns:
        0 if they catch all faults.

    Raises:
        Failure: there are no tests, or they fail on the right code, so that they cannot be graded.
    """
    tests = own / "tests"
    if not any("test" in name and name.endswith(".py") for name in own_files(own)):
        raise Failure(say("grade.none", tests=display_path(tests)))
    faults = [fault for fault in all_faults() if fault.stage == stage]
    with TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        scratch = Path(temporary).resolve()
        shutil.copy(GUARD, scratch / "course_guard.py")
        plugin = PLUGIN.format(folder=str(scratch))
        (scratch / "course_guard_plugin.py").write_text(plugin, encoding="utf-8")
        right = _run_on(stage, None, own, scratch / "right")
        if right.status == NO_TESTS:
            raise Failure(say("grade.not_found", tests=display_path(tests)))
        if right.failed or not right.counts("passed"):
            code = display_path(stage.path)
            message = say("grade.red", code=code)
            if right.status is not None and not right.counts("failed|error"):
                message = say("grade.unfinished", code=code, status=right.status)
            raise Failure(f"{right.output.rstrip()}\n\n{message}".lstrip())
        limit = max(LIMIT, SLOWDOWN * right.seconds)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            outcomes = pool.map(lambda f: _run_on(stage, f, own, scratch / f.name, limit), faults)
            caught = list(_show(plain_console(), faults, outcomes))
    return 0 if all(caught) else 1


def _show(console: Console, faults: list[Fault], outcomes: Iterator[Outcome]) -> Iterator[bool]:
    console.print(say("grade.green") + "\n")
    caught = 0
    for fault, outcome in zip(faults, outcomes, strict=True):
        mark = f"[green]{say('grade.caught')}[/]" if outcome.failed else f"[yellow]{say('grade.past')}[/]"
        console.print(f"{mark}  {escape(fault.text[language()])}")
        caught += outcome.failed
        yield outcome.failed
    console.print("\n" + say("grade.sum", caught=caught, all=len(faults)))


def _run_on(stage: Stage, fault: Fault | None, own: Path, folder: Path, limit: float = LIMIT) -> Outcome:
    """Run the tests of ``own`` on a copy of the stage with ``fault`` in it, for ``limit`` seconds at most."""
    _put_together(stage, own, folder)
    if fault:
        fault.plant(folder)
    command = [PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "--show-capture=no"]
    command += ["-p", "course_guard_plugin", f"--basetemp={folder}.tmp"] + (["-x"] if fault else [])
    command += WITHOUT_PLUGINS
    home = folder.with_suffix(".home")
    home.mkdir()
    env = judged_environment(str(home)) | {"PYTHONPATH": str(folder.parent), "PYTHONUTF8": "1"}
    env |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(home))
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,  # a test that asks for input gets an error at once
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        return Outcome(None, say("grade.slow", seconds=round(limit)))
    return Outcome(done.returncode, done.stdout + done.stderr, time.monotonic() - started)


def _put_together(stage: Stage, own: Path, folder: Path) -> None:
    """Copy the right code of ``stage``, and everything of ``own`` but the code: tests and what they need."""
    code = {path.name for path in stage.path.iterdir()} - {"tests", *SETTINGS}
    copy_own_files(stage.path, folder, but=("steps", "tests", *SETTINGS))
    for name, path in own_files(own).items():
        if name.partition("/")[0] not in code:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / name)
    if not any(map(_configures_pytest, folder.iterdir())):
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")  # so that none above it counts


def _configures_pytest(file: Path) -> bool:
    """Return whether a file has settings of pytest."""
    if file.name in OF_PYTEST:
        return True
    sections = r"^\[(tool[.:])?pytest\b"
    return file.name in SETTINGS and bool(re.search(sections, file.read_text(encoding="utf-8"), re.M))
