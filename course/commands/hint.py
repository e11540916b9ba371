"""`hint`: shows the next of three hints for the behaviour to work on.

The code may have changed since the last check, so `hint` runs two tests first: does the code start, and does
the behaviour still fail?
"""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from course import messages
from course.commands.display import plain_console, show_explanation
from course.judging.progress import Progress
from course.judging.results import Result, fails_at_start, next_result
from course.judging.runner import judge
from course.judging.submissions import find_submission
from course.lessons.behaviours import Behaviour, all_behaviours, behaviours_of
from course.lessons.stages import Stage
from course.messages import say


def hint(key: str) -> int:
    """Show one more hint, or why the code does not start: then no hint would help."""
    stage, folder = find_submission(key)
    if failed := _failure_at_start(stage, folder):
        console = plain_console()
        console.print(f"[bold]{escape(say('check.no_start'))}[/]\n")
        show_explanation(console, failed, folder, taught=False)
        return 0
    behaviour = _next(stage, folder)
    if behaviour is None:
        print(say("hint.none_left", number=stage.number))
        return 0
    print(say("hint.for", sentence=behaviour.sentence))
    hints = behaviour.hints
    if not hints:
        page = f"docs/{messages.language()}/chapters/{max(1, behaviour.number):02}.md"
        print(say("hint.nothing", page=page))
        return 0
    progress = Progress()
    counted = progress.chapter(stage)["hints"]
    counted[behaviour.test] = seen = min(counted.get(behaviour.test, 0) + 1, len(hints))
    progress.save()
    print(say("hint.number", number=seen, total=len(hints), text=hints[seen - 1]))
    print(say("hint.more" if seen < len(hints) else "hint.last", key=key))
    return 0


def _failure_at_start(stage: Stage, folder: Path) -> Result | None:
    """Return the result of the very first behaviour if the code fails before the first request."""
    first = behaviours_of(0)[0].test
    verdict = judge(folder, stage, tests=(first,))
    result = verdict.results.get(first)
    return result if result and fails_at_start(verdict, result) else None


def _next(stage: Stage, folder: Path) -> Behaviour | None:
    """Return the behaviour to work on: that of the last check or, if it passes by now, that of a new one."""
    progress = Progress()
    entry = progress.chapter(stage)
    last = next((b for b in all_behaviours(stage) if b.test == entry.get("next")), None)
    if last and not judge(folder, stage, tests=(last.test,)).results[last.test].passed:
        return last
    if not last and entry["passed"]:  # in the last check, everything passed
        return None
    verdict = judge(folder, stage)
    following = next_result(verdict, stage, entry["ever_passed"])
    progress.record(verdict, stage, folder)
    return following.behaviour if following else None
