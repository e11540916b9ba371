"""`test --quick` finds the tests that a change concerns most."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from course.commands import changed
from course.commands.changed import changed_files, quick_tests
from course.lessons.stages import find_stage
from course.paths import ROOT

SUITE = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/test_0*.py"))
THIRD = find_stage("3")


@pytest.mark.parametrize(
    ("files", "arguments"),
    [
        ([], []),
        (["README.md"], []),
        ([f"chapters/{THIRD.name}/app/run.py"], [*SUITE, f"--stages={THIRD.name}"]),
        (
            [f"chapters/{THIRD.name}/config.py", "final/run.py"],
            [*SUITE, "tests/course/test_run.py", f"--stages={THIRD.name},final"],
        ),
        (["tests/test_00_start.py"], ["tests/test_00_start.py"]),
        ([f"chapters/{THIRD.name}/app/auth.py", SUITE[3]], SUITE),
        (["course/commands/check.py"], ["tests/course/test_check.py"]),
        (["tests/course/test_walk.py"], ["tests/course/test_walk.py"]),
        (["tests/drills/test_clock.py", "tests/strength/test_faults.py"], []),
    ],
)
def test_what_a_change_concerns(files, arguments):
    """The suite on the stages that changed, a changed test on all of them, and tests of the same name."""
    assert quick_tests(files) == arguments


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")
def test_the_files_that_differ_from_the_last_commit(monkeypatch, tmp_path):
    """Those that changed, that were added and that are new; not those that git ignores."""
    monkeypatch.setattr(changed, "ROOT", tmp_path)
    assert changed_files() == []  # git knows nothing of this folder

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=mina", "-c", "user.email=mina@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "--quiet")
    for name in ("same.py", "changed.py", ".gitignore"):
        (tmp_path / name).write_text("ignored\n", encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--message=all")
    for name in ("changed.py", "added.py", "한글.py", "ignored"):
        (tmp_path / name).write_text("new\n", encoding="utf-8")
    git("add", "added.py")

    assert changed_files() == ["added.py", "changed.py", "한글.py"]
