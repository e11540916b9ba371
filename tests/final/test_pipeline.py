"""The pipeline of the service: final/noxfile.py, called by .github/workflows/final.yml. Chapter 7."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TESTS, FOLDERS = ROOT / "tests", ("final", "drills")
OF_THE_COURSE = {"lab", "locks", "room"}  # drills of the course itself
WORKFLOW = ROOT / ".github" / "workflows" / "final.yml"


def areas() -> dict[str, tuple[str, ...]]:
    """Return AREAS of noxfile.py."""
    tree = ast.parse((ROOT / "final" / "noxfile.py").read_text(encoding="utf-8"))
    named = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    return ast.literal_eval(named["AREAS"])


def jobs() -> dict[str, Any]:
    """Return the jobs of the workflow."""
    return yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]


def test_every_area_has_a_job() -> None:
    """Each file of tests belongs to one area, and the workflow has a job for each area."""
    listed = [name for names in areas().values() for name in names]

    files = [file.stem.removeprefix("test_") for name in FOLDERS for file in (TESTS / name).glob("test_*.py")]
    there = [name for name in files if name not in OF_THE_COURSE]
    assert sorted(listed) == sorted(there), (
        "name each file of these folders once in AREAS of final/noxfile.py"
    )
    assert jobs()["tests"]["strategy"]["matrix"]["area"] == list(areas())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with this noxfile, a small service, and a small test for each of the files it names."""
    for name in ("noxfile.py", "coverage.toml"):
        (tmp_path / "final").mkdir(exist_ok=True)
        (tmp_path / "final" / name).write_bytes((ROOT / "final" / name).read_bytes())
    module = (
        "def reached():\n    return 1\n\n\ndef forgotten(x):\n    if x:\n        return 2\n    return 3\n"
    )
    for folder in ("final", "final-1"):  # the second as the tests copy it
        (tmp_path / folder / "app").mkdir(parents=True)
        (tmp_path / folder / "app" / "half.py").write_text(module, encoding="utf-8")
    load = "import runpy\n\n\ndef test_it():\n    runpy.run_path('final-1/app/half.py')['reached']()\n"
    for area, names in areas().items():
        folder = tmp_path / "tests" / ("drills" if area == "drills" else "final")
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / f"test_{name}.py").write_text(load, encoding="utf-8")
    return tmp_path


def nox(project: Path, session: str) -> subprocess.CompletedProcess[str]:
    """Run a session."""
    env = {name: value for name, value in os.environ.items() if name != "GITHUB_STEP_SUMMARY"}
    env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # looking for plugins takes longer than the tests
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    command = [sys.executable, "-m", "nox", "--noxfile", "final/noxfile.py", "--session", session]
    return subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, timeout=100)


def test_a_red_test_turns_one_job_red(project: Path) -> None:
    """A test of one area that fails turns the job of this area red, and no other."""
    with (project / "tests" / "final" / "test_login.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef test_planted():\n    assert False\n")

    results = {area: nox(project, f"tests({area})").returncode == 0 for area in ("auth", "drills")}

    assert results == {"auth": False, "drills": True}


def test_coverage_has_a_floor(project: Path) -> None:
    """What the jobs reached in copies of the service is joined, and too little of it is red."""
    assert nox(project, "tests(upkeep)").returncode == 0

    done = nox(project, "coverage")

    assert done.returncode != 0
    assert "final/app/half.py" in done.stdout.replace(os.sep, "/"), done.stdout + done.stderr
    assert "Coverage failure" in done.stdout + done.stderr
    assert (project / "final" / "htmlcov" / "index.html").is_file()


@pytest.mark.parametrize(
    ("changed", "concerned"),
    [
        ("final/app/services/auth.py", True),
        ("final/Dockerfile", True),
        ("tests/final/test_login.py", True),
        ("tests/kit/adapter.py", True),
        ("tests/drills/test_server.py", True),
        ("tests/strength/harness.py", False),
        ("tests/requirements.txt", True),
        ("chapters/start/app.py", False),
        ("docs/en/index.md", False),
        ("course/commands/up.py", False),
    ],
)
def test_what_a_change_concerns(changed: str, concerned: bool) -> None:
    """The pipeline runs for a change to the service, its tests, or what both depend on."""
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    paths = workflow[True]["push"]["paths"]  # YAML 1.1 takes the word `on` for a truth

    assert any(fnmatch(changed, path) for path in paths) is concerned
