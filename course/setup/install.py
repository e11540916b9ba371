"""Makes the course's own environment, `.venv`. Standard library only."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from course.errors import Failure, explain_pip
from course.paths import ROOT, STATE, VENV
from course.setup.environment import environment, venv_python

REQUIREMENTS = ROOT / "requirements.txt"
WHEELS = ROOT / "wheels"  # in a copy made by `pack`: its packages come from here, without a network
TEST_REQUIREMENTS = ROOT / "tests" / "requirements.txt"  # what `test` wants besides: nobody else waits for it


def set_up(tests: bool = False) -> None:
    """Make `.venv` hold exactly the locked requirements; do nothing when it does.

    Args:
        tests: whether it is to hold what the tests want too.

    Raises:
        Failure: with the sentence to show.
        OSError: the folder is read-only, the disk is full, ...
    """
    if ready(tests):
        return
    with _one_at_a_time() as lock:
        if ready(tests):  # another command made it while this one waited
            return
        for file in (REQUIREMENTS, TEST_REQUIREMENTS) if tests else (REQUIREMENTS,):
            if not file.is_file():
                name = file.relative_to(ROOT).as_posix()
                raise Failure(f"{name} is missing: restore it with git checkout {name}, or clone again.")
        missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
        if missing:
            raise Failure(
                f"This Python lacks {' and '.join(missing)}: on Debian or Ubuntu run sudo apt install "
                f"python3.{sys.version_info.minor}-venv, elsewhere take Python from https://www.python.org/downloads/"
            )
        if not ready():
            print(_why(), flush=True)
            _remove_venv()
            _make_venv()
            _install(lock, REQUIREMENTS)
            _mark_done(tests=False)
        if tests:
            print("Installing what the tests want besides, once.", flush=True)
            _install(lock, TEST_REQUIREMENTS)
            _mark_done(tests=True)
        if not ready(tests):
            raise Failure("The new .venv does not start: delete the folder .venv and run the command again.")


def ready(tests: bool = False) -> bool:
    """Return whether `.venv` is finished, holds the present lock (with that of the `tests`?), and starts."""
    try:
        marker = json.loads(_marker().read_text(encoding="utf-8"))
        if marker["requirements"] != _digest(REQUIREMENTS):
            return False
        if tests and marker.get("tests") != _digest(TEST_REQUIREMENTS):
            return False
        return bool(marker["python"] == _version_of(venv_python()))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _make_venv() -> None:
    base = getattr(sys, "_base_executable", None) or sys.executable  # not the Python of an active environment
    made = subprocess.run(
        [base, "-m", "venv", str(VENV)], env=environment(), capture_output=True, text=True, errors="replace"
    )
    if made.returncode:
        log = STATE / "install.log"
        log.write_text(made.stdout + made.stderr, encoding="utf-8")
        raise Failure(explain_pip(log.read_text(encoding="utf-8"), log).replace("pip could", "Python could"))


def _install(lock: int, requirements: Path) -> None:
    """Run pip and show how far it is. pip holds the lock too: if we are killed, the next waits for it."""
    log = STATE / "install.log"
    command = [str(venv_python()), "-m", "pip", "install", "--require-hashes", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "-r", str(requirements)]
    command += from_wheels(requirements)
    env = environment(PYTHONUNBUFFERED="1", PYTHONIOENCODING="utf-8")
    env.setdefault("PIP_RETRIES", "2")  # pip's five keep a learner without network waiting
    inherit = {"pass_fds": (lock,)} if os.name == "posix" else {}
    before = len(_installed())
    with log.open("wb") as output:
        pip = subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT, **inherit)  # type: ignore[call-overload]
    progress = _Progress()
    try:
        while pip.poll() is None:
            progress.show(_how_far(log.read_text(encoding="utf-8", errors="replace"), requirements, before))
            time.sleep(0.2)
    finally:
        progress.end()
        if pip.poll() is None:
            pip.terminate()
            pip.wait()
    if pip.returncode:
        if "--no-index" in command and "No matching distribution" in log.read_text("utf-8", "replace"):
            raise Failure(
                f"The folder wheels lacks packages for this Python {sys.version_info.major}."
                f"{sys.version_info.minor} and system: START.txt says which it has (pip's log: {log})."
            )
        raise Failure(explain_pip(log.read_text(encoding="utf-8", errors="replace"), log))
    print(f"Installed {len(_installed()) - before} packages into .venv.", flush=True)


def from_wheels(requirements: Path) -> list[str]:
    """Return pip's options for a copy made by `pack`; what only the tests want is not in it."""
    if not WHEELS.is_dir():
        return []
    return ["--find-links", str(WHEELS), *(["--no-index"] if requirements == REQUIREMENTS else [])]


def _how_far(log: str, requirements: Path, before: int) -> str:
    total = len(re.findall(r"^\S+==", requirements.read_text(encoding="utf-8"), re.M)) - log.count(
        "Ignoring "
    )
    if "Installing collected packages" in log:
        folders = _installed()
        newest = max(folders, key=lambda folder: folder.stat().st_mtime, default=VENV)
        return f"installing {max(1, len(folders) - before)} of {total}: {newest.name.split('-')[0]}"
    fetched = re.findall(r"^(?:Collecting|Processing) (\S+)", log, re.M)
    name = re.split(r"==|-\d", re.split(r"[/\\]", fetched[-1])[-1])[0] if fetched else "..."
    return f"fetching {len(fetched)} of {total}: {name}"


def _installed() -> list[Path]:
    packages = "Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"
    return list(VENV.glob(f"{packages}/*.dist-info"))


class _Progress:
    """One line that counts in a terminal; elsewhere, a line every five seconds."""

    def __init__(self) -> None:
        self.shown = ""
        self.at = time.monotonic()

    def show(self, text: str) -> None:
        if text == self.shown or not (sys.stdout.isatty() or time.monotonic() - self.at > 5):
            return
        if sys.stdout.isatty():
            print("\r" + text[:78].ljust(len(self.shown)), end="", flush=True)
        else:
            print(text, flush=True)
        self.shown, self.at = text[:78], time.monotonic()

    def end(self) -> None:
        if self.shown and sys.stdout.isatty():
            print("\r" + " " * len(self.shown) + "\r", end="", flush=True)


@contextmanager
def _one_at_a_time() -> Iterator[int]:
    """Hold the set-up's lock, waiting while another command has it; the system frees it however that ends."""
    STATE.mkdir(exist_ok=True)
    with (STATE / "setup.lock").open("a+b") as file:
        waiting = False
        while not _try_lock(file):
            if not waiting:
                print("Another course command is setting up: waiting for it.", flush=True)
            waiting = True
            time.sleep(0.2)
        yield file.fileno()


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _why() -> str:
    if not VENV.exists():
        return "Making .venv and installing the course's packages into it, once."
    if not _marker().exists():
        return "The .venv here is unfinished or not the course's own: making it anew."
    if _version_of(venv_python()) is None:
        return "The Python that .venv was made with is gone: making .venv anew."
    return "requirements.txt or Python has changed: making .venv anew."


def _remove_venv() -> None:
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.exists():
        _marker().unlink(missing_ok=True)  # first: a removal that is cut short must not look finished
        shutil.rmtree(VENV)


def _marker() -> Path:
    return VENV / "course-ready.json"


def _mark_done(tests: bool) -> None:
    """Say what `.venv` holds. Written last: it says that all before it is done."""
    promise = {
        "requirements": _digest(REQUIREMENTS),
        "tests": _digest(TEST_REQUIREMENTS) if tests else None,
        "python": _version_of(venv_python()),
        "executable": sys.executable,
    }
    _marker().write_text(json.dumps(promise), encoding="utf-8")


def _digest(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()


def _version_of(python: Path) -> str | None:
    """Return the version of the interpreter at ``python``, None where it does not start."""
    command = [str(python), "-I", "-S", "-c", "import sys; print(sys.version_info[:3])"]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment()
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
