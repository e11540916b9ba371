"""Asks pip, before the set-up, whether it can get the packages. Nothing in the course's folder changes."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from course.setup.locks import LEARNER
from course.setup.packages import from_wheels
from course.setup.sources import Unreadable, pip_environment, read_sources
from course.setup.venv import bundled_pip

LOCK = LEARNER
SECONDS = 60  # seconds for pip to finish


def fetch_one_package() -> str:
    """Download a package of the lock; return pip's output if that failed, else nothing."""
    lock = LOCK.read_text(encoding="utf-8")
    package = r"^%s==(?:.*\\\n)*.*\n?"
    first = re.search(package % "click", lock, re.M) or re.search(package % r"\S+", lock, re.M)
    if first is None:
        return ""
    with tempfile.TemporaryDirectory() as scratch:
        one = Path(scratch, "one.txt")
        one.write_text(first[0], encoding="utf-8")
        return ask_pip(["download", "--no-cache-dir", "-d", scratch], one)


def resolve_from_wheels() -> str:
    """Let pip look for the lock's packages among the packed ones; return its output if one is missing."""
    return ask_pip(["install", "--dry-run", "--ignore-installed", *from_wheels(LOCK)], LOCK)


def ask_pip(arguments: Sequence[str], requirements: Path) -> str:
    """Run pip on ``requirements``; return its output if it failed, else nothing.

    It is the pip that Python carries for new environments: before the set-up there may be no other.
    """
    carried = bundled_pip()
    path = {"PYTHONPATH": str(carried)} if carried else {}
    command = [sys.executable, "-m", "pip", *arguments, "--no-deps", "--require-hashes"]
    try:
        env = pip_environment(read_sources(sys.executable, **path)) | path
        env |= {"PIP_RETRIES": "1", "PIP_TIMEOUT": "10"}
        env.pop("PIP_DEFAULT_TIMEOUT", None)
        done = subprocess.run(
            [*command, "-r", str(requirements)], env=env, capture_output=True, timeout=SECONDS
        )
    except Unreadable as unread:
        return str(unread)
    except subprocess.TimeoutExpired:
        return "timed out"
    output = (done.stdout + done.stderr).decode("utf-8", "replace")
    return output if done.returncode else ""
