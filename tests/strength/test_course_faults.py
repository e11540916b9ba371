"""The tests of the course bite: each fault, planted in a copy of it, turns the test that it names red.

These faults are in tests/strength/faults/course/. Their heads are as in course/lessons/faults.py; their files
are named as seen from the folder of the course.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from kit.changed import unless_changed

from course.lessons.faults import FAULTS
from course.lessons.patches import apply_patch, read_patch
from course.paths import ROOT, VENV

PATCHES = sorted((FAULTS / "course").glob("*.patch"))
NOT_NEEDED = {".git", ".course", ".venv", "docs", "workspace", "__pycache__", "site", "drills"}
WINDOWS = "a link to .venv needs rights there, and the tests are as good there as elsewhere"
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason=WINDOWS)


def cases() -> list[Any]:
    return [
        pytest.param(file, id=f"course-{file.stem}", marks=unless_changed(("tests/kit/",), concerns(file)))
        for file in PATCHES
    ]


def concerns(file: Path) -> tuple[str, ...]:
    """Return the ends of the paths that a fault concerns: its patch, its test, the code that it changes."""
    head, patch = read_patch(file)
    changed = [line.split()[-1] for line in patch.splitlines() if line.startswith("diff -u ")]
    return (f"/{file.name}", head["caught by"].partition("::")[0], *changed)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the course, with the same `.venv`."""
    folder = tmp_path / "course"
    shutil.copytree(ROOT, folder, ignore=lambda _, names: NOT_NEEDED & set(names))
    (folder / ".venv").symlink_to(VENV.resolve())
    return folder


def run(copy: Path, tests: Iterable[str]) -> tuple[int, str]:
    """Run tests of a copy; return the exit status of pytest and its output."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=line", "-p", "no:cacheprovider"]
    command += [f"tests/{test}" for test in tests]
    env = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, encoding="utf-8", timeout=240)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("patch", cases())
def test_a_fault_of_the_course_is_caught(patch: Path, copy: Path) -> None:
    """The test that it names fails, and says so after it has begun."""
    head, change = read_patch(patch)
    apply_patch(change, copy)

    status, output = run(copy, [head["caught by"]])

    if status == 0 and " skipped" in output and " passed" not in output:
        pytest.skip(f"{head['caught by']} is skipped on this machine")
    assert status == 1, f"{head['caught by']} stays green, or does not run\n{output}"
    assert " failed" in output or " passed" in output, output  # an error before it has nothing to say


@pytest.mark.unaffected
def test_without_a_fault_the_tests_are_green(copy: Path) -> None:
    """In a copy as in the course itself: what turns them red is the fault. One test of each file shows it."""
    tests = [read_patch(file)[0]["caught by"] for file in PATCHES]
    status, output = run(copy, {test.partition("::")[0]: test for test in tests}.values())

    assert status == 0, output


def test_each_fault_is_told_in_both_languages() -> None:
    """A fault says what is wrong, in an English and in a Korean sentence."""
    assert len(PATCHES) >= 20
    for file in PATCHES:
        head, _ = read_patch(file)
        assert head["en"].endswith("."), file.name
        assert head["ko"].endswith("다."), file.name
