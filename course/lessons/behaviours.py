"""The behaviours of a chapter, with the sentence, the reason, the lesson and the hints for each.

The sentences are the docstrings of the shared tests. Everything else is in hints/NN.toml:

    [sentences.test_views_are_classes]      the sentence in both languages; the English one is a copy, so that
    en = "..."                              a test notices when the Korean one is out of date
    ko = "..."

    [adds]                                  what each step, by its {#id}, adds: URLs and commands
    login = ["/v2/auth/login"]

    [[guidance]]                            for one behaviour, or several that one change achieves
    tests = ["test_views_are_classes"]
    lesson = "version-1"                    the heading, by its {#id}, of the step that is about it
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
from course.lessons.stages import Stage, all_stages
from course.lessons.steps import step_that_builds
from course.paths import ROOT

TESTS = ROOT / "tests"
HINTS = Path(__file__).resolve().parent / "hints"


@dataclass(frozen=True)
class Behaviour:
    """One behaviour that the course's tests require of a stage.

    ``test`` is the name of its test, ``file.py::function``; ``number`` is the chapter that introduces it.
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
        """What the service does, in the learner's language and without Markdown."""
        return self.sentence_in(messages.language()).replace("`", "")

    def sentence_in(self, lang: str) -> str:
        """What the service does, in ``lang`` as Markdown, or in English if it is not translated."""
        sentences = _catalogue(self.number).get("sentences", {}).get(self.function, {})
        return str(sentences.get(lang, self.english))

    @property
    def guidance(self) -> dict[str, Any]:
        """Its entry in hints/NN.toml, empty if there is none."""
        entries = _catalogue(self.number).get("guidance", [])
        return next((entry for entry in entries if self.function in entry["tests"]), {})

    @property
    def why(self) -> str:
        """Why it matters."""
        return str(self.guidance.get(messages.language(), {}).get("why", ""))

    @property
    def hints(self) -> list[str]:
        """Three hints, from a nudge to nearly the answer."""
        return list(self.guidance.get(messages.language(), {}).get("hints", []))

    @property
    def step(self) -> int | None:
        """The step of the lesson that turns it green, as recorded, if there is one."""
        return step_that_builds(all_stages()[max(1, self.number)], self.test)  # `start` is chapter 1's

    @property
    def anchor(self) -> str:
        """The {#id} of the section that teaches it: its step, or what its guidance says."""
        of_steps = _headings(self.number)[1]
        return of_steps.get(self.step, "") or str(self.guidance.get("lesson", ""))

    @property
    def is_about_its_step(self) -> bool:
        """Whether the step that turns it green teaches it, and it did not only wait for something there."""
        return str(self.guidance.get("lesson", self.anchor)) == self.anchor


@cache
def behaviours_of(number: int) -> tuple[Behaviour, ...]:
    """Return the behaviours that a chapter introduces, in the order of the lesson, then of the tests."""
    found = []
    for file in sorted(TESTS.glob(f"test_{number:02}_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                sentence = (ast.get_docstring(node) or node.name).splitlines()[0]
                found.append(Behaviour(f"{file.name}::{node.name}", number, sentence))
    places = _headings(number)[0]

    def order(behaviour: Behaviour) -> tuple[int, bool]:
        """Sort by steps; what was taught before and only waited for something of the step comes last."""
        return places.get(behaviour.anchor, 0), not behaviour.is_about_its_step

    return tuple(sorted(found, key=order))


def all_behaviours(stage: Stage) -> list[Behaviour]:
    """Return the behaviours required of ``stage``: its own and those of all stages before it."""
    return [behaviour for number in range(stage.number + 1) for behaviour in behaviours_of(number)]


def added_by_steps(number: int) -> dict[str, str]:
    """Return the {#id} of the step that adds a URL or a command, by its name."""
    added = _catalogue(number).get("adds", {})
    return {name: step for step, names in added.items() for name in names}


@cache
def _headings(number: int) -> tuple[dict[str, int], dict[int | None, str]]:
    """Return the place of each section of the lesson by its {#id}, and the {#id} of each step."""
    page = ROOT / f"docs/en/chapters/{max(1, number):02}.md"
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    found = re.findall(r"^#+ (?:Step (\d+): )?.* \{#([\w-]+)\}$", text, re.M)
    steps: dict[int | None, str] = {int(step): anchor for step, anchor in found if step}
    return {anchor: place for place, (_, anchor) in enumerate(found)}, steps


@cache
def _catalogue(number: int) -> dict[str, Any]:
    file = HINTS / f"{number:02}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
