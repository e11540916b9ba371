"""The tests of `test`: told as they run, and ended when they stand still.

pytest writes to a file, not to a pipe: a program that a test leaves behind would keep a pipe open, and
whoever reads it would wait for ever.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from course.paths import ROOT
from course.setup.environment import environment
from course.setup.programs import PYTHON, decode

SILENCE = 420  # seconds without a result, after which they are ended; no single test may take as long
TOLD_EVERY = 60  # seconds between two lines that say how far it is

#: All threads of a test that takes longer than it may are printed, and its process ends: the others go on.
LAST_RESORT = ["-o", f"faulthandler_timeout={SILENCE - 60}", "-o", "faulthandler_exit_on_timeout=true"]
COMMAND = [PYTHON, "-m", "pytest", "-v", "-n", "auto", *LAST_RESORT]

_BEGUN = re.compile(r"(tests/\S+\.py::.+?) *$")
_FRAME = re.compile(rf'  File "{re.escape(str(ROOT))}[/\\](?!\.venv)')
_ENDED = re.compile(r"\[gw\d+\] \[ *(\d+)%\] (\w+) (tests/.+?) *$")


@dataclass
class Run:
    """What pytest has said so far."""

    percent: int = 0
    status: int | None = None  # the exit status of pytest
    running: dict[str, None] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # all but the lines of tests that went as they should

    @property
    def content(self) -> bool:
        """Whether pytest was."""
        return self.status == 0

    def stood_at(self) -> list[str]:
        """Return the lines of our own files in the stacks of a process that was ended, innermost first."""
        stacks = [at for at, line in enumerate(self.said) if line.startswith("Timeout (")]
        return [line for line in self.said[stacks[0] :] if _FRAME.match(line)][:8] if stacks else []

    def read(self, line: str) -> bool:
        """Take in one line, and return whether it is the result of a test."""
        if ended := _ENDED.match(line):
            percent, outcome, test = ended.groups()
            self.percent = int(percent)
            self.running.pop(test, None)
            if outcome in {"FAILED", "ERROR"}:
                self.failed.append(test)
        elif begun := _BEGUN.match(line):
            self.running[begun[1]] = None
        else:
            self.said.append(line)
        return ended is not None


def run_tests(
    log: Path,
    arguments: Sequence[str],
    *,
    command: Sequence[str] = COMMAND,
    silence: float = SILENCE,
    every: float = TOLD_EVERY,
    tell: Callable[[str], None] = lambda text: print(text, flush=True),
) -> Run:
    """Run pytest with ``arguments`` and return what came of it.

    Args:
        log: where pytest writes.
        silence: seconds without a result after which all its processes are ended.
        every: seconds between two lines that say how far it is.
        tell: called with how far it is, with each test that fails, and at the end with what pytest said.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=os.name == "posix",
        )
    try:
        run = _follow(process, log, silence, every, tell)
    finally:
        _end(process)
    if process.returncode:
        tell("\n".join(run.said).strip() + "\n")
        if frames := run.stood_at():
            tell("A test took too long, and its process was ended, at:\n" + "\n".join(frames) + "\n")
    run.status = process.returncode
    return run


def _follow(
    process: subprocess.Popen[bytes], log: Path, silence: float, every: float, tell: Callable[[str], None]
) -> Run:
    run, begun = Run(), time.monotonic()
    heard = told = begun
    failures = 0
    with log.open("rb") as lines:
        rest = b""
        while True:
            over = process.poll() is not None  # asked before the rest is read, so that nothing is missed
            *whole, rest = (rest + lines.read()).split(b"\n")
            if [line for line in whole if run.read(decode(line.rstrip()))]:
                heard = time.monotonic()
            for test in run.failed[failures:]:
                tell(f"  FAILED {test}")
            failures = len(run.failed)
            now = time.monotonic()
            if over:
                run.said.append(decode(rest))
                return run
            if now - told >= every:
                told = now
                tell(f"  {run.percent} % after {now - begun:.0f} s")
            if now - heard > silence:
                standing = "".join(f"\n  {test}" for test in run.running) or " no test"
                tell(f"No test ended for {silence:.0f} s, so all were stopped. There ran:{standing}")
                return run
            time.sleep(0.2)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and, where that can be asked, all that it has started."""
    if process.poll() is None:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
