"""The folder `.venv`: how it is made, and the file in it that says it is finished. Standard library only."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

from course.errors import Failure
from course.messages import say
from course.paths import STATE, VENV
from course.setup.causes import explain
from course.setup.environment import environment, venv_python
from course.setup.locks import LEARNER, digest

MARKER = VENV / "course-ready.json"
PLACES = {"base": str(VENV), "platbase": str(VENV)}
SCHEME = "venv" if "venv" in sysconfig.get_scheme_names() else sysconfig.get_default_scheme()
PACKAGES = Path(sysconfig.get_path("purelib", SCHEME, PLACES))
#: A package that only says where the real one is. Nothing else beside `.venv` becomes importable.
LEADS_HERE = PACKAGES / "course" / "__init__.py"
FINDER = '''"""Leads to the course, which is beside this environment."""

import sys
from pathlib import Path

home = Path(sys.prefix).parent
if Path.cwd() != home:  # the modules of the folder in which `python -m course` runs are a learner's
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry) != Path.cwd()]
__path__ = [str(home / "course")]
'''


def missing_modules() -> list[str]:
    """Return the modules for making environments that this Python lacks: Debian ships it in parts."""
    return [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]


def check_python() -> None:
    """Raise a Failure if this Python cannot make environments."""
    if missing := missing_modules():
        raise Failure(say("setup.no_venv", modules=", ".join(missing), minor=sys.version_info.minor))


def make_venv() -> None:
    """Make `.venv` with the pip that Python carries, unpacked: installing it would take as long as the rest.

    Raises:
        Failure: Python could not make it.
    """
    base = getattr(sys, "_base_executable", None) or sys.executable  # not the Python of an active environment
    wheel = bundled_pip()
    options = ["--without-pip"] if wheel else []
    made = subprocess.run(
        [base, "-m", "venv", *options, str(VENV)],
        env=environment(),
        capture_output=True,
        text=True,
        errors="replace",
    )
    if made.returncode:
        log = STATE / "install.log"
        log.write_text(made.stdout + made.stderr, encoding="utf-8")
        raise Failure(explain(made.stdout + made.stderr, log))
    if wheel:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(PACKAGES)


def bundled_pip() -> Path | None:
    """Return the wheel of pip that Python carries for new environments, None if it is missing."""
    import ensurepip

    folders = [Path(ensurepip.__file__).parent / "_bundled"]
    if elsewhere := sysconfig.get_config_var("WHEEL_PKG_DIR"):  # some Linux distributions
        folders.append(Path(elsewhere))
    return next((wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"))), None)


def make_importable() -> None:
    """Let `python -m course` find the course in every folder while `.venv`, which is beside it, is active."""
    if not LEADS_HERE.exists():
        LEADS_HERE.parent.mkdir(parents=True, exist_ok=True)
        LEADS_HERE.write_text(FINDER, encoding="utf-8")


def remove_venv() -> None:
    """Remove `.venv`, or whatever has its name."""
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.exists():
        MARKER.unlink(missing_ok=True)  # first: a removal that is cut short must not look finished
        shutil.rmtree(VENV)


def mark_finished() -> None:
    """Say in `.venv` what it was made for. Written last: it means that everything else is done."""
    made_for = {
        "requirements": digest(LEARNER),
        "python": version_of(venv_python()),
        "executable": sys.executable,
    }
    MARKER.write_text(json.dumps(made_for), encoding="utf-8")


def is_current() -> bool:
    """Return whether `.venv` was finished for the present lock by the Python that it still starts with."""
    try:
        marker = json.loads(MARKER.read_text(encoding="utf-8"))
        return bool(
            marker["requirements"] == digest(LEARNER) and marker["python"] == version_of(venv_python())
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def version_of(python: Path) -> str | None:
    """Return the version of the interpreter at ``python``, None if it does not start."""
    command = [str(python), "-I", "-S", "-c", "import sys; print(sys.version_info[:3])"]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment()
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
