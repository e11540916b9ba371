"""The results of a check: collected from the workers' messages, and ranked by what to work on next.

It needs only the standard library, so that it runs in a browser too.
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

#: For each chapter, the earlier behaviours that fail in the folder it begins with. A test keeps it true.
BASELINE = Path(__file__).resolve().parent / "baseline.toml"


@dataclass
class Result:
    """The result of one behaviour.

    ``state`` is "passed", "failed", "hung" (the test was stopped), "ended" (the code ended the process) or
    "unknown" (an earlier failure kept the test from running).
    """

    behaviour: Behaviour
    state: str = "unknown"
    finding: Finding | None = None

    @property
    def passed(self) -> bool:
        """Whether the folder has this behaviour."""
        return self.state == "passed"


@dataclass
class Verdict:
    """The results of all behaviours, in the order of the lessons."""

    results: dict[str, Result]
    complete: bool = True  # False if the check was cancelled
    collected: set[str] = field(default_factory=set)  # the tests that pytest found
    cases_left: Counter[str] = field(default_factory=Counter)  # by test

    @property
    def not_passed(self) -> list[Result]:
        """The results of the behaviours that the folder does not have."""
        return [result for result in self.results.values() if not result.passed]

    @property
    def passed_count(self) -> int:
        """How many behaviours the folder has."""
        return len(self.results) - len(self.not_passed)

    @property
    def could_not_run(self) -> bool:
        """Whether not a single test gave a result."""
        return all(result.state == "unknown" for result in self.results.values())

    def receive(self, kind: str, *values: Any) -> Result | None:
        """Add a worker's message, see `Channel`; return a result that is final now."""
        if kind == "found":
            found = Counter(map(test_of, values[0]))
            self.cases_left |= found  # not +=: a restarted worker finds the remaining cases again
            self.collected.update(found)
        elif kind == "failed":
            self.record_failure(values[0], "failed", values[1])
        elif kind == "finish":
            case, passed = values
            if not passed and self.results[test_of(case)].finding is None:  # it did not even fail
                self.record_failure(case, "failed", Finding(interferes="pytest"))
            test = test_of(case)
            self.cases_left[test] -= 1
            if self.cases_left[test] <= 0:
                result = self.results[test]
                if result.state == "unknown":
                    result.state = "passed"
                return result
        return None

    def record_failure(self, nodeid: str, state: str, finding: Finding) -> Result:
        """Record a behaviour's first failure; all cases of a test, v1 and v2 say, are one behaviour.

        What interferes with the tests explains the failures before it.
        """
        result = self.results[test_of(nodeid)]
        if result.finding is None or finding.interferes:
            result.state, result.finding = state, finding
        return result

    def drop_superseded(self) -> None:
        """Drop the behaviours whose tests pytest left out because a later stage supersedes them."""
        unknown = {test for test, result in self.results.items() if result.state == "unknown"}
        for test in unknown - self.collected if self.collected else ():
            del self.results[test]


def next_result(verdict: Verdict, stage: Stage, ever_passed: Collection[str]) -> Result | None:
    """Return the result to work on: what stopped the check, then regressions, then the chapter in its order.

    Args:
        ever_passed: the tests that passed in an earlier check.
    """

    def rank(result: Result) -> int:
        if result.state in ("hung", "ended"):
            return 0
        if result.state == "unknown":
            return 4
        if is_regression(result, stage, ever_passed):
            return 1
        return 2 if result.behaviour.number == stage.number else 3

    return min(verdict.not_passed, key=rank, default=None)


def fails_at_start(verdict: Verdict, result: Result) -> bool:
    """Whether the code fails before the first request, so that most behaviours fail for the same reason."""
    finding = result.finding
    if finding is None or finding.place is None or finding.sent:
        return False
    same = [r for r in verdict.not_passed if r.finding and r.finding.raised == finding.raised]
    return len(same) > len(verdict.results) / 2


def is_regression(result: Result, stage: Stage, ever_passed: Collection[str]) -> bool:
    """Whether a failed behaviour passed before: in an earlier check, or when the chapter began."""
    behaviour = result.behaviour
    if behaviour.test in ever_passed:
        return True
    return behaviour.number < stage.number and behaviour.test not in baseline_failures(stage)


def baseline_failures(stage: Stage) -> set[str]:
    """Return the tests of earlier chapters that fail in the folder that ``stage`` begins with."""
    tests = tomllib.loads(BASELINE.read_text(encoding="utf-8")).get(stage.name)
    return {b.test for b in all_behaviours(stage)} if tests is None else set(tests)


def headline(verdict: Verdict, result: Result, stage: Stage, ever_passed: Collection[str]) -> str:
    """Return the first sentence of the explanation of ``result``."""
    if fails_at_start(verdict, result):
        return say("check.no_start")
    behaviour = result.behaviour
    if result.state in ("hung", "ended") or not is_regression(result, stage, ever_passed):
        return say("check.next", sentence=behaviour.sentence)
    if behaviour.number == 0 and stage.number:
        return say("check.broken_start", sentence=behaviour.sentence)
    if behaviour.number < stage.number:
        title = all_stages()[behaviour.number].title[messages.language()]
        return say("check.broken", number=behaviour.number, title=title, sentence=behaviour.sentence)
    return say("check.lost", sentence=behaviour.sentence)
