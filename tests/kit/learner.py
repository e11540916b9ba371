"""A learner at the terminal: runs the course's commands in a process, with its own workspace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from course.lessons.stages import Stage, ignore_generated

ROOT = Path(__file__).resolve().parents[2]

#: The command line without the installation before it, and with another workspace.
COMMAND = """
import sys
from pathlib import Path
from course import paths
paths.WORKSPACE = Path(sys.argv[1])
from course.cli import run_command_line
from course.errors import Failure
from course.judging import runner
runner.judge.__kwdefaults__["limit"] = float(sys.argv[2])
for stream in (sys.stdout, sys.stderr):
    stream.reconfigure(errors="replace")
try:
    sys.exit(run_command_line(sys.argv[3:]))
except Failure as failure:
    sys.exit(str(failure))
"""


class Learner:
    """A learner with a workspace of their own."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace

    def start(
        self, *arguments: str, python: tuple[str, ...] = (), limit: float = 60, **variables: str
    ) -> subprocess.Popen[bytes]:
        """Start a command; ``limit`` is the time for one test in seconds, ample for a busy machine."""
        inherited = {name: os.environ[name] for name in os.environ.keys() - {"LC_ALL", "LC_MESSAGES"}}
        command = [sys.executable, *python, "-c", COMMAND, str(self.workspace), str(limit), *arguments]
        env = inherited | {"LANG": "en_US.UTF-8", "PYTHONIOENCODING": "utf-8", "COLUMNS": "300"} | variables
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *arguments: str, **options: object) -> tuple[int, str]:
        """Run a command; return its exit status and its output."""
        process = self.start(*arguments, **options)  # type: ignore[arg-type]
        output, _ = process.communicate(timeout=110)
        encoding = str(options.get("PYTHONIOENCODING", "utf-8"))
        return process.returncode, output.decode(encoding).replace("\r\n", "\n")

    def has(self, stage: Stage) -> Path:
        """Give the learner the finished files of a chapter, and return their folder."""
        own = self.workspace / stage.name
        shutil.copytree(stage.path, own, ignore=ignore_generated)
        return own
