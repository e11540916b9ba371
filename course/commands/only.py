"""`check --only`: judges one behaviour, or one step of the lesson, and explains what to do next."""

from __future__ import annotations

import re

from course.commands.display import label_of, plain_console, show_next, show_result
from course.errors import Failure
from course.judging.results import Result
from course.judging.runner import judge
from course.judging.submissions import find_submission
from course.lessons.behaviours import Behaviour, all_behaviours, behaviours_of
from course.lessons.stages import Stage
from course.messages import say


def check_only(key: str, wanted: str, full: bool, chapter: str | None = None) -> int:
    """Show whether the folder has what ``wanted`` names; return 0 if it has. It counts as no progress.

    Args:
        key, chapter: see `find_submission`.
        wanted: see `find_behaviours`.
        full: show pytest's whole output too.

    Raises:
        Failure: ``wanted`` names nothing, there is nothing to check, or the tests could not be run.
    """
    stage, folder = find_submission(key, chapter)
    chosen = [behaviour.test for behaviour in find_behaviours(stage, wanted)]
    first = behaviours_of(0)[0].test  # if it fails for the same reason, the code does not start
    verdict = judge(folder, stage, tests=(*chosen, first), full=full)
    results = [verdict.results[test] for test in chosen if test in verdict.results]
    if verdict.could_not_run or not results:
        raise Failure(say("check.failed", key=key))
    console = plain_console()
    for result in results:
        show_result(console, result, stage)
    failed = [result for result in results if not result.passed]
    console.print("\n" + say("check.count", passed=len(results) - len(failed), total=len(results)))
    if not failed:
        console.print(say("check.only_done", key=key))
        return 0
    if first not in chosen and not stops_the_start(verdict.results[first]):
        del verdict.results[first]
    show_next(console, verdict, stage, folder, key)
    return 1


def stops_the_start(result: Result) -> bool:
    """Whether the code failed before the first request."""
    return result.finding is not None and result.finding.crash and not result.finding.sent


def find_behaviours(stage: Stage, wanted: str) -> list[Behaviour]:
    """Return the behaviours that ``wanted`` names.

    Args:
        wanted: a behaviour's number in the list, `7`, or that of an earlier chapter's, `0.3`; or all
            behaviours of a step, `step3`.

    Raises:
        Failure: there are none.
    """
    if step := re.fullmatch(r"(?:step)?\s*(\d+)\s*단계|step\s*(\d+)", wanted.strip().lower()):
        found = [b for b in behaviours_of(stage.number) if b.step == int(step[1] or step[2])]
    else:
        found = [b for b in all_behaviours(stage) if label_of(b, stage) == wanted.strip()]
    if not found:
        steps = sorted({b.step or 0 for b in behaviours_of(stage.number)} - {0})
        last = len(behaviours_of(stage.number))
        raise Failure(
            say(
                "check.no_such",
                wanted=wanted,
                last=last,
                steps=", ".join(f"step{number}" for number in steps),
            )
        )
    return found
