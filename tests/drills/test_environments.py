"""Each file of requirements, in an environment of its own: what it is for works there, with nothing else.

The environment of the suite has the packages of several files, so a test in it does not see what one lacks.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from kit.adapter import PASSWORD, LoadedStage
from kit.environments import UV, make_environment
from kit.server import Server

from course.paths import ROOT

pytestmark = [pytest.mark.threads, pytest.mark.timeout(900)]  # the packages may have to be fetched

LEARNER = "requirements.txt"
IMPORT_THE_COURSE = """
import importlib, pkgutil, course
for found in pkgutil.walk_packages(course.__path__, "course."):
    if found.name != "course.__main__":
        importlib.import_module(found.name)
"""

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Return the Python of an environment that holds the packages of some files, whose needs are all met."""
    made: dict[tuple[str, ...], Path] = {}

    def make(*files: str) -> Path:
        if files not in made:
            folder = tmp_path_factory.mktemp("environment") / ".venv"
            made[files] = make_environment(folder, *(ROOT / file for file in files))
            checked = [UV, "pip", "check", f"--python={made[files]}"]
            done = subprocess.run(checked, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        return made[files]

    return make


def run(python: Path, *words: str, folder: Path = ROOT, **variables: str) -> str:
    """Run Python with nothing else on its PATH before the environment's programs; return what it printed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
    env["PATH"] = os.pathsep.join([str(python.parent), env["PATH"]])
    done = subprocess.run(
        [python, *words], cwd=folder, env=env | variables, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def test_every_file_of_requirements_is_among_these() -> None:
    """A new file of requirements is tried here too, or in the test that is named beside it."""
    text = Path(__file__).read_text(encoding="utf-8")
    files = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("requirements*.txt")}
    ours = {file for file in files if not re.match(r"\.|workspace/|chapters/|final/benchmarks/", file)}
    elsewhere = {"final/requirements-otel.txt"}  # test_traces.py: it sends spans to a collector
    assert {file for file in ours if f'"{file}"' not in text} == set()
    assert elsewhere <= ours


def test_a_learner_s_packages_judge_a_folder(make: Make) -> None:
    """The course can be imported as a whole, and the suite judges a chapter."""
    python = make(LEARNER)

    run(python, "-c", IMPORT_THE_COURSE)
    stage = f"--stage={ROOT / 'chapters' / '02_factory_and_config'}"
    said = run(
        python, "-m", "pytest", "-q", "-p", "no:cacheprovider", stage, "tests/test_02_factory_and_config.py"
    )

    assert re.search(r"\d+ passed", said) and "failed" not in said


def test_chapter_7_s_tools_run_its_pipeline(make: Make) -> None:
    """Beside a learner's packages: the tests of the chapter run each of them."""
    python = make(LEARNER, "requirements-07.txt")
    stage = f"--stage={ROOT / 'chapters' / '07_continuous_integration'}"

    said = run(
        python,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        stage,
        "tests/test_07_continuous_integration.py",
    )

    assert re.search(r"\d+ passed", said) and "failed" not in said


def test_the_tests_find_all_that_they_import(make: Make) -> None:
    """The whole suite is collected."""
    python = make(LEARNER, "tests/requirements.txt")

    said = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--collect-only", "tests")

    assert re.search(r"\d+ tests collected", said)


@pytest.mark.skipif(sys.platform == "win32", reason="the server has several processes, which want fork")
def test_the_service_runs_on_its_own_packages(make: Make, final: LoadedStage, tmp_path: Path) -> None:
    """It migrates, takes an account and logs in."""
    python = make("final/requirements.txt")
    server = Server(final.folder, tmp_path, f"sqlite:///{tmp_path / 'accounts.sqlite'}", python)
    try:
        mina = {"email": "mina@example.com", "password": PASSWORD}
        server.send("POST", "/v2/accounts", mina | {"name": "Mina"})
        assert server.send("POST", "/v2/auth/login", mina).status == 200
    finally:
        server.close()


def test_the_installer_installs(make: Make) -> None:
    """uv, by which everything else comes."""
    assert run(make("course/setup/uv.txt"), "-m", "uv", "--version").startswith("uv ")
