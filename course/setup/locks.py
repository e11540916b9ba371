"""The lock files, and which of their packages `.venv` holds. Standard library only."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from course.paths import ROOT, VENV

LEARNER = ROOT / "requirements.txt"  # what every command needs
CHAPTER_7 = ROOT / "requirements-07.txt"  # the tools of its pipeline
TESTS = ROOT / "tests" / "requirements.txt"  # what `test` needs; chapter 7's tools are among it
UV = ROOT / "course" / "setup" / "uv.txt"  # the program that installs the others
PACKED = (LEARNER, CHAPTER_7, UV)  # the locks whose packages a folder made by `pack` carries
WHEELS = ROOT / "wheels"  # in a folder made by `pack`: where its packages are

_PIN = re.compile(r"^([\w.-]+)==([^\s;]+)( *;)?", re.M)


def digest(lock: Path) -> str:
    """Return the SHA-256 of a lock."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def pins(lock: Path, *, everywhere: bool = False) -> dict[str, str]:
    """Return the versions that a lock pins, by the normalized names of the packages.

    Args:
        everywhere: only the packages that every system and Python needs, those without a marker.
    """
    found = _PIN.findall(lock.read_text(encoding="utf-8"))
    return {normalized(name): version for name, version, marker in found if not (everywhere and marker)}


def missing(lock: Path) -> set[str]:
    """Return the packages of a lock that `.venv` lacks; those with a marker are not looked for."""
    return pins(lock, everywhere=True).keys() - installed().keys()


def outdated(lock: Path) -> set[str]:
    """Return the packages of a lock that `.venv` lacks or has in another version than the lock says."""
    return {name for name, _ in pins(lock, everywhere=True).items() - installed().items()}


def installed() -> dict[str, str]:
    """Return the versions of the packages in `.venv` by their normalized names."""
    folders = (folder.name.removesuffix(".dist-info").rpartition("-") for folder in installed_folders())
    return {normalized(name): version for name, _, version in folders}


def installed_folders() -> list[Path]:
    """Return the folder of `.venv` that describes each package in it."""
    packages = "Lib/site-packages" if os.name == "nt" else "lib/python*/site-packages"
    return list(VENV.glob(f"{packages}/*.dist-info"))


def normalized(name: str) -> str:
    """Return the name of a package in the form in which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()
