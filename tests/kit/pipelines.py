"""A learner's pipeline in any layout: the sessions of nox, the tests of a blueprint, the workflow."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from course.judging.isolation import WITHOUT_PLUGINS

NOX = Path(__file__).with_name("nox_on_this_machine.py")
SESSION = re.compile(r"^[*-] (.+?)(?: -> .*)?$", re.M)
ANY = "*"  # a name that is known only when the workflow runs


def nox(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run nox in ``folder``, with the tools of this machine whatever environments it wants to make."""
    assert (folder / "noxfile.py").is_file(), "there is no noxfile.py"
    env = {name: value for name, value in os.environ.items() if name not in ("BASE", "GITHUB_STEP_SUMMARY")}
    env |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PYTHONUTF8": "1"}
    env["PYTEST_ADDOPTS"] = " ".join([env.get("PYTEST_ADDOPTS", ""), *WITHOUT_PLUGINS])
    command = [sys.executable, str(NOX), "--force-venv-backend", "none", *arguments]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, encoding="utf-8", errors="replace", timeout=300
    )


def sessions(folder: Path) -> dict[str, bool]:
    """Return the names of the sessions that nox has in ``folder``, and whether `nox` alone runs each."""
    files = sorted(folder.glob("*.py"))  # the noxfile, and what it may import
    return _listed(folder, tuple(file.read_bytes() for file in files))


@cache
def _listed(folder: Path, files: tuple[bytes, ...]) -> dict[str, bool]:
    done = nox(folder, "--list")
    assert done.returncode == 0, f"nox --list ends with an error:\n{done.stderr}"
    lines = SESSION.finditer(done.stdout)
    return {found[1].strip(): found[0].startswith("*") for found in lines}


def base_name(session: str) -> str:
    """Return the name of a session without its parameters and versions of Python."""
    return re.split(r"\(|-\d", session)[0]


def session_of(folder: Path, blueprint: str) -> str:
    """Return the session of the tests of a blueprint: its name has the blueprint's in it."""
    named = [name for name in sessions(folder) if blueprint in re.split(r"[^a-z0-9]+", name.lower())]
    assert named, f"expected a session of nox for the tests of {blueprint}, with that in its name"
    return min(named, key=lambda name: "test" not in name)


def tests_of(folder: Path, blueprint: str) -> Path:
    """Return a file of a blueprint's tests: its name, or that of its folder, has the blueprint's in it."""
    files = [
        file
        for file in sorted((folder / "tests").rglob("*.py"))
        if re.match(r"test_|.*_test\.py$|tests\.py$", file.name)
        and blueprint in re.split(r"[^a-z0-9]+", file.relative_to(folder).as_posix().lower())
    ]
    assert files, f"expected tests of {blueprint} in a file or folder of that name"
    return files[0]


# -- the workflow -----------------------------------------------------------------------------------


def workflow_of(folder: Path) -> Path:
    """Return the file of the workflow with the job deploy, else the first."""
    files = sorted((folder / ".github" / "workflows").glob("*.y*ml"))
    assert files, "there is no workflow in .github/workflows"
    return next((file for file in files if "deploy" in jobs_of(file)), files[0])


def jobs_of(workflow: Path) -> dict[str, Any]:
    """Return the jobs of a workflow."""
    read = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    return dict(read.get("jobs") or {}) if isinstance(read, dict) else {}


def steps_of(job: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps of a job; one that calls another workflow has none."""
    return list(job.get("steps", []))


def written_by(job: dict[str, Any], workflow: dict[str, Any]) -> list[str]:
    """Return what a job may write; where nobody says, the settings of the repository decide: everything."""
    rights = job.get("permissions", workflow.get("permissions", "write-all"))
    if isinstance(rights, str):
        return [] if rights == "read-all" else ["everything"]
    return [what for what, right in (rights or {}).items() if right == "write"]


def before(job: str, jobs: dict[str, Any]) -> set[str]:
    """Return the jobs that do not wait for ``job``."""
    after = {job}
    while more := {name for name, other in jobs.items() if after & set(_list(other.get("needs")))} - after:
        after |= more
    return set(jobs) - after


def called_sessions(jobs: dict[str, Any], there: dict[str, bool]) -> set[str]:
    """Return the sessions of nox that the jobs call: their whole names, as far as nox lists them."""
    called: set[str] = set()
    for job in jobs.values():
        for row, step in itertools.product(_rows(job), steps_of(job)):
            variables = {**job.get("env", {}), **step.get("env", {})}
            values = {name: _fill(str(value), row) for name, value in variables.items()}
            run = _with_variables(_fill(step.get("run", ""), row), values)
            for line in run.replace("\\\n", " ").splitlines():
                called.update(_sessions_in(line, there))
    return called


def _sessions_in(line: str, there: dict[str, bool]) -> Iterator[str]:
    """Yield the sessions that a command line names, or if it names none those that `nox` alone runs."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # quotation marks over several lines
        words = line.split()
    if "nox" not in words:
        return
    words = words[words.index("nox") + 1 :]
    named, taking = [], False
    for word in words:
        option, _, value = word.partition("=")
        if word.startswith("-"):
            taking = option in ("-s", "-e", "--session", "--sessions")
            named += [value] if taking and value else []
        elif word in ("&&", "||", ";", "|"):
            break
        elif taking:
            named.append(word)
    for name in named or [name for name, alone in there.items() if alone]:
        yield from [one for one in there if name == base_name(one) or fnmatch(one, name)] or [name]


def _rows(job: dict[str, Any]) -> list[dict[str, str]]:
    """Return the rows of the job's matrix; what is computed while it runs is `ANY`."""
    matrix = job.get("strategy", {}).get("matrix", {})
    if not isinstance(matrix, dict):
        return [{}]
    axes = {
        axis: [str(value) for value in values] if isinstance(values, list) else [ANY]
        for axis, values in matrix.items()
        if axis not in ("include", "exclude")
    }
    rows = [dict(zip(axes, row, strict=True)) for row in itertools.product(*axes.values())]
    included = matrix.get("include", [])
    return rows + ([row for row in included if isinstance(row, dict)] if isinstance(included, list) else [])


def _with_variables(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda found: values.get(found[1], ANY), text)


def _fill(text: str, row: dict[str, str]) -> str:
    return re.sub(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}", lambda found: str(row.get(found[1], ANY)), text)


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])
