"""The results of a check, collected from the workers' messages.

It needs only the standard library, so that it runs in a browser too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from course.judging.protocol import Finding, test_of
from course.lessons.behaviours import Behaviour


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
