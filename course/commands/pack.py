"""`pack`: one folder with the course, its packages and the site in it, for a room without internet."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.markers import Marker
from rich.console import Console

from course.commands.site import BUILT, build_site
from course.errors import Failure
from course.lessons.own_files import copy_own_files
from course.messages import say
from course.paths import ROOT, STATE
from course.setup.causes import explain
from course.setup.locks import PACKED, WHEELS
from course.setup.programs import PYTHON, decode
from course.setup.sources import Unreadable, pip_environment, read_sources

#: What is the learner's, and what `pack` makes itself.
LEFT_OUT = ("site", "wheels", "workspace")

_LINUX = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014", "manylinux_2_5")
REQUIREMENT = re.compile(
    r"^(?P<name>\S+==[^\s;]+) *(?:; *(?P<marker>[^\\\n]+?))? *(?P<hashes>(?:\\\n[^\\\n]*)+)", re.M
)


@dataclass(frozen=True)
class Machine:
    """A kind of machine: how wheels name it, and what a lock's markers may ask about it."""

    name: str
    platforms: tuple[str, ...]
    markers: tuple[str, str, str, str]  # sys_platform, platform_system, os_name, platform_machine

    def wants(self, marker: str | None, python: str) -> bool:
        """Return whether a line of a lock with this marker is meant for it."""
        names = ("sys_platform", "platform_system", "os_name", "platform_machine")
        about = dict(zip(names, self.markers, strict=True))
        about |= {"python_version": ".".join(python.split(".")[:2]), "python_full_version": python}
        about |= {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
        return marker is None or Marker(marker).evaluate(about)


#: pip knows that a wheel for an older macOS fits a newer one; for Linux it needs a list.
SYSTEMS = {
    "linux": Machine("Linux", tuple(f"{v}_x86_64" for v in _LINUX), ("linux", "Linux", "posix", "x86_64")),
    "linux-arm": Machine(
        "Linux on ARM", tuple(f"{v}_aarch64" for v in _LINUX), ("linux", "Linux", "posix", "aarch64")
    ),
    "macos": Machine("macOS", ("macosx_14_0_arm64",), ("darwin", "Darwin", "posix", "arm64")),
    "macos-intel": Machine(
        "macOS on Intel", ("macosx_14_0_x86_64",), ("darwin", "Darwin", "posix", "x86_64")
    ),
    "windows": Machine("Windows", ("win_amd64",), ("win32", "Windows", "nt", "AMD64")),
}
PYTHONS = ("3.11", "3.12", "3.13")

START = """\
EFFECTIVE FLASK

1. Copy this whole folder from the stick to your disk.
2. You need Python {pythons}. If "python3 --version" (on Windows "py --version")
   says something else, ask the instructor.
3. Open a terminal in the copied folder and type

       python3 -m course up           (on Windows: py -m course up)

   It installs everything from this folder. No internet is needed.
4. If something does not work: python3 -m course doctor
   (on Windows: py -m course doctor)

To read only, open site/index.html in a browser. Packed for: {machines}.


이펙티브 Flask

1. 이 폴더를 통째로 USB에서 내 디스크로 복사하세요.
2. Python {pythons}이 필요합니다. python3 --version(Windows에서는 py --version)을
   실행했을 때 다른 버전이 나오면 강사에게 알려 주세요.
3. 복사한 폴더에서 터미널을 열고 다음을 입력하세요.

       python3 -m course up           (Windows: py -m course up)

   필요한 것은 모두 이 폴더에서 설치합니다. 인터넷은 필요 없습니다.
4. 잘 안 되면 python3 -m course doctor를 실행하세요(Windows에서는 py -m course doctor).

읽기만 하려면 브라우저로 site/ko/index.html을 여세요. 대상 시스템: {machines}.
"""


def pack(folder: Path, systems: Sequence[str], pythons: Sequence[str]) -> int:
    """Make ``folder``, which must not exist yet, and print the sizes of its parts.

    Args:
        systems: the names in `SYSTEMS` of the learners' machines.
        pythons: the versions in `PYTHONS` that are installed there.

    Raises:
        Failure: one of them is unknown, the folder exists, or there is no package for one of them.
    """
    for name in systems:
        if name not in SYSTEMS:
            raise Failure(say("pack.no_system", name=name, known=", ".join(SYSTEMS)))
    for name in pythons:
        if name not in PYTHONS:
            raise Failure(say("pack.no_python", name=name, known=", ".join(PYTHONS)))
    folder = folder.absolute()
    folder = folder.parent.resolve() / folder.name  # without `..`: beside the course is outside of it
    if folder.exists() or folder.is_symlink():
        raise Failure(say("pack.there", folder=folder))
    if folder.parent == ROOT or ROOT in folder.parents:
        raise Failure(say("pack.inside", folder=folder, outside=ROOT.parent / "pack"))
    console = Console(soft_wrap=True, highlight=False)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:  # never half a pack
        fresh = Path(scratch, folder.name)
        with console.status(say("pack.copying")):
            copy_course(fresh)
        sizes = {say("pack.course"): size(fresh)}
        wheels = fresh / WHEELS.name
        machines = [SYSTEMS[name] for name in systems]
        for machine in machines:
            before = size(wheels)
            for python in pythons:
                with console.status(say("pack.fetching", machine=machine.name, python=python)):
                    fetch(machine, python, wheels)
            sizes[say("pack.packages", machine=machine.name)] = size(wheels) - before
        with console.status(say("pack.building")):
            build_site()
            shutil.copytree(BUILT, fresh / "site")
            carry_lab(fresh)
        sizes[say("pack.site")] = size(fresh / "site")
        named = ", ".join(machine.name for machine in machines)
        start = START.format(pythons=" / ".join(pythons), machines=named)
        (fresh / "START.txt").write_text(start, encoding="utf-8", newline="\r\n")  # Notepad shows it too
        fresh.rename(folder)
    for name, amount in (sizes | {say("pack.all"): size(folder)}).items():
        console.print(f"{amount / 1e6:8.1f} MB  {name}")
    console.print("\n" + say("pack.done", folder=folder), markup=False)
    return 0


def copy_course(target: Path) -> None:
    """Copy the files of the course to ``target``, without what running it leaves behind."""
    copy_own_files(ROOT, target, but=LEFT_OUT)


def carry_lab(target: Path) -> None:
    """Copy the lab as Node has built it to where the site looks for it: the room needs no Node."""
    for built in (BUILT / "assets" / "lab").glob("*/packages.bin"):
        scripts = shutil.ignore_patterns("*.bin.js", "worker.js.js")  # made again with each site
        shutil.copytree(built.parent, target / "lab" / built.parent.name, ignore=scripts, dirs_exist_ok=True)


def fetch(machine: Machine, python: str, wheels: Path) -> None:
    """Add the wheels of the packed locks for one kind of machine and one Python to ``wheels``.

    pip would evaluate the markers for the machine that it runs on. They are evaluated here for the other one,
    and pip gets a list without them. Some depend on the patch release of a Python, which is not known: the
    first and the last may need different packages, and get both.

    Raises:
        Failure: pip could not download one of them.
    """
    lists = {"".join(wanted_lines(machine, f"{python}.{patch}")): f"{python}.{patch}" for patch in (0, 99)}
    for lines, patched in lists.items():
        output, failed = _download(machine, patched, lines, wheels)
        log = STATE / "wheels.log"
        log.write_text(output, encoding="utf-8")
        if failed and (missing := re.search(r"No matching distribution found for (\S+)", output)):
            raise Failure(
                say("pack.no_wheel", package=missing[1], machine=machine.name, python=python, log=log)
            )
        if failed:
            raise Failure(explain(output, log))


def _download(machine: Machine, python: str, lines: str, wheels: Path) -> tuple[str, bool]:
    """Let pip download the packages of ``lines``; return its output and whether it failed."""
    command = [PYTHON, "-m", "pip", "download", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--python-version", python, "--implementation", "cp", "--abi", "abi3", "--abi", "none"]
    command += ["--abi", "cp" + "".join(python.split(".")[:2]), "--dest", str(wheels)]
    for platform in machine.platforms:
        command += ["--platform", platform]
    if WHEELS.is_dir():  # a pack made from a pack, perhaps in the room itself
        command += ["--find-links", str(WHEELS), "--no-index"]
    with TemporaryDirectory() as scratch:
        wanted = Path(scratch, "requirements.txt")
        wanted.write_text(lines, encoding="utf-8")
        try:
            env = _pip_environment()
        except Unreadable as unread:
            return str(unread), True
        done = subprocess.run([*command, "-r", str(wanted)], env=env, capture_output=True)
    return decode(done.stdout + done.stderr), done.returncode != 0


@cache
def _pip_environment() -> dict[str, str]:
    """Return the environment of each download; to ask pip for its settings takes as long as a download."""
    return pip_environment(read_sources(PYTHON))


def wanted_lines(machine: Machine, python: str) -> Iterator[str]:
    """Yield the lines of the packed locks that apply to a machine, with their hashes and without markers.

    Args:
        python: with its patch, for example 3.12.0.
    """
    names = set()
    for lock in PACKED:
        for found in REQUIREMENT.finditer(lock.read_text(encoding="utf-8")):
            if found["name"] not in names and machine.wants(found["marker"], python):
                names.add(found["name"])  # several locks may pin a package, in the same version
                yield f"{found['name']} {found['hashes']}\n"


def size(folder: Path) -> int:
    """Return the bytes in a folder; 0 if it does not exist."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
