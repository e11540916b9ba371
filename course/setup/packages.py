"""Installs a lock into `.venv`: by uv, or by pip if uv cannot be installed. Standard library only."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from course.errors import Failure
from course.messages import say
from course.paths import STATE, VENV
from course.setup.causes import cause_of, explain
from course.setup.environment import environment, venv_python
from course.setup.locks import PACKED, UV, WHEELS, installed_folders, outdated, pins
from course.setup.progress_line import ProgressLine
from course.setup.sources import Unreadable, pip_environment, read_sources, uv_environment

LOG = STATE / "install.log"
#: What the course seldom or never imports is compiled on import.
HARDLY_IMPORTED = r"site-packages[/\\](.*[/\\])?(pip|psycopg|lexers|testing|mssql|mysql|oracle)[/\\]"
NEEDED = ("click", "flask", "pytest", "rich")  # what each command imports, or the code that it judges
LOCKED = ("--require-hashes", "--no-deps", "--only-binary", ":all:")
#: Causes for which pip would fail too: where uv failed for one, and where pip itself failed for one.
FINAL = {"setup.hashes", "setup.disk"}
FINAL_FOR_PIP = FINAL | {"setup.read_only", "setup.certificate", "setup.proxy", "setup.unreachable"}


class NotInstalled(Exception):
    """The installer failed, or could not be started; the text is its output."""


def install(lock: Path, held: int) -> None:
    """Install the packages of ``lock`` into `.venv`, exactly those, and show how far it is.

    Args:
        held: the descriptor of the set-up's lock. The installer holds it too: if this process is killed, the
            next set-up waits for the installer to end.

    Raises:
        Failure: they cannot be installed; the sentence says why.
    """
    before = len(installed_folders())
    try:
        sources = read_sources(str(venv_python()))
        if not (get_uv(sources, held) and install_by_uv(lock, sources, held)):
            pip(lock, sources, held)
    except Unreadable as unread:
        LOG.write_text(str(unread), encoding="utf-8")
        raise Failure(explain(str(unread), LOG)) from None
    except NotInstalled as failure:
        output = str(failure)
        if cause_of(output) == "setup.no_package" and WHEELS.is_dir() and lock in PACKED:
            version = f"{sys.version_info.major}.{sys.version_info.minor}"
            raise Failure(say("setup.not_packed", version=version)) from None
        raise Failure(explain(output, LOG)) from None
    if lost := sorted(outdated(lock)):
        raise Failure(f"{say('setup.lost', packages=', '.join(lost[:3]))} {say('setup.log', log=LOG)}")
    compile_bytecode(held)
    prove(lock)
    print(say("setup.installed", count=len(installed_folders()) - before), flush=True)


def prove(lock: Path) -> None:
    """Import from `.venv`, as the commands will, what they need most of ``lock``.

    Raises:
        Failure: it is installed and cannot be imported.
    """
    modules = [name for name in NEEDED if name in pins(lock)]
    command = [str(venv_python()), "-c", "import " + ", ".join(["sys", *modules])]
    done = subprocess.run(command, env=environment(), capture_output=True)
    if done.returncode:
        LOG.write_bytes(done.stdout + done.stderr)
        raise Failure(f"{say('setup.does_not_start')} {say('setup.log', log=LOG)}")


def get_uv(sources: Mapping[str, str], held: int) -> bool:
    """Let pip install uv, which installs the rest; return whether it is there.

    Raises:
        NotInstalled: pip failed for a reason that would stop it from installing anything.
    """
    if not outdated(UV):
        return True
    try:
        pip(UV, sources, held)
    except NotInstalled as failure:
        if cause_of(str(failure)) in FINAL_FOR_PIP:
            raise
        return False
    return True


def uv_program() -> Path:
    """Return where uv is in `.venv`, None if it is missing."""
    return venv_python().with_name("uv.exe" if os.name == "nt" else "uv")


def install_by_uv(lock: Path, sources: Mapping[str, str], held: int) -> bool:
    """Install ``lock`` by uv; return whether that is done. If not, pip may still be able to.

    Raises:
        NotInstalled: uv failed for a reason that would stop pip too.
    """
    before = len(installed_folders())
    command = [str(uv_program()), "pip", "install"]
    command += ["--no-config", "--python", str(venv_python()), *LOCKED, *from_wheels(lock), "-r", str(lock)]
    try:
        run(command, uv_environment(sources), held, LOG, lambda: _how_far(lock, before))
    except NotInstalled as failure:
        if cause_of(str(failure)) in FINAL:
            raise
        return False
    return True


def pip(lock: Path, sources: Mapping[str, str], held: int) -> None:
    """Install ``lock`` by pip.

    Raises:
        NotInstalled: pip failed.
    """
    before = len(installed_folders())
    command = [str(venv_python()), "-m", "pip", "install", "--no-compile", *LOCKED]
    command += [*from_wheels(lock), "-r", str(lock)]
    run(command, pip_environment(sources), held, LOG, lambda: _how_far(lock, before))


def compile_bytecode(held: int) -> None:
    """Compile the packages on all processors, except what the course hardly imports.

    Without it the first start would take as long, and each start where PYTHONDONTWRITEBYTECODE is set.
    """
    folders = {str(folder.parent) for folder in installed_folders()}
    command = [str(venv_python()), "-m", "compileall", "-q", "-j", "0", "-x", HARDLY_IMPORTED, *folders]
    with suppress(NotInstalled):  # some packages carry files that are for other versions of Python
        run(command, environment(), held, STATE / "compile.log", lambda: say("setup.compiling"))


def from_wheels(lock: Path) -> list[str]:
    """Return the options of pip and uv for a folder made by `pack`, which lacks what only the tests need."""
    if not WHEELS.is_dir():
        return []
    return ["--find-links", str(WHEELS), *(["--no-index"] if lock in PACKED else [])]


def run(
    command: Sequence[str], env: Mapping[str, str], held: int, log: Path, how_far: Callable[[], str]
) -> None:
    """Run a program to its end, its output into ``log``, and show what ``how_far`` returns meanwhile.

    Raises:
        NotInstalled: it failed.
    """
    inherit = {"pass_fds": (held,)} if os.name == "posix" else {}
    try:
        with log.open("wb") as output:
            program = subprocess.Popen(
                command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **inherit
            )  # type: ignore[call-overload]
    except OSError as error:
        raise NotInstalled(str(error)) from error
    line = ProgressLine()
    try:
        while True:
            try:
                status = program.wait(0.1)
                break
            except subprocess.TimeoutExpired:
                line.show(how_far())
    finally:
        line.end()
        if program.poll() is None:
            program.terminate()
            program.wait()
    if status:
        raise NotInstalled(log.read_text(encoding="utf-8", errors="replace"))


def _how_far(lock: Path, before: int) -> str:
    """Return how far pip or uv is, from its output and from what was installed before."""
    log = LOG.read_text(encoding="utf-8", errors="replace")
    total = len(pins(lock)) - log.count("Ignoring ")
    if re.search(r"^Installing collected packages|^Prepared ", log, re.M):
        folders = installed_folders()
        newest = max(folders, key=lambda folder: folder.stat().st_mtime, default=VENV)
        name, number = newest.name.split("-")[0], max(1, len(folders) - before)
        return say("setup.installing", number=min(number, total), total=total, name=name)
    fetched = re.findall(r"^(?:Collecting|Processing) (\S+)", log, re.M)
    if fetched:
        name = re.split(r"==|-\d", re.split(r"[/\\]", fetched[-1])[-1])[0]
        return say("setup.fetching", number=min(len(fetched), total), total=total, name=name)
    started, ended = (re.findall(rf"^ *{word} (\S+)", log, re.M) for word in ("Downloading", "Downloaded"))
    names = [name for name in started if name not in ended]
    return say("setup.downloading", total=total, name=names[-1]) if names else ""
