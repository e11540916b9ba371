"""What the lab is loaded from and seldom changes: editor, worker, Python, packages. Made once per content.

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
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import distribution
from pathlib import Path
from tempfile import TemporaryDirectory

from course.paths import ROOT, STATE
from course.setup.environment import environment
from course.setup.programs import decode

SOURCE = ROOT / "docs" / "lab"
CACHE = STATE / "lab"
CARRIED = ROOT / "lab"  # where a pack has it, for a room in which nobody has Node

PACKAGES = (
    *("flask", "werkzeug", "jinja2", "itsdangerous", "click", "blinker", "markupsafe"),
    *("flask-jwt-extended", "pyjwt", "flask-sqlalchemy", "sqlalchemy", "typing-extensions"),
    *("pytest", "pluggy", "iniconfig", "packaging", "pygments", "pytest-timeout", "whatthepatch", "pyyaml"),
)
#: What no lesson imports, and what only a compiled Python could use.
LEFT_OUT = re.compile(
    r"\.\.|.*\.(so|pyd|pyx|pxd|pyi|c|h|typed)$|(.*/)?__pycache__/"
    r"|.*\.dist-info/(RECORD|INSTALLER|REQUESTED|WHEEL)|werkzeug/debug/shared/"
    r"|sqlalchemy/(testing|dialects/(mysql|postgresql|oracle|mssql))/"
    r"|pygments/lexers/(?!(__init__|_mapping|diff|python)\.py)"
    r"|pygments/(formatters|styles)/(?!(__init__|_mapping|terminal|default)\.py)"
)

#: What is carried and brings no licence file of its own.
NOTICE = """\
The laboratory of the lessons carries these works of others.

Pyodide {pyodide}, Mozilla Public License 2.0, https://www.mozilla.org/MPL/2.0/
    unchanged; its source: https://github.com/pyodide/pyodide/tree/{pyodide}
CPython, inside of Pyodide, Python Software Foundation License 2, https://docs.python.org/3/license.html
"""
BUNDLED = ("@codemirror", "@lezer", "@marijn", "@noble", "crelt", "style-mod", "w3c-keyname")

#: Where there is no network, npm would try for minutes.
IMPATIENT = ("--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=500")


class NoLab(Exception):
    """The lab cannot be built here; one sentence says why."""


def build_bundle() -> Path:
    """Return the folder with all of it, made now if it is not there yet.

    Raises:
        NoLab: Node or npm is missing, or the npm packages cannot be had.
    """
    lock, build = SOURCE / "package-lock.json", SOURCE / "build.mjs"
    pinned = [
        lock,
        build,
        ROOT / "requirements.txt",
        SOURCE / "python" / "compile_packages.py",
        Path(__file__),
    ]
    key = _digest(*pinned, *(SOURCE / "src").glob("*"))
    if (CARRIED / key).is_dir():
        return CARRIED / key

    def install(folder: Path) -> None:
        for file in (SOURCE / "package.json", lock):
            shutil.copy(file, folder)
        _run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", *IMPATIENT, cwd=folder)

    def build_part(folder: Path, *part: str) -> None:
        npm = _made_once(f"npm-{_digest(lock)}", install)
        with TemporaryDirectory(dir=npm) as work:  # Node looks for packages in the folders above
            shutil.copytree(SOURCE, work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("messages"))
            pack_packages(Path(work, "packages.zip"))
            _run("node", "build.mjs", *part, str(folder), cwd=Path(work))
            (folder / "licences.txt").write_text(licences(npm), encoding="utf-8", newline="\n")

    def build_all(folder: Path) -> None:
        compiled = _made_once(f"packages-{_digest(*pinned)}", lambda made: build_part(made, "packages"))
        build_part(folder, "page")
        for name in ("packages.bin", "stdlib.bin"):
            shutil.copy(compiled / name, folder)

    return _made_once(key, build_all)


def pack_packages(target: Path) -> None:
    """Write the packages, as they are installed here, into a zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
        for name in PACKAGES:
            for file in distribution(name).files or ():
                if not LEFT_OUT.match(file.as_posix()):
                    made.writestr(file.as_posix(), file.read_binary())


def licences(npm: Path) -> str:
    """Return the licences of all that is carried, in full where a package brings its text along."""
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
    """Return the folder of that name in the cache; ``make`` fills it if it is not there yet."""
    kept = CACHE / name
    if kept.is_dir():
        return kept
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise NoLab(f"{program} is not here; Node 20 or newer brings it")
    CACHE.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=CACHE, prefix="new-", ignore_cleanup_errors=True) as scratch:
        fresh = Path(scratch, name)
        fresh.mkdir()
        make(fresh)
        with suppress(OSError):  # another process was quicker
            fresh.rename(kept)
    return kept


def _digest(*files: Path) -> str:
    """Return what is different as soon as one of the files is."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.name}\n".encode() + file.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def _run(program: str, *arguments: str, cwd: Path) -> None:
    found = shutil.which(program) or program  # on Windows npm is a script, which is found by its whole name
    done = subprocess.run([found, *arguments], cwd=cwd, env=environment(), capture_output=True)
    if done.returncode:
        said = decode(done.stdout + done.stderr)
        (CACHE / "build.log").write_text(said, encoding="utf-8")
        where = os.path.relpath(CACHE / "build.log", ROOT)
        errors = [
            line.strip()
            for line in said.splitlines()
            if "error" in line.lower() and 4 < len(line.split()) < 60
        ]
        raise NoLab(f"{program} failed ({(errors or ['it does not say why'])[0]}): see {where}")
