"""The stretch tasks, which go beyond a chapter.

A task is tests/stretch/stretch_<chapter>_<task>_<name>.py; its solution is a patch on the finished chapter,
in tests/stretch/solutions/. The page docs/*/stretch.md describes it and has its hints.
"""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from course import messages
from course.lessons.behaviours import Behaviour
from course.lessons.stages import Stage, find_stage
from course.paths import ROOT

FOLDER = ROOT / "tests" / "stretch"


@dataclass(frozen=True)
class StretchBehaviour(Behaviour):
    """One behaviour of a stretch task. Its Korean sentence is in tests/stretch/tasks.toml."""

    @property
    def sentence(self) -> str:
        korean = _texts()[self._task]["sentences"].get(self.function, self.english)
        return str(korean if messages.language() == "ko" else self.english).replace("`", "")

    @property
    def _task(self) -> str:
        return Path(self.test.partition("::")[0]).stem.removeprefix("stretch_")

    @property
    def lesson(self) -> tuple[str, str, int] | None:
        """The task's section on the page of all tasks."""
        chapter, task = self._task.split("_")[:2]
        page = f"docs/{messages.language()}/stretch.md"
        for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), 1):
            if line.endswith(f"{{#task-{chapter}-{task}}}"):
                return line.strip("# ").partition(" {#")[0], page, number
        return None


@dataclass(frozen=True)
class StretchTask:
    """One stretch task; ``name`` is that of its file without `stretch_` and `.py`."""

    name: str
    file: Path

    @property
    def stage(self) -> Stage:
        """The chapter whose finished code it starts from."""
        return find_stage(self.name[0])

    @property
    def label(self) -> str:
        """Its number, for example 3.2."""
        return ".".join(self.name.split("_")[:2])

    @property
    def title(self) -> str:
        """Its title in the learner's language."""
        return str(_texts()[self.name][messages.language()])

    @property
    def solution(self) -> Path:
        """The patch that solves it."""
        return FOLDER / "solutions" / f"{self.name}.patch"

    @property
    def behaviours(self) -> list[StretchBehaviour]:
        """What it requires, in the order of its file."""
        tree = ast.parse(self.file.read_text(encoding="utf-8"))
        tests = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]
        return [
            StretchBehaviour(
                f"stretch/{self.file.name}::{test.name}", self.stage.number, ast.get_docstring(test) or ""
            )
            for test in tests
        ]


@cache
def all_stretch_tasks() -> tuple[StretchTask, ...]:
    """Return all stretch tasks, in the order of the chapters."""
    return tuple(
        StretchTask(file.stem.removeprefix("stretch_"), file) for file in sorted(FOLDER.glob("stretch_*.py"))
    )


@cache
def _texts() -> dict[str, dict[str, Any]]:
    return tomllib.loads((FOLDER / "tasks.toml").read_text(encoding="utf-8"))
