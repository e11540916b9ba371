"""The behaviours of a chapter with what a learner is told of each: sentence, reason, place, hints.

The sentences are the docstrings of the shared tests. What else there is stands in hints/NN.toml:

    [sentences.test_views_are_classes]      the sentence in both languages; the English one is a copy, by
    en = "..."                              which a test sees that the Korean one is out of date
    ko = "..."

    [[cures]]                               what one cure brings about: one behaviour or several
    tests = ["test_views_are_classes"]
    lesson = "version-1"                    the heading of the lesson, by its {#id}
    en.why = "..."                          why it matters
    en.hints = ["...", "...", "..."]        from a nudge to nearly the answer
    ko.why = "..."
    ko.hints = ["...", "...", "..."]
"""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from course import messages
from course.lessons.stages import Stage
from course.paths import ROOT

TESTS = ROOT / "tests"
HINTS = Path(__file__).resolve().parent / "hints"


@dataclass(frozen=True)
class Behaviour:
    """One promise of the course.

    ``test`` is the name of its test, ``file.py::function``; ``number`` is the chapter that makes it.
    """

    test: str
    number: int
    english: str

    @property
    def function(self) -> str:
        """The name of the test's function."""
        return self.test.partition("::")[2]

    @property
    def sentence(self) -> str:
        """The promise in the learner's language; in English where nobody has written another."""
        told = _catalogue(self.number).get("sentences", {}).get(self.function, {})
        return str(told.get(messages.language(), self.english)).replace("`", "")

    @property
    def cure(self) -> dict[str, Any]:
        """What is told of it besides, empty where nobody has written anything."""
        cures = _catalogue(self.number).get("cures", [])
        return next((cure for cure in cures if self.function in cure["tests"]), {})

    @property
    def why(self) -> str:
        """Why it matters."""
        return str(self.cure.get(messages.language(), {}).get("why", ""))

    @property
    def hints(self) -> list[str]:
        """Three hints, from a nudge to nearly the answer."""
        return list(self.cure.get(messages.language(), {}).get("hints", []))

    @property
    def lesson(self) -> tuple[str, str, int] | None:
        """Where the lesson teaches it: the title of the part, the page's file, and its line there."""
        page = f"docs/{messages.language()}/chapters/{max(1, self.number):02}.md"  # `start` is chapter 1's
        anchor = f"{{#{self.cure.get('lesson', '')}}}"
        if not (ROOT / page).is_file():
            return None
        for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("#") and line.endswith(anchor):
                return line.strip("# ").removesuffix(anchor).strip(), page, number
        return None


@cache
def behaviours_of(number: int) -> tuple[Behaviour, ...]:
    """Return what the chapter of that number promises, as the lesson comes to it; else as the tests do."""
    found = []
    for file in sorted(TESTS.glob(f"test_{number:02}_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                sentence = (ast.get_docstring(node) or node.name).splitlines()[0]
                found.append(Behaviour(f"{file.name}::{node.name}", number, sentence))
    parts = _parts(number)
    return tuple(sorted(found, key=lambda behaviour: parts.get(behaviour.cure.get("lesson", ""), 0)))


def all_behaviours(stage: Stage) -> list[Behaviour]:
    """Return what a folder of ``stage`` is judged by: what the stage promises, and all stages before it."""
    return [behaviour for number in range(stage.number + 1) for behaviour in behaviours_of(number)]


@cache
def _parts(number: int) -> dict[str, int]:
    """Return which part of the lesson is the how many-th, by the {#id} of its heading."""
    page = ROOT / f"docs/en/chapters/{max(1, number):02}.md"
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    return {anchor: place for place, anchor in enumerate(re.findall(r"^#.* \{#([\w-]+)\}$", text, re.M))}


@cache
def _catalogue(number: int) -> dict[str, Any]:
    file = HINTS / f"{number:02}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
