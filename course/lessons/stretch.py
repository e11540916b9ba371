"""Tasks that are judged like a chapter: the stretch tasks, and the parts of *Try it* that ask for code.

A task is tests/stretch/stretch_<chapter>_<task>_<name>.py, or try_…; its solution is a patch on the finished
chapter, in tests/stretch/solutions/. The page docs/*/stretch.md describes the stretch tasks and has their
hints, the lesson the others.
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
TEXTS = {"stretch": "tasks.toml", "try": "tries.toml"}
PAGES = {"stretch": "stretch.md", "try": "chapters/0{}.md"}


@dataclass(frozen=True)
class StretchBehaviour(Behaviour):
    """One behaviour of a task. Its Korean sentence is in tests/stretch/tasks.toml or tries.toml."""

    @property
    def sentence(self) -> str:
        kind, task = split_name(self.test.partition("::")[0])
        korean = _texts(kind)[task]["sentences"].get(self.function, self.english)
        return str(korean if messages.language() == "ko" else self.english).replace("`", "")

    @property
    def lesson(self) -> tuple[str, str, int] | None:
        """The task's section: on the page of all stretch tasks, or in the lesson."""
        kind, name = split_name(self.test.partition("::")[0])
        chapter, task = name.split("_")[:2]
        page = f"docs/{messages.language()}/{PAGES[kind].format(chapter)}"
        anchor = f"{{#task-{chapter}-{task}}}" if kind == "stretch" else "{#try-it}"
        for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), 1):
            if line.endswith(anchor):
                return line.strip("# ").partition(" {#")[0], page, number
        return None


@dataclass(frozen=True)
class StretchTask:
    """One task; ``name`` is that of its file without ``kind``, `stretch` or `try`, and `.py`."""

    name: str
    file: Path
    kind: str

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
        return str(_texts(self.kind)[self.name][messages.language()])

    @property
    def solution(self) -> Path:
        """The patch that solves it."""
        return FOLDER / "solutions" / f"{'' if self.kind == 'stretch' else 'try_'}{self.name}.patch"

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
def all_stretch_tasks(kind: str = "stretch") -> tuple[StretchTask, ...]:
    """Return all tasks of a kind, `stretch` or `try`, in the order of the chapters."""
    files = sorted(FOLDER.glob(f"{kind}_*.py"))
    return tuple(StretchTask(split_name(file.name)[1], file, kind) for file in files)


def split_name(file: str) -> tuple[str, str]:
    """Return the kind of a task and its name: `stretch` and `1_1_csv` of `stretch/stretch_1_1_csv.py`."""
    kind, _, name = Path(file).stem.partition("_")
    return kind, name


@cache
def _texts(kind: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads((FOLDER / TEXTS[kind]).read_text(encoding="utf-8"))
