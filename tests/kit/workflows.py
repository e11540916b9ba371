"""Runs a workflow of GitHub on this machine: each job in a fresh clone, and its `run:` steps for real.

It imitates what GitHub does itself: the order of the jobs, conditions, the matrix, outputs, artifacts,
and the actions that the course uses. Anything else is an error, and is not silently ignored.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml
from kit.expressions import evaluate, fill, text

from course.judging.isolation import WITHOUT_PLUGINS


@dataclass
class Job:
    """One job of a run; a matrix has one for each row."""

    name: str
    result: str = "skipped"  # or success, failure
    steps: list[str] = field(default_factory=list)
    output: str = ""


@dataclass
class Run:
    """What became of a workflow."""

    jobs: dict[str, list[Job]] = field(default_factory=dict)

    def result(self, job: str) -> str:
        """Return one result for a job with all its rows: one failure makes it a failure."""
        results = {row.result for row in self.jobs[job]} or {"skipped"}
        return next(r for r in ("failure", "skipped", "success") if r in results)

    @property
    def red(self) -> list[str]:
        """The names of the jobs that failed."""
        return [row.name for rows in self.jobs.values() for row in rows if row.result == "failure"]

    @property
    def green(self) -> list[str]:
        """The names of those that passed."""
        return [row.name for rows in self.jobs.values() for row in rows if row.result == "success"]


#: An action that fails when a job before it has failed.
ALL_GREEN = "re-actors/alls-green"
#: What a job may use that only looks at the results of others: nothing of it leaves this machine.
HARMLESS = ("cat", "false", "grep", "jq", "python3", "sed", "tr", "true")


class Runner:
    """Stands in for GitHub.

    Args:
        repository: the clone that was pushed to; ``branch`` is what was pushed.
        scratch: an empty folder to work in.
        env: more variables for every step, a PATH with other programs in it for example.
        only: the jobs to run; all of them if it is empty.
        pretend: run only jobs that need no action, and take the other results from here, else success.
    """

    def __init__(
        self,
        repository: Path,
        branch: str,
        scratch: Path,
        env: Mapping[str, str] = {},
        only: tuple[str, ...] = (),
        pretend: Mapping[str, str] | None = None,
    ) -> None:
        self.repository, self.branch, self.scratch, self.only = repository, branch, scratch, only
        self.env = {
            **os.environ,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PYTEST_ADDOPTS": " ".join(WITHOUT_PLUGINS),
            **env,
        }
        self.pretend = pretend
        self.bash = shutil.which("bash") or "bash"
        self.run_ = Run()
        self.installed: set[str] = set()
        self.outputs: dict[str, dict[str, str]] = {}
        self.github = {
            "ref": f"refs/heads/{branch}",
            "ref_name": branch,
            "ref_type": "branch",
            "event_name": "push",
            "event": {},
            "head_ref": "",
            "base_ref": "",
            "sha": "0bf3cc4" * 5 + "0bf3c",
            "run_id": "1",
            "run_number": "1",
            "run_attempt": "1",
            "workflow": "ci",
            "repository": "mina/accounts",
            "repository_owner": "mina",
            "actor": "mina",
            "token": "a made-up token",
        }

    def run(self, file: Path) -> Run:
        """Run the workflow in ``file``."""
        workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
        waiting = dict(workflow["jobs"])
        if not self._is_triggered(workflow):
            self.run_.jobs = {name: [Job(name)] for name in waiting}
            return self.run_
        while waiting:
            ready = [n for n, job in waiting.items() if not set(_list(job.get("needs"))) & waiting.keys()]
            assert ready, f"jobs wait for each other: {sorted(waiting)}"
            for name in ready:
                job = waiting.pop(name)
                self.run_.jobs[name] = []
                if not self.only or name in self.only:
                    self._job(name, job, workflow.get("env", {}))
        return self.run_

    def _is_triggered(self, workflow: dict[Any, Any]) -> bool:
        """Say whether the push starts the workflow, or else a pull request of its branch."""
        events = workflow.get("on", workflow.get(True))  # YAML reads `on` as true
        events = events if isinstance(events, dict) else dict.fromkeys(_list(events))
        if "push" in events:
            push = events["push"] or {}
            wanted, unwanted = push.get("branches"), _list(push.get("branches-ignore"))
            if wanted is None and "tags" in push and not unwanted:
                wanted = []
            kept = wanted is None or any(fnmatch(self.branch, pattern) for pattern in _list(wanted))
            if kept and not any(fnmatch(self.branch, pattern) for pattern in unwanted):
                return True
        if "pull_request" not in events or self.branch == "main":
            return False
        self.github |= {"event_name": "pull_request", "ref": "refs/pull/1/merge", "ref_name": "1/merge"}
        self.github |= {"head_ref": self.branch, "base_ref": "main"}
        return True

    def _job(self, name: str, job: dict[str, Any], env: dict[str, str]) -> None:
        needs = _list(job.get("needs"))
        results = {need: self.run_.result(need) for need in needs}
        context = {
            "github": self.github,
            "needs": {n: {"result": r, "outputs": self.outputs.get(n, {})} for n, r in results.items()},
            "vars": {},
            "secrets": {},
            "env": env,
        }
        condition = str(job.get("if", "success()"))
        # A job whose condition names none of these runs only after success.
        if not re.search(r"\b(always|failure|success|cancelled)\(\)", condition):
            condition = f"success() && ({condition})"
        context["ok"] = all(result == "success" for result in results.values())
        if not evaluate(condition, context):
            self.run_.jobs[name].append(Job(job.get("name", name)))
            return
        for row in self._rows(job, context):
            self.run_.jobs[name].append(self._row(name, job, env, context | {"matrix": row}))

    def _rows(self, job: dict[str, Any], context: dict[str, Any]) -> list[dict[str, Any]]:
        matrix = fill(job.get("strategy", {}).get("matrix", {}), context)
        axes = {axis: values for axis, values in matrix.items() if axis not in ("include", "exclude")}
        rows = [dict(zip(axes, row, strict=True)) for row in itertools.product(*axes.values())]
        left_out = [row for row in rows for out in matrix.get("exclude", []) if out.items() <= row.items()]
        rows = [row for row in rows if row not in left_out and (row or "include" not in matrix)]
        return rows + list(matrix.get("include", []))

    def _row(self, name: str, job: dict[str, Any], env: dict[str, str], context: dict[str, Any]) -> Job:
        row = Job(str(fill(job.get("name", name), context)), "success")
        actions = [str(step["uses"]) for step in [job, *job.get("steps", [])] if "uses" in step]
        if self.pretend is not None and (name in self.pretend or actions):
            row.result = self.pretend.get(name, "success")
            results = [need["result"] for need in context["needs"].values()]
            if any(ALL_GREEN in action for action in actions) and "failure" in results:
                row.result = "failure"
            self.outputs[name] = dict.fromkeys(job.get("outputs", {}), '["one"]')
            return row
        folder = self.scratch / re.sub(r"\W+", "-", row.name)
        folder.mkdir(exist_ok=self.pretend is not None)
        files = {what: self.scratch / f"{folder.name}.{what}" for what in ("output", "step_summary")}
        variables = {f"GITHUB_{what.upper()}": str(file) for what, file in files.items()}
        context["steps"] = {}
        for step in job["steps"]:
            condition = str(step.get("if", "success()"))
            context["ok"] = row.result == "success"
            if not evaluate(condition, context):
                continue
            row.steps.append(step.get("uses") or step["run"])
            if step.get("run") in self.installed:
                continue
            if "uses" in step:
                self._action(step["uses"].split("@")[0], fill(step.get("with", {}), context), folder)
                continue
            wanted = {**env, **job.get("env", {}), **step.get("env", {})}
            done = subprocess.run(
                [
                    self.bash,
                    "--noprofile",
                    "--norc",
                    "-eo",
                    "pipefail",
                    "-c",
                    str(fill(step["run"], context)),
                ],
                cwd=folder,
                env=self._variables() | variables | _filled(wanted, context),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                timeout=100,
            )
            if "pip install" in step["run"]:
                self.installed.add(step["run"])  # one environment for all jobs, so once is enough
            row.output += f"$ {step['run']}\n{done.stdout}"
            if done.returncode:
                row.result = "failure"
            if "id" in step and files["output"].exists():
                lines = files["output"].read_text(encoding="utf-8").splitlines()
                context["steps"][step["id"]] = {"outputs": dict(line.split("=", 1) for line in lines)}
        self.outputs[name] = {key: str(fill(value, context)) for key, value in job.get("outputs", {}).items()}
        return row

    def _variables(self) -> dict[str, str]:
        """Return the variables of every step. Where results are made up, only harmless programs are there."""
        if self.pretend is None:
            return self.env
        programs = self.scratch / "programs"
        programs.mkdir(exist_ok=True)
        for name in HARMLESS:
            if (found := shutil.which(name)) and not (programs / name).exists():
                (programs / name).symlink_to(found)
        return {"PATH": str(programs)}

    def _action(self, action: str, options: dict[str, Any], folder: Path) -> None:
        artifacts = self.scratch / "artifacts"
        if action == "actions/checkout":
            assert options.get("persist-credentials") is False, "a step could read the token of this run"
            deep = [] if options.get("fetch-depth") == 0 else ["--depth=1"]
            clone = [
                "git",
                "clone",
                "--quiet",
                f"--branch={self.branch}",
                *deep,
                self.repository.as_uri(),
                str(folder),
            ]
            subprocess.run(clone, check=True, env=self.env)
        elif action == "actions/upload-artifact":
            hidden = (
                shutil.ignore_patterns()
                if options.get("include-hidden-files")
                else shutil.ignore_patterns(".*")
            )
            source, target = folder / options["path"], artifacts / options["name"]
            assert source.exists(), f"upload-artifact: there is no {options['path']}"
            assert not target.exists(), f"upload-artifact: there is a {options['name']} already"
            if source.is_dir():
                shutil.copytree(source, target, ignore=hidden)
            else:
                target.mkdir(parents=True)
                shutil.copy(source, target)
        elif action == "actions/download-artifact":
            for artifact in artifacts.glob(options.get("name") or options["pattern"]):
                assert options.get("merge-multiple") or "name" in options, (
                    "each would come in a folder of its own"
                )
                shutil.copytree(artifact, folder / options.get("path", "."), dirs_exist_ok=True)
        else:
            assert action == "actions/setup-python", f"the action {action} is unknown here"


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _filled(variables: Mapping[str, Any], context: dict[str, Any]) -> dict[str, str]:
    return {key: text(fill(value, context)) for key, value in variables.items()}
