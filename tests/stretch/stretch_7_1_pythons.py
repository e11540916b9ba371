"""Stretch task 7.1: main is tested with every Python that the project promises, a branch with the newest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit.adapter import Stage
from kit.workflows import Run, Runner, fill

PROMISED = ["3.11", "3.12", "3.13"]


def workflow(stage: Stage) -> Path:
    return stage.loaded.folder / ".github" / "workflows" / "ci.yml"


def push(stage: Stage, branch: str, folder: Path) -> Run:
    """Go through the workflow as a push to ``branch`` would, without running its steps."""
    return Runner(folder, branch, folder, pretend={}).run(workflow(stage))


def jobs_of_one_blueprint(run: Run) -> list[str]:
    """Return the names of the jobs that test `v1`: all of them if the matrix is computed while it runs."""
    names = [row.name for row in run.jobs["tests"]]
    return [name for name in names if "v1" in name] or names


def test_main_is_tested_with_every_python(stage: Stage, tmp_path: Path) -> None:
    """A push to main has a job for each blueprint and Python, 3.11 to 3.13, and its name says which."""
    names = jobs_of_one_blueprint(push(stage, "main", tmp_path))

    assert len(names) == len(PROMISED), f"for one blueprint there are {names}"
    assert [version for version in PROMISED for name in names if version in name] == PROMISED, names


def test_a_branch_is_tested_with_the_newest(stage: Stage, tmp_path: Path) -> None:
    """A push to a branch has one job for each blueprint: who waits for it wants to know soon."""
    names = jobs_of_one_blueprint(push(stage, "feature", tmp_path))

    assert len(names) == 1 and "3.13" in names[0], names


def step(stage: Stage, action: str) -> dict[str, Any]:
    """Return what the job `tests` tells an action."""
    steps = yaml.safe_load(workflow(stage).read_text(encoding="utf-8"))["jobs"]["tests"]["steps"]
    return next(step["with"] for step in steps if step.get("uses", "").startswith(f"actions/{action}@"))


def rows() -> list[dict[str, Any]]:
    matrix = [{"blueprint": name, "python": version} for name in ("v1", "v2") for version in PROMISED]
    return [{"matrix": row, "github": {"ref": "refs/heads/main"}} for row in matrix]


def test_each_job_installs_its_own(stage: Stage) -> None:
    """The Python in the job's name is the one that it sets up."""
    installed = [fill(step(stage, "setup-python")["python-version"], row) for row in rows()]

    assert [str(version) for version in installed] == PROMISED * 2


def test_no_two_jobs_hand_over_the_same(stage: Stage) -> None:
    """What a job reached has a name of its own, or the second to hand it over is refused."""
    names = [fill(step(stage, "upload-artifact")["name"], row) for row in rows()]

    assert len(set(names)) == len(names), names


def test_no_two_jobs_write_the_same_file(stage: Stage) -> None:
    """Nor do they overwrite each other where all is joined: the file names its Python."""
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [sys.executable, "-m", "nox", "--session", "tests(health)"]
    subprocess.run(command, cwd=stage.loaded.folder, env=env, capture_output=True, check=True)

    files = [file.name for file in (stage.loaded.folder / "reached").iterdir()]
    assert any(f"{sys.version_info[0]}.{sys.version_info[1]}" in name for name in files), files


@pytest.mark.kept_before
def test_only_main_is_deployed(stage: Stage, tmp_path: Path) -> None:
    """More jobs, and still one deployment."""
    assert push(stage, "main", tmp_path).result("deploy") == "success"
    assert push(stage, "feature", tmp_path).result("deploy") == "skipped"
