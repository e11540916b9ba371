"""The part of the lab that seldom changes: editor, worker, Python, packages. Built once per content.

The npm packages are pinned with hashes by docs/lab/package-lock.json. Python's packages are those of the
course's own environment, which pip has compared with requirements.txt: the lab runs what a laptop runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory

from course.paths import ROOT, STATE
from course.setup.environment import environment
from course.setup.programs import decode

SOURCE = ROOT / "docs" / "lab"
LOCK = SOURCE / "package-lock.json"
#: What the compiled packages depend on.
PINNED = (
    *(LOCK, SOURCE / "build.mjs", SOURCE / "python" / "compile_packages.py"),
    *(ROOT / "requirements.txt", Path(__file__)),
)
CACHE = STATE / "lab"
CARRIED = ROOT / "lab"  # where a pack keeps it, for computers without Node

PACKAGES = (
    *("flask", "werkzeug", "jinja2", "itsdangerous", "click", "blinker", "markupsafe"),
    *("flask-jwt-extended", "pyjwt", "flask-sqlalchemy", "sqlalchemy", "typing-extensions"),
    *("pytest", "pluggy", "iniconfig", "packaging", "pygments", "pytest-timeout", "whatthepatch", "pyyaml"),
    *("freezegun", "python-dateutil"),
)
#: Files that no lesson imports, or that only CPython could use.
LEFT_OUT = re.compile(
    r"\.\.|.*\.(so|pyd|pyx|pxd|pyi|c|h|typed)$|(.*/)?__pycache__/"
    r"|.*\.dist-info/(RECORD|INSTALLER|REQUESTED|WHEEL)|werkzeug/debug/shared/"
    r"|sqlalchemy/(testing|dialects/(mysql|postgresql|oracle|mssql))/"
    r"|dateutil/zoneinfo/.*\.tar\.gz"
    r"|pygments/lexers/(?!(__init__|_mapping|diff|python)\.py)"
    r"|pygments/(formatters|styles)/(?!(__init__|_mapping|terminal|default)\.py)"
)

#: The parts of the bundle without a licence file of their own.
NOTICE = """\
The lab of the lessons contains these works of others.

Pyodide {pyodide}, Mozilla Public License 2.0, https://www.mozilla.org/MPL/2.0/
    unchanged; its source: https://github.com/pyodide/pyodide/tree/{pyodide}
CPython, in Pyodide, Python Software Foundation License 2, https://docs.python.org/3/license.html
"""
BUNDLED = ("@codemirror", "@lezer", "@marijn", "@noble", "crelt", "style-mod", "w3c-keyname")

#: Without a network, npm would retry for minutes.
NPM_OPTIONS = ("--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=500")


class NoLab(Exception):
    """The lab cannot be built here; one sentence says why."""


def is_built() -> bool:
    """Return whether the bundle is there already.

    Raises:
        NoLab: it is not, and cannot be built here.
    """
    if (CARRIED / _key()).is_dir() or (CACHE / _key()).is_dir():
        return True
    _need_node()
    return False


def build_bundle() -> Path:
    """Return the folder of the bundle, built now if it is not there yet.

    Raises:
        NoLab: Node or npm is missing, or npm cannot install its packages.
    """

    def build_part(folder: Path, *part: str) -> None:
        with node_folder() as work:
            pack_packages(work / "packages.zip")
            _run("node", "build.mjs", *part, str(folder), cwd=work)
            (folder / "licences.txt").write_text(licences(work.parent), encoding="utf-8", newline="\n")

    def build_all(folder: Path) -> None:
        compiled = _made_once(f"packages-{_digest(*PINNED)}", lambda made: build_part(made, "packages"))
        build_part(folder, "page")
        for name in ("packages.bin", "stdlib.bin"):
            shutil.copy(compiled / name, folder)

    carried = CARRIED / _key()
    return carried if carried.is_dir() else _made_once(_key(), build_all)


@contextmanager
def node_folder() -> Iterator[Path]:
    """Yield a copy of docs/lab below a folder with the npm packages, where Node looks for them.

    Raises:
        NoLab: see `build_bundle`.
    """

    def install(folder: Path) -> None:
        for file in (SOURCE / "package.json", LOCK):
            shutil.copy(file, folder)
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", *NPM_OPTIONS, cwd=folder)

    npm = _made_once(f"npm-{_digest(LOCK)}", install)
    with TemporaryDirectory(dir=npm) as work:
        shutil.copytree(SOURCE, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("messages"))
        yield Path(work)


def _key() -> str:
    return _digest(*PINNED, *(SOURCE / "src").glob("*"))


def pack_packages(target: Path) -> None:
    """Write the installed packages into a zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for name in PACKAGES:
            for file in distribution(name).files or ():
                if not LEFT_OUT.match(file.as_posix()):
                    made.writestr(file.as_posix(), file.read_binary())


def licences(npm: Path) -> str:
    """Return the licences of all parts, in full where a package contains the text."""
    modules = npm / "node_modules"
    about = json.loads((modules / "pyodide" / "package.json").read_text(encoding="utf-8"))
    parts = [NOTICE.format(pyodide=about["version"])]
    for file in sorted(modules.glob("**/LICENSE*")):
        name = file.parent.relative_to(modules).as_posix()
        if name.startswith(BUNDLED):
            parts.append(f"{name}\n\n{file.read_text(encoding='utf-8')}")
    for name in PACKAGES:
        for entry in distribution(name).files or ():
            if re.search(r"\.dist-info/(licenses/)?(LICEN[CS]E|COPYING)[^/]*$", entry.as_posix()):
                parts.append(f"{name}\n\n{entry.read_text(encoding='utf-8')}")
    return f"\n{'-' * 78}\n".join(parts)


def _made_once(name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder ``name`` of the cache; ``make`` fills it if it is not there yet."""
    kept = CACHE / name
    if kept.is_dir():
        return kept
    _need_node()
    CACHE.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=CACHE, prefix="new-", ignore_cleanup_errors=True) as scratch:
        fresh = Path(scratch, name)
        fresh.mkdir()
        make(fresh)
        with suppress(OSError):  # another process was faster
            fresh.rename(kept)
    return kept


def _need_node() -> None:
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise NoLab(f"{program} is missing; install Node 20 or newer")


def _digest(*files: Path) -> str:
    """Return a digest of the files; line endings do not count."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.name}\n".encode() + file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def _run(program: str, *arguments: str, cwd: Path) -> None:
    found = shutil.which(program) or program  # on Windows npm is a script, and needs its full name
    done = subprocess.run([found, *arguments], cwd=cwd, env=environment(), capture_output=True)
    if done.returncode:
        output = decode(done.stdout + done.stderr)
        (CACHE / "build.log").write_text(output, encoding="utf-8")
        where = os.path.relpath(CACHE / "build.log", ROOT)
        errors = [
            line.strip()
            for line in output.splitlines()
            if "error" in line.lower() and 4 < len(line.split()) < 60
        ]
        raise NoLab(f"{program} failed ({(errors or ['it does not say why'])[0]}): see {where}")
