"""The locks on other systems and Pythons: wheels for each, as the set-up and the image want them.

uv reads the markers and looks for wheels as if it were there; it needs the index, or its cache of it.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from kit.environments import AWAY, UV

from course.paths import ROOT

LOCKS = (
    "requirements.txt",
    "requirements-07.txt",
    "tests/requirements.txt",
    "final/requirements.txt",
    "final/requirements-otel.txt",
    "course/setup/uv.txt",
)
#: Windows on ARM is not among them: granian and psycopg have no wheel for it. A Python of x86-64 runs there.
SYSTEMS = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
)
PYTHONS = ("3.11", "3.12", "3.13")

pytestmark = [
    pytest.mark.threads,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not UV.is_file(), reason="no uv: `python3 -m course test` installs it"),
]


def resolve(lock: Path, system: str, python: str, folder: Path) -> str:
    """Let uv look for the wheels of a lock; return what it says is missing, or nothing."""
    there = [f"--python-platform={system}", f"--python-version={python}", f"--target={folder}"]
    wheels = ["--dry-run", "--only-binary=:all:", "--no-deps", "--require-hashes"]
    command = [str(UV), "pip", "install", "--quiet", *wheels, *there, f"--requirement={lock}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode and AWAY.search(done.stderr):
        pytest.skip("no package index answers")
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_a_wheel(lock: str, system: str, tmp_path: Path) -> None:
    """For each Python that the course runs with: nobody compiles anything."""
    missing = {python: resolve(ROOT / lock, system, python, tmp_path / "none") for python in PYTHONS}
    assert set(missing.values()) == {""}, missing


def test_a_package_without_a_wheel_is_found(tmp_path: Path) -> None:
    """The test above can fail: a version that is too new for an old system has none there."""
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    # The version that has no wheel for a Mac with an Intel processor, as it was before the markers.
    own = "cryptography==" + lock.partition("\ncryptography==")[2].partition("\ncryptography==")[2]
    own = re.split(r"\n(?! )", own)[0].replace(
        " ; platform_machine != 'x86_64' or sys_platform != 'darwin'", ""
    )
    (tmp_path / "requirements.txt").write_text(own, encoding="utf-8")

    said = resolve(tmp_path / "requirements.txt", "x86_64-apple-darwin", "3.13", tmp_path / "none")

    assert "no usable wheels" in said or "no wheels" in said
