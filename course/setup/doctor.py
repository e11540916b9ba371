"""`doctor`: what of this machine stops the course, and the cure. Standard library only: it comes first."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course.messages import LANGUAGES, choose, say
from course.paths import ROOT, VENV
from course.setup import install, ports
from course.setup.browser import find_chromium
from course.setup.environment import environment, venv_python

LOCK = install.REQUIREMENTS
TESTED = ((3, 11), (3, 13))  # the Pythons that requirements.txt is locked for: from, to
NEEDED = 500  # MB that `.venv` and the built site take
LONGEST = 175  # characters of the longest path below the course's folder: in `.venv`, of what tests want
WINDOWS_LIMIT = 259  # characters of a path, where long paths are not switched on
PARTS = ("chapters", "docs", "final", "tests", "requirements.txt")

#: What pip says when the index is out of reach. Causes stand before what they lead to.
INDEX_SIGNS = (
    ("doctor.packages_certificate", "CERTIFICATE_VERIFY_FAILED|SSLError"),
    ("doctor.packages_proxy", "ProxyError|Proxy Authentication"),
    (
        "doctor.packages_unreachable",
        "(?i)connection|resolution|getaddrinfo|unreachable|timed ?out|timeout|max retries",
    ),
    ("doctor.packages_no_package", "No matching distribution|Could not find a version"),
)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: ``level`` is ok, note or wrong, ``key`` its sentence."""

    level: str
    key: str
    facts: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return say(self.key, **self.facts)


def doctor(arguments: Sequence[str] = ()) -> int:
    """Print every finding; return 1 if something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python3 -m course doctor", description="Say what is wrong with this machine, and the cure."
    )
    parser.add_argument("--lang", choices=LANGUAGES, help="Language of what doctor says.")
    if lang := parser.parse_args(arguments).lang:
        choose(lang)
    levels = {"ok": say("doctor.ok"), "note": say("doctor.note"), "wrong": say("doctor.wrong")}
    width = max(map(len, levels.values()))
    wrong = 0
    for check in CHECKS:
        for finding in check():
            wrong += finding.level == "wrong"
            print(f"{levels[finding.level]:<{width}}  {finding}", flush=True)
    print("\n" + (say("doctor.all_wrong", count=wrong) if wrong else say("doctor.all_ok")))
    return 1 if wrong else 0


def python() -> Iterator[Finding]:
    """Its version, its width, and which of several it is."""
    facts = {"version": ".".join(map(str, sys.version_info[:3])), "path": sys.executable}
    if sys.maxsize < 2**32:
        yield Finding("wrong", "doctor.python_narrow", facts)
    elif sys.version_info[:2] > TESTED[1]:
        yield Finding("note", "doctor.python_new", facts)
    else:
        yield Finding("ok", "doctor.python_ok", facts)


def venv() -> Iterator[Finding]:
    """Debian ships Python in parts."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    facts = {"modules": ", ".join(missing), "minor": sys.version_info.minor}
    yield Finding("wrong", "doctor.venv_missing", facts) if missing else Finding("ok", "doctor.venv_ok")


def folder() -> Iterator[Finding]:
    """The course is whole, can be written to, and its paths are not too long for Windows."""
    for name in PARTS:
        if not (ROOT / name).exists():
            yield Finding("wrong", "doctor.folder_incomplete", {"missing": name})
    try:
        with tempfile.TemporaryFile(dir=ROOT):
            pass
        yield Finding("ok", "doctor.folder_ok", {"path": ROOT})
    except OSError:
        yield Finding("wrong", "doctor.folder_read_only", {"path": ROOT})
    spare = len(str(ROOT)) + 1 + LONGEST - WINDOWS_LIMIT
    if sys.platform == "win32" and spare > 0 and not _long_paths():
        yield Finding("wrong", "doctor.folder_long", {"path": ROOT, "spare": spare})


def disk() -> Iterator[Finding]:
    """What is free; nothing is asked for once `.venv` is there."""
    facts = {"free": shutil.disk_usage(ROOT).free // 10**6, "needed": NEEDED}
    short = facts["free"] < (NEEDED // 10 if install.ready() else NEEDED)
    yield Finding("wrong", "doctor.disk_full", facts) if short else Finding("ok", "doctor.disk_ok", facts)


def console() -> Iterator[Finding]:
    """Names in the course are Korean; a console that cannot show them shows question marks."""
    encoding = sys.stdout.encoding or "ascii"
    try:
        "김미나".encode(encoding)
        yield Finding("ok", "doctor.console_ok", {"encoding": encoding})
    except (UnicodeEncodeError, LookupError):
        yield Finding("note", "doctor.console_poor", {"encoding": encoding})


def free_ports() -> Iterator[Finding]:
    """Those that `run` and `up` take by default."""
    used = [port for port in (5000, 8000, 8001) if not ports.free(port)]
    for port in used:
        airplay = sys.platform == "darwin" and port == 5000
        yield Finding("note", "doctor.ports_airplay" if airplay else "doctor.ports_used", {"port": port})
    if not used:
        yield Finding("ok", "doctor.ports_ok", {"ports": "5000, 8000, 8001"})


def virtual_environment() -> Iterator[Finding]:
    """What the next command finds in place of `.venv`. Nothing is wrong with any: it makes a new one."""
    if install.ready():
        yield Finding("ok", "doctor.environment_ready")
    elif not VENV.exists():
        yield Finding("ok", "doctor.environment_absent")
    elif not (VENV / "course-ready.json").is_file():
        yield Finding("note", "doctor.environment_unfinished")
    elif install._version_of(venv_python()) is None:
        yield Finding("note", "doctor.environment_foreign")
    else:
        yield Finding("note", "doctor.environment_old")


def packages() -> Iterator[Finding]:
    """Whether the set-up will get its packages: pip fetches one, in the way that it is configured here."""
    if install.ready():
        yield Finding("ok", "doctor.packages_ready")
        return
    if install.WHEELS.is_dir():
        yield wheels()
        return
    with tempfile.TemporaryDirectory() as scratch:
        output = fetch_one_package(Path(scratch))
    key = next((key for key, sign in INDEX_SIGNS if re.search(sign, output)), "doctor.packages_other")
    facts = {"said": _last_line(output)}
    yield Finding("wrong", key, facts) if output else Finding("ok", "doctor.packages_reached")


def wheels() -> Finding:
    """In a copy made by `pack`: whether it was made for this Python and system, as pip sees it."""
    output = _pip(["install", "--dry-run", "--ignore-installed", *install.from_wheels(LOCK)], LOCK)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not output:
        return Finding("ok", "doctor.packages_wheels")
    if "No matching distribution" in output:
        return Finding("wrong", "doctor.packages_no_wheel", {"version": version})
    return Finding("wrong", "doctor.packages_other", {"said": _last_line(output)})


def fetch_one_package(scratch: Path) -> str:
    """Download a package of the lock into ``scratch``; return what pip said if that failed, else nothing."""
    lock = LOCK.read_text(encoding="utf-8")
    first = re.search(r"^click==(?:.*\\\n)*.*\n", lock, re.M) or re.search(
        r"^\S+==(?:.*\\\n)*.*\n?", lock, re.M
    )
    if first is None:
        return ""
    (scratch / "one.txt").write_text(first[0], encoding="utf-8")
    return _pip(["download", "--no-cache-dir", "-d", str(scratch)], scratch / "one.txt")


def clock() -> Iterator[Finding]:
    """One that is behind makes certificates and tokens invalid; the course's own files show that it is."""
    files = [file.stat().st_mtime for file in (ROOT / "course").glob("*.py")]
    facts = {"now": time.strftime("%Y-%m-%d %H:%M")}
    behind = time.time() < max(files, default=0) - 24 * 60 * 60
    yield (
        Finding("wrong", "doctor.clock_behind", facts) if behind else Finding("ok", "doctor.clock_ok", facts)
    )


def variables() -> Iterator[Finding]:
    """The stages read their settings from FLASK_...: one that was left over changes them."""
    names = ", ".join(sorted(name for name in os.environ if name.upper().startswith("FLASK_")))
    yield (
        Finding("note", "doctor.variables_set", {"names": names})
        if names
        else Finding("ok", "doctor.variables_ok")
    )


def tools() -> Iterator[Finding]:
    """What some may want: git and a browser."""
    yield Finding("ok", "doctor.git_ok") if shutil.which("git") else Finding("note", "doctor.git_missing")
    path = find_chromium()
    yield (
        Finding("ok", "doctor.chromium_ok", {"path": path})
        if path
        else Finding("note", "doctor.chromium_missing")
    )


def services() -> Iterator[Finding]:
    """PostgreSQL and Redis, for the tests of the scaled service."""
    for name, variable, port, image in (
        ("PostgreSQL", "TEST_DATABASE_URL", 5432, "-e POSTGRES_HOST_AUTH_METHOD=trust postgres"),
        ("Redis", "TEST_REDIS_URL", 6379, "redis"),
    ):
        url = urllib.parse.urlsplit(os.environ.get(variable, ""))
        host, number = url.hostname or "127.0.0.1", url.port or port
        facts = {"name": name, "address": f"{host}:{number}", "port": port, "image": image}
        yield (
            Finding("ok", "doctor.services_ok", facts)
            if _answers(host, number)
            else Finding("note", "doctor.services_missing", facts)
        )


#: In the order in which a person would mend them.
CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    python,
    venv,
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


def _pip(arguments: Sequence[str], requirements: Path) -> str:
    """Run pip on ``requirements``; return what it said if that failed, else nothing.

    It is the pip that Python carries for new environments: before the set-up there may be no other.
    """
    import ensurepip

    env = environment() | {"PYTHONIOENCODING": "utf-8", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    env |= {"PIP_RETRIES": "1", "PIP_DEFAULT_TIMEOUT": "10"}
    if carried := next(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"), None):
        env["PYTHONPATH"] = str(carried)
    command = [sys.executable, "-m", "pip", *arguments, "--no-deps", "--require-hashes"]
    try:
        done = subprocess.run([*command, "-r", str(requirements)], env=env, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return "timed out"
    output = (done.stdout + done.stderr).decode("utf-8", "replace")
    return output if done.returncode else ""


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
