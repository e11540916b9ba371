"""The scores of the suite that are published in docs/score.toml, and the mutants that change nothing."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

from course.lessons.stages import FINAL_NUMBER, Stage
from course.paths import ROOT

SCORES = ROOT / "docs" / "score.toml"
EQUIVALENT = ROOT / "tests" / "strength" / "equivalent.toml"
#: The share of the mutants that the course promises to notice; of the named faults, all. That of final is to
#: rise: its slow tests, of servers, threads and pages, are not put to mutants.
FLOOR, FLOOR_OF_FINAL = 0.95, 0.65


@dataclass(frozen=True)
class Reason:
    """Why some mutants change nothing that a test could see, in both languages."""

    text: dict[str, str]
    stage: str  # `chapters`, or the name of one
    mutants: list[str]

    def holds_for(self, stage: Stage) -> bool:
        """Whether it is about ``stage``."""
        return self.stage == stage.name or (self.stage == "chapters" and stage.number < FINAL_NUMBER)


def reasons() -> list[Reason]:
    """Return what tests/strength/equivalent.toml lists."""
    listed = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["reasons"]
    return [Reason({"en": one["en"], "ko": one["ko"]}, one["stage"], one["mutants"]) for one in listed]


def read_scores() -> dict[str, dict[str, Any]]:
    """Return the entries of docs/score.toml by the stage's name."""
    return tomllib.loads(SCORES.read_text(encoding="utf-8"))
