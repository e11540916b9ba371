"""A container engine for the drills: `docker` or `podman`, called in a copy of final/."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from kit.adapter import LoadedStage

COMMIT, BUILT_AT = "0123abc", "2026-11-27T00:00:00Z"
HOW = "install and start Docker (docs.docker.com/engine/install) or podman"


class Engine:
    """A container engine, called in a folder."""

    def __init__(self, program: str, folder: Path) -> None:
        self.program, self.folder = program, folder

    def run(self, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run one of its commands, which may fail."""
        options = {"cwd": self.folder, "capture_output": True, "text": True, "timeout": 1000} | options
        return subprocess.run([self.program, *words], **options)

    def __call__(self, *words: str, **options: Any) -> str:
        """Run a command that has to succeed, and return what it printed."""
        done = self.run(*words, **options)
        assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout.strip()

    def need_images(self, file: str, pattern: str) -> None:
        """Skip the test unless the images that ``file`` names are here or can be pulled."""
        names = set(re.findall(pattern, (self.folder / file).read_text(encoding="utf-8"), re.M))
        for name in names:
            if self.run("image", "inspect", name).returncode and self.run("pull", name).returncode:
                pytest.skip(f"no base image {name}: {Path(self.program).name} pull {name}")

    def build(self, *arguments: str, **options: Any) -> str:
        """Build the Dockerfile in its folder and return the name of the image."""
        tag = f"accounts-drill-{token_hex(4)}"
        # Docker's format keeps the health check, which podman's leaves out.
        docker_format = ["--format=docker"] if Path(self.program).name == "podman" else []
        stamps = [f"--build-arg=COMMIT={COMMIT}", f"--build-arg=BUILT_AT={BUILT_AT}"]
        self("build", *docker_format, *stamps, *arguments, f"--tag={tag}", ".", **options)
        return tag


@pytest.fixture(scope="module")
def engine(final: LoadedStage, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine that responds, in a copy of final/."""
    folder = tmp_path_factory.mktemp("containers") / "final"
    left_out = shutil.ignore_patterns("instance", "*.sqlite", "__pycache__", "secrets", ".env", "tls")
    shutil.copytree(final.folder, folder, ignore=left_out)
    for program in filter(None, map(shutil.which, ("docker", "podman"))):
        engine = Engine(program, folder)
        if engine.run("info").returncode == 0:
            return engine
    pytest.skip(f"no container engine answers: {HOW}")


@pytest.fixture(scope="module")
def image(engine: Engine) -> Iterator[str]:
    """Built once; no container that runs from it can change it."""
    engine.need_images("Dockerfile", r"^FROM (\S+)")
    tag = engine.build()
    yield tag
    engine.run("rmi", "--force", tag)


def smoke(engine: Engine, url: str) -> None:
    """Use a running service once, as the pipeline does."""
    command = [sys.executable, "smoke.py", url, COMMIT]
    done = subprocess.run(
        command, cwd=engine.folder, capture_output=True, encoding="utf-8", errors="replace", timeout=100
    )
    assert done.returncode == 0, done.stderr
