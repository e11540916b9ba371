"""What `test --quick` runs: what the files that differ from the last commit concern most."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path, PurePosixPath

from course.lessons.stages import all_stages
from course.paths import ROOT
from course.setup.programs import decode

LONG = ("tests/drills", "tests/site", "tests/strength", "tests/stretch")


def git(*arguments: str) -> str | None:
    """Return what git says about the course's folder, None if it cannot say anything."""
    program = shutil.which("git")
    if program is None:
        return None
    done = subprocess.run([program, "--no-optional-locks", *arguments], cwd=ROOT, capture_output=True)
    return decode(done.stdout) if done.returncode == 0 else None


def changed_files() -> list[str]:
    """Return the files that differ from the last commit, from the course's folder on, new ones too."""
    changed = (
        git("diff", "--name-only", "-z", "HEAD"),
        git("ls-files", "--others", "--exclude-standard", "-z"),
    )
    return sorted({file for files in changed for file in (files or "").split("\0") if file})


def quick_tests(changed: list[str]) -> list[str]:
    """Return the arguments by which pytest runs what ``changed`` concerns most, or nothing.

    That is the suite on each stage with a changed file, a chapter's changed tests on all stages, and the
    tests with the name of another changed file: `tests/course/test_check.py` for `course/commands/check.py`.
    """
    suite = {file.relative_to(ROOT).as_posix() for file in ROOT.glob("tests/test_0*.py")}
    chosen = suite & set(changed)
    stages = [
        stage.name
        for stage in all_stages()
        if any(file.startswith(f"{stage.path.relative_to(ROOT).as_posix()}/") for file in changed)
    ]
    others = [PurePosixPath(file) for file in changed if not file.startswith("chapters/")]
    named = {file.stem.removeprefix("test_") for file in others if file.suffix == ".py"}
    tests = {
        test
        for path in Path(ROOT, "tests").glob("*/test_*.py")
        if path.stem.removeprefix("test_") in named
        and not (test := path.relative_to(ROOT).as_posix()).startswith(LONG)
    }
    if stages:
        every = [] if chosen else [f"--stages={','.join(stages)}"]
        return [*sorted(suite), *sorted(tests), *every]
    return [*sorted(chosen), *sorted(tests)]
