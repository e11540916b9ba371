"""Runs the course's programs inside `.venv` and keeps their output."""

from __future__ import annotations

import locale
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from course.errors import Failure
from course.paths import STATE
from course.setup.environment import environment

PYTHON = sys.executable


def output_of(command: Sequence[str], cwd: Path, *, purpose: str, log: str, reason: str = "") -> str:
    """Run ``command`` and return what it wrote to its standard output.

    Args:
        purpose: the beginning of the sentence if it fails, for example "The site could not be built".
        log: the name of the file in `.course/` that keeps all it wrote.
        reason: a pattern for the reason in its output; by default the last line.

    Raises:
        Failure: it failed.
    """
    done = subprocess.run(command, cwd=cwd, env=environment(), capture_output=True)
    output, errors = decode(done.stdout), decode(done.stderr)
    STATE.mkdir(exist_ok=True)
    (STATE / log).write_text(output + errors, encoding="utf-8")
    if done.returncode:
        found = re.search(reason, output + errors) if reason else None
        why = (found[1] if found else last_lines(output + errors, 1)).rstrip(".")
        raise Failure(f"{purpose} ({why}): see {STATE / log}")
    return output


def start(command: Sequence[str], cwd: Path, log: str, **variables: str) -> subprocess.Popen[bytes]:
    """Start ``command`` with its output in a file of `.course/`; Ctrl-C does not reach it, `end` ends it."""
    STATE.mkdir(exist_ok=True)
    with (STATE / log).open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )


def end(process: subprocess.Popen[bytes], timeout: float = 5) -> None:
    """End a program of `start` with all that it has started; kill it after ``timeout`` seconds."""
    if process.poll() is None and os.name != "posix":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True)
    elif process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def decode(output: bytes) -> str:
    """Return text from a program that wrote UTF-8 or, on some Windows, the code page of the system."""
    try:
        return output.decode("utf-8")
    except UnicodeDecodeError:
        return output.decode(locale.getencoding(), errors="replace")


def last_lines(text: str, number: int) -> str:
    """Return the last ``number`` lines that are not blank."""
    return "\n".join([line.strip() for line in text.splitlines() if line.strip()][-number:])
