"""`check` says in words which behaviours a folder has and what the first missing one expected."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from course import check as module
from course.check import check
from course.failures import Failure
from course.stages import find_stage

ROOT = Path(__file__).resolve().parents[2]
STAGE = find_stage("1")


def checked(folder: Path) -> tuple[int, list[str]]:
    """Check ``folder`` in a process of its own, as the command does."""
    code = "import sys; from course.check import check; sys.exit(check(sys.argv[1], False))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
    )
    return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.fixture
def folder(tmp_path):
    """The finished chapter 1 as a learner's own, in a folder with a space and Korean in its path."""
    own = tmp_path / "내 작업" / STAGE.name
    shutil.copytree(STAGE.path, own, ignore=shutil.ignore_patterns("__pycache__", "instance"))
    return own


def test_a_finished_chapter_has_every_behaviour(folder):
    status, lines = checked(folder)

    assert status == 0, lines
    assert lines[-1].startswith(f"{len(lines) - 2} of {len(lines) - 2} behaviours")
    assert {line.split("  ")[0] for line in lines[:-2]} == {"passed"}


def test_the_first_missing_behaviour_is_explained(folder):
    """A list, then one sentence of what was expected and what came; no traceback."""
    for file in (folder / "app").glob("*.py"):
        file.write_text(file.read_text("utf-8").replace("409", "400"), "utf-8")

    status, lines = checked(folder)

    assert status == 1
    assert any(line.startswith("to do") for line in lines) and any(
        line.startswith("passed") for line in lines
    )
    assert "POST /v1/accounts: expected 409, got 400: " in "\n".join(lines)
    assert not any("Traceback" in line or line.startswith(("E ", ">")) for line in lines)


def test_code_that_does_not_start_is_to_do_not_a_crash(folder):
    (folder / "app" / "__init__.py").write_text("import nosuch\n", "utf-8")

    status, lines = checked(folder)

    assert status == 1
    assert {line.split("  ")[0] for line in lines if "  " in line} == {"to do"}
    assert "ModuleNotFoundError: No module named 'nosuch'" in "\n".join(lines)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [("1", "There is nothing of yours to check yet: copy the folder"), ("99", "There is no stage '99'")],
)
def test_nothing_to_check_is_one_sentence(tmp_path, monkeypatch, key, sentence):
    monkeypatch.setattr(module, "WORKSPACE", tmp_path)

    with pytest.raises(Failure, match=sentence):
        check(key, full=False)
