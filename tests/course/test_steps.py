"""Chapter 6's steps are real: each can be built, the tests are red before the real code, green after it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from course.lessons.stages import find_stage
from course.lessons.steps import STEPS, build_step

CHAPTER = find_stage("6")
SPEC = CHAPTER.path / "spec.md"


def run_tests(folder: Path) -> str:
    """Run the chapter's own tests in ``folder`` and return pytest's last line."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "--no-header"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=100)
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(("step", "red"), [(2, True), (3, True), (4, False), (5, False)])
def test_red_then_green(step: int, red: bool, tmp_path: Path) -> None:
    build_step(CHAPTER, step, tmp_path / "step")

    summary = run_tests(tmp_path / "step")

    assert "passed" in summary
    assert ("failed" in summary) is red, summary


@pytest.mark.parametrize("step", STEPS)
def test_a_step_can_be_built(step: int, tmp_path: Path) -> None:
    build_step(CHAPTER, step, tmp_path / "step")

    built = {path.relative_to(tmp_path / "step").as_posix() for path in (tmp_path / "step").rglob("*.*")}
    assert {"run.py", "config.py", "app/v2.py", "spec.md"} <= built
    assert ("tests/base.py" in built) == (step >= 2)
    assert "steps/4_real.patch" not in built


def test_the_refactoring_leaves_the_tests_alone(tmp_path: Path) -> None:
    for step in (4, 5):
        build_step(CHAPTER, step, tmp_path / str(step))

    for test in (CHAPTER.path / "tests").glob("*.py"):
        assert (tmp_path / "4" / "tests" / test.name).read_bytes() == test.read_bytes()
        assert (tmp_path / "5" / "tests" / test.name).read_bytes() == test.read_bytes()


@pytest.mark.parametrize("style", ["unittest", "pytest"])
def test_every_row_of_the_specification_has_a_test(style: str) -> None:
    rows = set(re.findall(r"^\| ([LP]\d) \|", SPEC.read_text(encoding="utf-8"), re.M))
    source = (CHAPTER.path / "tests" / f"test_with_{style}.py").read_text(encoding="utf-8")

    assert rows
    assert set(re.findall(r'"""([LP]\d)"""', source)) == rows
