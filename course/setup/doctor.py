"""`doctor`: what stops the course on this machine, and the fix. Standard library only: it comes first."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from course.messages import COMMAND, LANGUAGES, choose, say
from course.paths import ROOT, VENV
from course.setup import install, locks, ports, trial, venv
from course.setup.browser import find_chromium
from course.setup.causes import cause_of
from course.setup.environment import venv_python

TESTED = ((3, 11), (3, 13))  # the Pythons that requirements.txt is locked for: from, to
NEEDED = 500  # MB that `.venv` and the built site take
LONGEST = 175  # characters of the longest path below the folder: in `.venv`, of a package for the tests
WINDOWS_LIMIT = 259  # characters of a path, where long paths are not switched on
PARTS = ("chapters", "docs", "final", "tests", "requirements.txt")

#: What doctor says about each cause of pip's failing; "doctor.packages_other" for the rest.
INDEX = {
    "setup.certificate": "doctor.packages_certificate",
    "setup.proxy": "doctor.packages_proxy",
    "setup.unreachable": "doctor.packages_unreachable",
    "setup.no_package": "doctor.packages_no_package",
}


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at: ``level`` is ok, note or wrong, ``key`` its sentence."""

    level: str
    key: str
    facts: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return say(self.key, **self.facts)


def doctor(arguments: Sequence[str] = ()) -> int:
    """Print every diagnosis; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(
        prog=f"{COMMAND} doctor",
        description="Say what is wrong with this machine, and what to do about it.",
    )
    parser.add_argument("--lang", choices=LANGUAGES, help="Language of what doctor says.")
    if lang := parser.parse_args(arguments).lang:
        choose(lang)
    levels = {"ok": say("doctor.ok"), "note": say("doctor.note"), "wrong": say("doctor.wrong")}
    width = max(map(len, levels.values()))
    wrong = 0
    for check in CHECKS:
        for diagnosis in check():
            wrong += diagnosis.level == "wrong"
            print(f"{levels[diagnosis.level]:<{width}}  {diagnosis}", flush=True)
    print("\n" + (say("doctor.all_wrong", count=wrong) if wrong else say("doctor.all_ok")))
    return 1 if wrong else 0


def python() -> Iterator[Diagnosis]:
    """Its version, whether it is a 64-bit one, and which of several it is."""
    facts = {"version": ".".join(map(str, sys.version_info[:3])), "path": sys.executable}
    if sys.maxsize < 2**32:
        yield Diagnosis("wrong", "doctor.python_narrow", facts)
    elif sys.version_info[:2] > TESTED[1]:
        yield Diagnosis("note", "doctor.python_new", facts)
    else:
        yield Diagnosis("ok", "doctor.python_ok", facts)


def venv_module() -> Iterator[Diagnosis]:
    """Whether this Python can make environments."""
    missing = venv.missing_modules()
    facts = {"modules": ", ".join(missing), "minor": sys.version_info.minor}
    yield Diagnosis("wrong", "doctor.venv_missing", facts) if missing else Diagnosis("ok", "doctor.venv_ok")


def folder() -> Iterator[Diagnosis]:
    """The course is complete, can be written to, and its paths are not too long for Windows."""
    for name in PARTS:
        if not (ROOT / name).exists():
            yield Diagnosis("wrong", "doctor.folder_incomplete", {"missing": name})
    try:
        with tempfile.TemporaryFile(dir=ROOT):
            pass
        yield Diagnosis("ok", "doctor.folder_ok", {"path": ROOT})
    except OSError:
        yield Diagnosis("wrong", "doctor.folder_read_only", {"path": ROOT})
    spare = len(str(ROOT)) + 1 + LONGEST - WINDOWS_LIMIT
    if sys.platform == "win32" and spare > 0 and not _long_paths():
        yield Diagnosis("wrong", "doctor.folder_long", {"path": ROOT, "spare": spare})


def disk() -> Iterator[Diagnosis]:
    """The free space; the set-up needs some, and little once `.venv` is there."""
    facts = {"free": shutil.disk_usage(ROOT).free // 10**6, "needed": NEEDED}
    short = facts["free"] < (NEEDED // 10 if install.ready() else NEEDED)
    yield Diagnosis("wrong", "doctor.disk_full", facts) if short else Diagnosis("ok", "doctor.disk_ok", facts)


def console() -> Iterator[Diagnosis]:
    """Names in the course are Korean; a console that cannot show them shows question marks."""
    encoding = sys.stdout.encoding or "ascii"
    try:
        "김미나".encode(encoding)
        yield Diagnosis("ok", "doctor.console_ok", {"encoding": encoding})
    except (UnicodeEncodeError, LookupError):
        yield Diagnosis("note", "doctor.console_poor", {"encoding": encoding})


def free_ports() -> Iterator[Diagnosis]:
    """The ports that `run` and `up` take by default."""
    used = [port for port in (5000, 8000, 8001) if not ports.free(port)]
    for port in used:
        airplay = sys.platform == "darwin" and port == 5000
        yield Diagnosis("note", "doctor.ports_airplay" if airplay else "doctor.ports_used", {"port": port})
    if not used:
        yield Diagnosis("ok", "doctor.ports_ok", {"ports": "5000, 8000, 8001"})


def virtual_environment() -> Iterator[Diagnosis]:
    """What the next command finds as `.venv`. None of it is wrong: it makes a new one if necessary."""
    if install.ready():
        yield Diagnosis("ok", "doctor.environment_ready")
    elif not VENV.exists():
        yield Diagnosis("ok", "doctor.environment_absent")
    elif not venv.MARKER.is_file():
        yield Diagnosis("note", "doctor.environment_unfinished")
    elif venv.version_of(venv_python()) is None:
        yield Diagnosis("note", "doctor.environment_foreign")
    elif venv.is_current():
        yield Diagnosis("note", "doctor.environment_incomplete")
    else:
        yield Diagnosis("note", "doctor.environment_old")


def packages() -> Iterator[Diagnosis]:
    """Whether the set-up will get its packages: pip fetches one, from its configured source."""
    if install.ready():
        yield Diagnosis("ok", "doctor.packages_ready")
        return
    if venv.missing_modules():  # it lacks the pip that would be asked, and has been told what to install
        return
    if locks.WHEELS.is_dir():
        yield wheels()
        return
    output = trial.fetch_one_package()
    key = INDEX.get(cause_of(output), "doctor.packages_other")
    facts = {"said": _last_line(output)}
    yield Diagnosis("wrong", key, facts) if output else Diagnosis("ok", "doctor.packages_reached")


def wheels() -> Diagnosis:
    """In a copy made by `pack`: whether it was made for this Python and system, as pip sees it."""
    output = trial.resolve_from_wheels()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not output:
        return Diagnosis("ok", "doctor.packages_wheels")
    if "No matching distribution" in output:
        return Diagnosis("wrong", "doctor.packages_no_wheel", {"version": version})
    return Diagnosis("wrong", "doctor.packages_other", {"said": _last_line(output)})


def clock() -> Iterator[Diagnosis]:
    """A clock that is behind makes certificates and tokens invalid; the course's own files show it."""
    files = [file.stat().st_mtime for file in (ROOT / "course").glob("*.py")]
    facts = {"now": time.strftime("%Y-%m-%d %H:%M")}
    behind = time.time() < max(files, default=0) - 24 * 60 * 60
    yield (
        Diagnosis("wrong", "doctor.clock_behind", facts)
        if behind
        else Diagnosis("ok", "doctor.clock_ok", facts)
    )


def variables() -> Iterator[Diagnosis]:
    """The stages read their settings from FLASK_...: one that is left over changes them."""
    names = ", ".join(sorted(name for name in os.environ if name.upper().startswith("FLASK_")))
    yield (
        Diagnosis("note", "doctor.variables_set", {"names": names})
        if names
        else Diagnosis("ok", "doctor.variables_ok")
    )


def tools() -> Iterator[Diagnosis]:
    """What some people need: git and a browser."""
    yield Diagnosis("ok", "doctor.git_ok") if shutil.which("git") else Diagnosis("note", "doctor.git_missing")
    path = find_chromium()
    yield (
        Diagnosis("ok", "doctor.chromium_ok", {"path": path})
        if path
        else Diagnosis("note", "doctor.chromium_missing")
    )


def services() -> Iterator[Diagnosis]:
    """PostgreSQL and Redis, for the tests of the scaled service."""
    for name, variable, port, image in (
        ("PostgreSQL", "TEST_DATABASE_URL", 5432, "-e POSTGRES_HOST_AUTH_METHOD=trust postgres"),
        ("Redis", "TEST_REDIS_URL", 6379, "redis"),
    ):
        url = urllib.parse.urlsplit(os.environ.get(variable, ""))
        host, number = url.hostname or "127.0.0.1", url.port or port
        facts = {"name": name, "address": f"{host}:{number}", "port": port, "image": image}
        yield (
            Diagnosis("ok", "doctor.services_ok", facts)
            if _answers(host, number)
            else Diagnosis("note", "doctor.services_missing", facts)
        )


#: In the order in which one would fix them.
CHECKS: tuple[Callable[[], Iterator[Diagnosis]], ...] = (
    python,
    venv_module,
    folder,
    disk,
    clock,
    console,
    virtual_environment,
    packages,
    free_ports,
    variables,
    tools,
    services,
)


def _last_line(output: str) -> str:
    return ([""] + [line.strip() for line in output.splitlines() if line.strip()])[-1]


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _long_paths() -> bool:
    """Return whether this Windows takes paths of more than 259 characters."""
    if sys.platform != "win32":
        return True
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        return False
