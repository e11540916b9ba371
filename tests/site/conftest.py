"""The site, built once for all processes of a run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 180  # seconds until another process has built it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give whoever waits for the site the time that building it takes where much else runs."""
    for item in items:
        if "built_site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(PATIENCE + 120))


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The site as `mkdocs build --strict` writes it: its folder, and what mkdocs said."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # all processes of one run have this in common
    folder, log = shared / "site", shared / "site.log"
    try:
        (shared / "site.building").mkdir()
    except FileExistsError:
        until = time.monotonic() + PATIENCE
        while not log.exists():
            assert time.monotonic() < until, "the process that builds the site does not finish"
            time.sleep(0.1)
        return folder, log.read_text(encoding="utf-8")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    unfinished = log.with_suffix(".writing")
    unfinished.write_text(f"{built.stdout}\nexit status {built.returncode}", encoding="utf-8")
    unfinished.rename(log)
    return folder, log.read_text(encoding="utf-8")
