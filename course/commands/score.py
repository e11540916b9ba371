"""`score`: starts the program that scores the suite, tests/strength/score.py; the course imports no tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from course.errors import Failure
from course.paths import ROOT
from course.setup.environment import environment
from course.setup.programs import PYTHON


def score(stages: Sequence[str], write: bool, jobs: int, every: int) -> int:
    """Score stages, by default all chapters and `final`; return 0 if each is good enough.

    Args:
        write: put the result into docs/score.toml, which the site shows.
        jobs: how many mutants are judged at a time.
        every: judge only every Nth mutant, the same ones each time; 1 for all.

    Raises:
        Failure: this is Windows.
    """
    if sys.platform == "win32":
        raise Failure("The score is made by forking, which Windows cannot: run it on Linux or macOS.")
    command = [PYTHON, "-m", "strength.score", *stages, f"--jobs={jobs}", f"--every={every}"]
    command += ["--write"] if write else []
    return subprocess.run(command, cwd=ROOT, env=environment(PYTHONPATH=str(ROOT / "tests"))).returncode
