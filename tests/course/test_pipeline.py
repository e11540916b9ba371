"""The pipeline of chapter 7, run as GitHub would run it: see workflows.py for what stands in for GitHub."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kit.changed import unless_changed
from kit.workflows import Run, Runner

from course.lessons.own_files import copy_own_files
from course.lessons.stages import find_stage

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = Path(".github/workflows/ci.yml")
TESTS = ("tests", "coverage", "green")

pytestmark = [
    pytest.mark.skipif(
        sys.platform == "win32" or not shutil.which("git"), reason="the pipeline runs on Linux, and needs git"
    ),
    pytest.mark.timeout(300),  # some run a dozen jobs
    *unless_changed(("chapters/07_", ".github/", "tests/kit/"), ("test_pipeline.py", "requirements.txt")),
]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of the chapter's project, as it is pushed: one commit on main."""
    folder = tmp_path / "repository"
    copy_own_files(find_stage("7").path, folder)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder)
    return folder


@pytest.fixture
def docker(tmp_path: Path) -> Path:
    """A `docker` for PATH, and the folder in which it records its calls."""
    programs, state = tmp_path / "programs", tmp_path / "docker"
    for folder in (programs, state):
        folder.mkdir()
    program = programs / "docker"
    # Not by `#!` and Python's own path, which may contain a space.
    call = shlex.join([sys.executable, str(ROOT / "tests" / "kit" / "fake_docker.py")])
    program.write_text(f'#!/bin/sh\nexec {call} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return state


@pytest.fixture
def push(repository: Path, tmp_path: Path, docker: Path) -> Callable[..., Run]:
    """Push a branch: run the workflow on it, the jobs named or all."""

    def push(branch: str, *jobs: str) -> Run:
        scratch = tmp_path / "runner"
        scratch.mkdir()
        path = os.pathsep.join(
            [str(docker.parent / "programs"), str(Path(sys.executable).parent), os.environ["PATH"]]
        )
        runner = Runner(repository, branch, scratch, {"PATH": path, "DOCKER_STATE": str(docker)}, jobs)
        return runner.run(repository / WORKFLOW)

    return push


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=mina", "-c", "user.email=mina@example.com", "-c", "commit.gpgsign=false"]
    env = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True, env=env
    ).stdout.strip()


def commit(folder: Path, branch: str = "main") -> str:
    """Commit everything that is there, on ``branch``, and return the commit."""
    if branch != "main":
        git(folder, "switch", "--quiet", "--create", branch)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=a change")
    return git(folder, "rev-parse", "HEAD")


def change(folder: Path, file: str, old: str, new: str) -> None:
    """Replace a text that occurs once in ``file``."""
    text = (folder / file).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")


def test_main_is_tested_as_a_whole_and_deployed(
    repository: Path, push: Callable[..., Run], docker: Path
) -> None:
    """On main every job is green, and the image that passed the smoke test is the one that is deployed."""
    head = git(repository, "rev-parse", "HEAD")

    run = push("main")

    assert run.red == [], "\n".join(
        row.output for rows in run.jobs.values() for row in rows if row.result != "success"
    )
    assert set(run.green) == {
        *("checks", "coverage", "image", "green", "deploy"),
        *(f"tests ({blueprint})" for blueprint in ("auth", "health", "v1", "v2")),
    }
    assert (docker / "login").read_text() == "ghcr.io mina a made-up token"
    assert (docker / "pushed").read_text().splitlines() == [
        f"ghcr.io/mina/accounts:{head} {head}",
        f"ghcr.io/mina/accounts:production {head}",
    ]


def test_a_red_test_turns_one_job_red(repository: Path, push: Callable[..., Run]) -> None:
    """A test of one blueprint that fails turns only its own job red, and nothing is deployed."""
    change(repository, "tests/test_v1.py", '(201, "/v1/accounts/2")', '(201, "/v1/accounts/3")')
    commit(repository, "planted")

    run = push("planted", *TESTS, "deploy")

    assert run.red == ["tests (v1)", "green"]
    assert set(run.green) == {"tests (auth)", "tests (health)", "tests (v2)"}
    assert run.result("coverage") == run.result("deploy") == "skipped"


def test_a_branch_is_tested_as_a_whole(repository: Path, push: Callable[..., Run]) -> None:
    """A branch has the same jobs as main, whatever it changed, and is not deployed."""
    (repository / "README.md").write_text("# Accounts\n", encoding="utf-8")
    commit(repository, "words")

    run = push("words", *TESTS, "deploy")

    blueprints = ("auth", "health", "v1", "v2")
    assert run.green == [*(f"tests ({blueprint})" for blueprint in blueprints), "coverage", "green"]
    assert run.result("deploy") == "skipped"


def test_code_that_nobody_tests_is_below_the_floor(repository: Path, push: Callable[..., Run]) -> None:
    """A branch may not add code that its tests do not run, and the job says which lines those are."""
    with (repository / "app" / "health.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef unused() -> int:\n" + "    print()\n" * 40 + "    return 1\n")
    commit(repository, "untested")

    run = push("untested", *TESTS)

    assert run.red == ["coverage", "green"]
    assert "Coverage failure" in run.jobs["coverage"][0].output
    assert re.search(r"app/health.py .* 59-99\b", run.jobs["coverage"][0].output)


def test_an_image_that_forgets_a_file_is_not_deployed(
    repository: Path, push: Callable[..., Run], docker: Path
) -> None:
    """The smoke test uses what was built, not the files around it."""
    change(repository, "Dockerfile", "COPY config.py .\n", "")
    change(repository, "noxfile.py", "SECRET = ", 'os.environ["PATIENCE"] = "3"\nSECRET = ')
    commit(repository)

    run = push("main", "image", "green", "deploy")

    assert run.red == ["image", "green"]
    assert "No module named 'config'" in run.jobs["image"][0].output
    assert not (docker / "pushed").exists()


LINTERS = {
    "check-jsonschema": ["--builtin-schema", "vendor.github-workflows"],
    "zizmor": ["--offline", "--no-progress", "--quiet", f"--config={ROOT / '.github' / 'zizmor.yml'}"],
    "hadolint": [],
}


@pytest.mark.parametrize("linter", LINTERS)
@pytest.mark.parametrize("project", ["the chapter", "the course"])
def test_the_linters_have_nothing_to_say(repository: Path, linter: str, project: str) -> None:
    """Workflows are what their published schema allows; no linter finds anything in them or the images."""
    if linter == "hadolint" and sys.platform == "win32":
        pytest.skip("hadolint has no package for Windows")
    folder = repository if project == "the chapter" else ROOT
    workflows = sorted((folder / ".github" / "workflows").glob("*.yml"))
    files = {
        "check-jsonschema": workflows,
        "zizmor": [".github"],
        "hadolint": ["Dockerfile" if folder == repository else "final/Dockerfile"],
    }
    program = Path(sys.executable).parent / linter
    done = subprocess.run(
        [program, *LINTERS[linter], *files[linter]], cwd=folder, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr
