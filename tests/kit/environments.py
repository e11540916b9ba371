"""Environments with nothing in them but one or two files of requirements, as a server has them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

UV = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
AWAY = re.compile(r"Failed to fetch|error sending request|dns error|Connection refused|timed out", re.I)


def make_environment(folder: Path, *requirements: Path) -> Path:
    """Install ``requirements`` and nothing else into ``folder``, and return its Python; skip where uv cannot.

    uv takes what it has in its cache; the rest comes from the index, as pip is configured.
    """
    if not UV.is_file():
        pytest.skip("no uv: `python3 -m course test` installs it")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    files = [word for file in requirements for word in ("-r", str(file))]
    locked = ["--require-hashes", "--no-deps"]
    for command in (
        ["venv", "--quiet", f"--python={sys.executable}", str(folder)],
        ["pip", "install", "--quiet", f"--python={python}", *locked, *files],
    ):
        done = subprocess.run(
            [UV, *command], capture_output=True, encoding="utf-8", errors="replace", timeout=600
        )
        if done.returncode and AWAY.search(done.stderr):
            pytest.skip("no package index answers")
        assert done.returncode == 0, done.stderr
    return python
