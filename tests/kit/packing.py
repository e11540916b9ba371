"""`pack`, run as a program, with a small site in place of the real one."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

#: Packs, with a small site in place of the real one, which other tests build.
PACK = """
import sys
from pathlib import Path
from course import cli
from course.commands import pack
from course.errors import Failure
pack.STATE.mkdir(exist_ok=True)
pack.BUILT = Path(sys.argv.pop(1))
pack.BUILT.mkdir(exist_ok=True)
lab = pack.BUILT / "assets" / "lab" / "f00d"
lab.mkdir(parents=True, exist_ok=True)
for name in ("packages.bin", "packages.bin.js", "lab.js"):
    (lab / name).touch()
(pack.BUILT / "index.html").touch()
pack.build_site = lambda: False
try:
    sys.exit(cli.run_command_line(["pack", *sys.argv[1:]]))
except Failure as failure:
    sys.exit(str(failure))
"""


def run_pack(root: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", PACK, f"{Path(arguments[0]).parent / 'built-site'}", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    return done.returncode, done.stdout


def here() -> list[str]:
    """Return the options that pack for this machine."""
    system = {"linux": "linux", "darwin": "macos", "win32": "windows"}[sys.platform]
    if system == "linux" and platform.machine() == "aarch64":
        system = "linux-arm"
    if system == "macos" and platform.machine() == "x86_64":
        system = "macos-intel"
    return ["--for", system, "--python", f"{sys.version_info.major}.{sys.version_info.minor}"]
