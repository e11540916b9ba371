"""A learner at the terminal: runs the course's commands with a workspace of their own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from course import messages, paths
from course.cli import run_command_line
from course.errors import Failure
from course.judging import runner
from course.lessons.own_files import copy_own_files
from course.lessons.stages import Stage

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

    def run(self, *arguments: str, limit: float = 60) -> tuple[int, str]:
        """Run a command in this process; return its exit status and its output.

        A process of its own costs a second, and another for the process that its workers are forked from.

        Args:
            limit: the time for one test in seconds, ample for a busy machine.
        """
        output = io.StringIO()
        with self._at_the_terminal(limit), redirect_stdout(output), redirect_stderr(output):
            try:
                status = run_command_line(list(arguments))
            except Failure as failure:
                output.write(f"{failure}\n")
                status = 1
        return status, output.getvalue()

    @contextmanager
    def _at_the_terminal(self, limit: float) -> Iterator[None]:
        """Let this process be the learner's: their workspace, an English terminal without input."""
        options: dict[str, object] = runner.judge.__kwdefaults__  # type: ignore[assignment]
        english = {"LANG": "en_US.UTF-8", "LC_ALL": "", "LC_MESSAGES": "", "COLUMNS": "300"}
        ours, chosen = paths.WORKSPACE, list(messages._chosen)
        try:
            with (
                patch.dict(os.environ, english),
                patch.dict(options, limit=limit),
                patch.object(sys, "stdin", io.StringIO()),
                patch.object(messages, "COMMAND", "python3 -m course"),
            ):
                messages._chosen.clear()
                _move_workspace(ours, self.workspace)
                yield
        finally:
            _move_workspace(self.workspace, ours)
            messages._chosen[:] = chosen

    def run_in_process(self, *arguments: str, **options: object) -> tuple[int, str]:
        """Run a command in a process of its own; return its exit status and its output."""
        process = self.start(*arguments, **options)  # type: ignore[arg-type]
        output, _ = process.communicate(timeout=110)
        encoding = str(options.get("PYTHONIOENCODING", "utf-8"))
        return process.returncode, output.decode(encoding).replace("\r\n", "\n")

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

    def has(self, stage: Stage) -> Path:
        """Give the learner the finished files of a chapter, and return their folder."""
        return copy_own_files(stage.path, self.workspace / stage.name)


def _move_workspace(old: Path, new: Path) -> None:
    """Replace the workspace in each module of the course that has imported it, those just imported too."""
    for name, module in list(sys.modules.items()):
        if name.startswith("course.") and getattr(module, "WORKSPACE", None) == old:
            module.WORKSPACE = new  # type: ignore[attr-defined]
