"""What to work on next: one of the failures of a check, and what to say about it.

What stops the code comes first, whichever behaviour met it: code that does not end or does not start, an
exception by mistake, a blueprint or a command that is written but not registered. Next is what worked before,
then the first step of the lesson that can turn green. A behaviour waits if it fails on the way to what it is
about, because of a URL or a command of a later step, or by an exception that only later steps have to handle.
"""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from course import messages
from course.judging.explain import place_of
from course.judging.mistakes import Place, Work, recognise
from course.judging.protocol import Finding
from course.judging.results import Result, Verdict
from course.lessons.behaviours import added_by_steps, all_behaviours
from course.lessons.sections import Section, section, section_that_writes, sections
from course.lessons.stages import Stage, all_stages
from course.messages import say

#: For each chapter, the earlier behaviours that fail in the folder it begins with. A test keeps it true.
BASELINE = Path(__file__).resolve().parent / "baseline.toml"


#: What Python raises where the code is wrong, whatever was sent.
WRONG_CODE = {
    *("AttributeError", "ImportError", "ModuleNotFoundError", "NameError", "TypeError", "UnboundLocalError"),
    *("IndentationError", "SyntaxError", "TabError"),
}


@dataclass(frozen=True)
class Advice:
    """What to work on next.

    ``why`` and ``hints`` are empty, and ``lesson`` may be None, where they would be about something else.
    """

    result: Result
    headline: str
    regression: bool = False
    why: str = ""
    hints: tuple[str, ...] = ()
    lesson: Section | None = None


def next_step(verdict: Verdict, stage: Stage, ever_passed: Collection[str], folder: Path) -> Advice | None:
    """Return what to work on next, None if every behaviour passed.

    Args:
        ever_passed: the tests that passed in an earlier check.
        folder: the learner's folder, whose files are searched for known mistakes.
    """
    return _Adviser(verdict, stage, ever_passed, folder).advice() if verdict.not_passed else None


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


class _Adviser:
    """Ranks the failures of one check."""

    def __init__(self, verdict: Verdict, stage: Stage, ever_passed: Collection[str], folder: Path) -> None:
        self.stage, self.ever_passed, self.work = stage, ever_passed, Work(folder)
        self.total = len(verdict.results)
        self.failed = verdict.not_passed
        self.order = {test: place for place, test in enumerate(verdict.results)}
        self.raised = Counter(result.finding.raised for result in self.failed if result.finding)
        self.mistakes = {result.behaviour.test: recognise(result, self.work) for result in self.failed}
        self.causes = Counter(cause for result in self.failed if (cause := self.cause(result)))
        self.added = added_by_steps(stage.number)
        self.steps = [found.anchor for found in sections(stage.number)]
        own = [self.step(result.behaviour.anchor) for result in self.failed if self.is_own(result)]
        self.first_step = min(own, default=-1)  # of those with something to do

    def advice(self) -> Advice:
        """Return what to say about the failure that ranks first."""
        result = min(self.failed, key=self.rank)
        finding, behaviour = result.finding or Finding(), result.behaviour
        if result.state in ("hung", "ended"):
            headline = say("check.hung") if result.state == "hung" else say("check.ended")
            return Advice(result, headline, lesson=self.lesson_by_file(result))
        if cause := self.cause(result):
            return Advice(result, self.headline_of_cause(result, cause), lesson=self.lesson_by_file(result))
        if finding.on_the_way:
            request = finding.request or (finding.lacks or ("", ""))[1]
            headline = say("check.on_the_way", sentence=behaviour.sentence, request=request)
            return Advice(result, headline, lesson=self.lesson_by_file(result))
        lost = is_regression(result, self.stage, self.ever_passed)
        own = self.is_own(result)
        return Advice(
            result,
            self.headline_of_regression(result) if lost else say("check.next", sentence=behaviour.sentence),
            lost,
            behaviour.why,
            tuple(behaviour.hints) if own or not lost else (),
            self.section_of(result) if own else self.current_step() or self.lesson_by_file(result),
        )

    # -- the order ---------------------------------------------------------------------------------

    def rank(self, result: Result) -> tuple[float, ...]:
        """Return the place of a failure in the order of what to work on; the least comes first."""
        place = self.order[result.behaviour.test]
        finding = result.finding or Finding()
        if result.state in ("hung", "ended"):
            return (0, place)
        if result.state == "unknown":
            return (9, place)
        waits = finding.on_the_way or self.waits_for_a_later_step(result)
        own = self.is_own(result)
        if (cause := self.cause(result)) and not self.is_handled_later(result):
            return (1, -self.causes[cause], finding.crash, waits, not own, place)
        if waits:
            return (6, not is_regression(result, self.stage, self.ever_passed), not own, place)
        if is_regression(result, self.stage, self.ever_passed):
            return (3, place)
        behaviour = result.behaviour
        return (4 if own else 5, self.step(behaviour.anchor), not behaviour.is_about_its_step, place)

    def cause(self, result: Result) -> str | None:
        """Return what stopped the learner's code itself, so that it is the same for all that met it."""
        finding = result.finding
        if finding is None:
            return None
        mistake = self.mistakes[result.behaviour.test]
        if mistake and mistake.first:
            return mistake.text
        raised = (finding.log or [finding.raised])[-1].partition(":")[0]
        if finding.crash and not self.refuses_on_purpose(finding) and not self.is_to_handle(result, raised):
            return f"{raised} {finding.place or finding.view}"
        return None

    def is_to_handle(self, result: Result, raised: str) -> bool:
        """Whether an exception is what the lesson is about, and not wrong code: the only one, and new."""
        crashed = [one for one in self.failed if one.finding and one.finding.crash]
        new = self.is_own(result) and not is_regression(result, self.stage, self.ever_passed)
        return new and len(crashed) == 1 and raised not in WRONG_CODE

    def refuses_on_purpose(self, finding: Finding) -> bool:
        """Whether the code ended itself for a reason that few behaviours meet, such as a weak secret."""
        return finding.raised.startswith("SystemExit: ") and self.raised[finding.raised] <= self.total / 2

    def waits_for_a_later_step(self, result: Result) -> bool:
        """Whether a failure is about a URL or a command that a later step of the chapter adds."""
        obstacle = result.finding.obstacle if result.finding else None
        if obstacle is None or not self.is_own(result):
            return False
        added = [
            (len(name), step) for name, step in self.added.items() if f"{obstacle}/".startswith(f"{name}/")
        ]
        return bool(added) and self.step(max(added)[1]) > self.step(result.behaviour.anchor)

    def is_handled_later(self, result: Result) -> bool:
        """Whether a failure is the matter of a later step than the first with something to do.

        Its exception may be one that the later step teaches to handle.
        """
        if not self.is_own(result) or is_regression(result, self.stage, self.ever_passed):
            return False
        return self.step(result.behaviour.anchor) > self.first_step

    def step(self, anchor: str) -> int:
        """Return the place of a section in the lesson."""
        return self.steps.index(anchor) if anchor in self.steps else -1

    # -- what to say -------------------------------------------------------------------------------

    def headline_of_cause(self, result: Result, cause: str) -> str:
        """Return the first sentence about what stops the code."""
        finding = result.finding or Finding()
        if finding.crash and not finding.sent and self.causes[cause] > self.total / 2:
            return say("check.no_start")
        count = self.causes[cause]
        if finding.crash:
            return say("check.crash", count=count) if count > 1 else say("check.crash_once")
        return say("check.first", count=count) if count > 1 else say("check.first_once")

    def headline_of_regression(self, result: Result) -> str:
        """Return the first sentence about what worked before."""
        behaviour = result.behaviour
        if behaviour.number == 0 and self.stage.number:
            return say("check.broken_start", sentence=behaviour.sentence)
        if behaviour.number < self.stage.number:
            title = all_stages()[behaviour.number].title[messages.language()]
            return say("check.broken", number=behaviour.number, title=title, sentence=behaviour.sentence)
        return say("check.lost", sentence=behaviour.sentence)

    def is_own(self, result: Result) -> bool:
        """Whether this chapter's lesson teaches a behaviour: `start` has none of its own."""
        return max(1, result.behaviour.number) == max(1, self.stage.number)

    def section_of(self, result: Result) -> Section | None:
        """Return the section that teaches a behaviour of this chapter."""
        return section(self.stage.number, result.behaviour.anchor)

    def current_step(self) -> Section | None:
        """Return the first step of this chapter that has something to do."""
        own = [result for result in self.failed if result.behaviour.number == self.stage.number]
        result = min(own, key=self.rank, default=None)
        return self.section_of(result) if result else None

    def lesson_by_file(self, result: Result) -> Section | None:
        """Return the step of this chapter that writes the code to look at."""
        place = place_of(result, self.work)
        if place is None:
            return (
                self.section_of(result)
                if self.is_own(result) and not (result.finding or Finding()).sent
                else None
            )
        return section_that_writes(self.stage.number, place[0], names_around(self.work, place))


def names_around(work: Work, place: Place) -> tuple[str, ...]:
    """Return the functions and classes around a line of the learner's, innermost first."""
    file, line, _ = place
    try:
        tree = ast.parse(work.files.get(file, ""))
    except SyntaxError:
        return ()
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    around = [n for n in ast.walk(tree) if isinstance(n, kinds) and n.lineno <= line <= (n.end_lineno or 0)]
    return tuple(node.name for node in sorted(around, key=lambda node: -node.lineno))
