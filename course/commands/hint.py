"""`hint`: shows the next of three hints for the behaviour to work on.

The code may have changed since the last check: then `hint` checks again before it says anything.
"""

from __future__ import annotations

from pathlib import Path

from course.commands.display import plain_console, show_advice
from course.errors import Failure
from course.judging.advice import Advice, next_step
from course.judging.progress import Progress
from course.judging.runner import judge
from course.judging.submissions import find_submission
from course.lessons.behaviours import Behaviour, all_behaviours
from course.lessons.stages import Stage
from course.messages import say


def hint(key: str) -> int:
    """Show one more hint, or what stops the code: then no hint would help.

    Raises:
        Failure: there is nothing to check, or the tests could not be run.
    """
    stage, folder = find_submission(key)
    behaviour = _from_the_last_check(stage, folder)
    if behaviour is None:
        advice = _check_again(stage, folder, key)
        if advice is None:
            print(say("hint.none_left", number=stage.number))
            return 0
        if not advice.hints:
            show_advice(plain_console(), advice, stage, folder, Progress())
            return 0
        behaviour = advice.result.behaviour
    _show(behaviour, stage, key)
    return 0


def _from_the_last_check(stage: Stage, folder: Path) -> Behaviour | None:
    """Return the behaviour to work on by the last check, if it has hints and no file has changed since."""
    progress = Progress()
    test = progress.chapter(stage).get("next")
    if test is None or not progress.is_checked(stage, folder):
        return None
    return next((b for b in all_behaviours(stage) if b.test == test), None)


def _check_again(stage: Stage, folder: Path, key: str) -> Advice | None:
    verdict = judge(folder, stage)
    if verdict.could_not_run:
        raise Failure(say("check.failed", key=key))
    progress = Progress()
    advice = next_step(verdict, stage, progress.ever_passed(stage, folder), folder)
    progress.record(verdict, stage, folder)
    return advice


def _show(behaviour: Behaviour, stage: Stage, key: str) -> None:
    print(say("hint.for", sentence=behaviour.sentence))
    hints = behaviour.hints
    progress = Progress()
    counted = progress.chapter(stage)["hints"]
    counted[behaviour.test] = seen = min(counted.get(behaviour.test, 0) + 1, len(hints))
    progress.save()
    print(say("hint.number", number=seen, total=len(hints), text=hints[seen - 1]))
    print(say("hint.more" if seen < len(hints) else "hint.last", key=key))
