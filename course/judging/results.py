"""What became of each behaviour: put together from what a court says, and asked for what to turn to next.

Nothing but the standard library is needed here, so that a browser can judge too.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course import messages
from course.judging.protocol import Finding, test_of
from course.lessons.behaviours import Behaviour, all_behaviours
from course.lessons.stages import Stage, all_stages
from course.messages import say

#: For each chapter, which earlier behaviours the folder that it begins with lacks. A test keeps it true.
BASELINE = Path(__file__).resolve().parent / "baseline.toml"


@dataclass
class Result:
    """What became of one behaviour.

    ``state`` is "kept", "missing", "hung" (it had to be stopped), "ended" (the code ended the process) or,
    where that kept the tests from being run, "unknown".
    """

    behaviour: Behaviour
    state: str = "unknown"
    finding: Finding | None = None

    @property
    def kept(self) -> bool:
        """Whether the folder has this behaviour."""
        return self.state == "kept"


@dataclass
class Verdict:
    """All behaviours in the lessons' order, and what became of each."""

    results: dict[str, Result]
    whole: bool = True  # False where something newer made it pointless to go on
    found: set[str] = field(default_factory=set)
    left: Counter[str] = field(default_factory=Counter)  # test: how many of its cases are to come

    @property
    def missing(self) -> list[Result]:
        """Those that the folder does not have."""
        return [result for result in self.results.values() if not result.kept]

    def hear(self, kind: str, *what: Any) -> Result | None:
        """Take in what a court says, see course/judging/worker.py; return a result that is certain now."""
        if kind == "found":
            self.left |= Counter(what[0])  # not added: a court that goes on finds what is left once more
            self.found.update(what[0])
        elif kind == "failed":
            self.settle(what[0], "missing", what[1])
        elif kind == "finish":
            test = test_of(what[0])
            self.left[test] -= 1
            if self.left[test] <= 0:
                result = self.results[test]
                if result.state == "unknown":
                    result.state = "kept"
                return result
        return None

    def settle(self, nodeid: str, state: str, finding: Finding) -> Result:
        """Note the first thing that went wrong with a behaviour; a test of two versions is one behaviour."""
        result = self.results[test_of(nodeid)]
        if result.finding is None:
            result.state, result.finding = state, finding
        return result

    def leave_out_the_unasked(self) -> None:
        """Forget what a later stage does in another way: its tests were never found."""
        gone = {test for test, result in self.results.items() if result.state == "unknown"}
        for test in gone - self.found if self.found else ():
            del self.results[test]


def next_result(verdict: Verdict, stage: Stage, ever: Collection[str]) -> Result | None:
    """Return what to turn to: what stopped everything, then what broke, then the chapter's own, in order.

    Args:
        ever: the tests that an earlier check has seen kept.
    """

    def rank(result: Result) -> int:
        if result.state in ("hung", "ended"):
            return 0
        if result.state == "unknown":
            return 4
        if broken(result, stage, ever):
            return 1
        return 2 if result.behaviour.number == stage.number else 3

    return min(verdict.missing, key=rank, default=None)


def does_not_start(verdict: Verdict, result: Result) -> bool:
    """Whether the code fails before it is asked anything: then all behaviours are missing for one reason."""
    finding = result.finding
    if finding is None or finding.place is None or finding.sent:
        return False
    same = [r for r in verdict.missing if r.finding and r.finding.raised == finding.raised]
    return len(same) > len(verdict.results) / 2


def broken(result: Result, stage: Stage, ever: Collection[str]) -> bool:
    """Whether a behaviour that is missing was there: in an earlier check, or in the folder to begin with."""
    behaviour = result.behaviour
    if behaviour.test in ever:
        return True
    return behaviour.number < stage.number and behaviour.test not in missing_at_first(stage)


def missing_at_first(stage: Stage) -> set[str]:
    """Return the tests of earlier chapters that are red in the folder that ``stage`` begins with."""
    names = tomllib.loads(BASELINE.read_text(encoding="utf-8")).get(stage.name)
    return {b.test for b in all_behaviours(stage)} if names is None else set(names)


def headline(verdict: Verdict, result: Result, stage: Stage, ever: Collection[str]) -> str:
    """Return the sentence that the explanation of what to turn to begins with."""
    if does_not_start(verdict, result):
        return say("check.no_start")
    behaviour = result.behaviour
    if result.state in ("hung", "ended") or not broken(result, stage, ever):
        return say("check.next", sentence=behaviour.sentence)
    if behaviour.number == 0 and stage.number:
        return say("check.broken_start", sentence=behaviour.sentence)
    if behaviour.number < stage.number:
        title = all_stages()[behaviour.number].title[messages.language()]
        return say("check.broken", number=behaviour.number, title=title, sentence=behaviour.sentence)
    return say("check.lost", sentence=behaviour.sentence)
