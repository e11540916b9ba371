"""An environment for each contender, with its locked packages; made once, and again when the lock changes."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from .failures import Failure

FINAL = Path(__file__).resolve().parents[1]
#: Everything that a run makes: environments, databases, logs, results. Ignored by git.
CACHE = FINAL.parent / ".course" / "benchmarks"


def python_of(name: str, requirements: Path) -> Path:
    """Return the Python of an environment in which the packages of ``requirements`` are installed.

    Raises:
        Failure: they cannot be.
    """
    folder = CACHE / "environments" / name
    python, seal = folder / "bin" / "python", folder / "installed"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if seal.is_file() and seal.read_text() == digest:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _run(
        [sys.executable, "-m", "venv", str(folder)],
        f"no environment for {name}: install Python's venv module",
    )
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(
        [*pip, "--require-hashes", "--no-deps", "--requirement", str(requirements)],
        f"the packages of {name} cannot be installed: look at the network, then run this again",
    )
    seal.write_text(digest)
    return python


def versions(python: Path) -> dict[str, str]:
    """Return the packages of an environment, by name."""
    listed = subprocess.run(
        [python, "-m", "pip", "freeze", "--all"], capture_output=True, text=True, check=True
    )
    pairs = (line.split("==") for line in listed.stdout.splitlines() if "==" in line)
    return {name: version for name, version in pairs if name not in ("pip", "setuptools")}


def _run(command: list[str], otherwise: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise Failure(f"{otherwise} ({''.join(last)})")
