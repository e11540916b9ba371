"""`hint`: the next of three hints for the behaviour that is next. It never comes unasked.

What is next may have changed since the last check, so the code is asked again: whether it starts at all, and
whether it has by now what that check found missing.
"""

from __future__ import annotations

from pathlib import Path

from rich.markup import escape

from course import messages
from course.commands.check import note, plain_console, show_finding, what_to_check
from course.judging.progress import Progress
from course.judging.results import Result, does_not_start, next_result
from course.judging.runner import judge
from course.lessons.behaviours import Behaviour, all_behaviours, behaviours_of
from course.lessons.stages import Stage
from course.messages import say


def hint(key: str) -> int:
    """Show one hint more than before; none where the code does not start, for none could be of use."""
    stage, folder = what_to_check(key)
    if failed := _failed_to_start(stage, folder):
        console = plain_console()
        console.print(f"[bold]{escape(say('check.no_start'))}[/]\n")
        show_finding(console, failed, folder, taught=False)
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


def _failed_to_start(stage: Stage, folder: Path) -> Result | None:
    """Return what became of the very first behaviour, where the code failed before it was asked anything."""
    first = behaviours_of(0)[0].test
    verdict = judge(folder, stage, tests=(first,))
    result = verdict.results.get(first)
    return result if result and does_not_start(verdict, result) else None


def _next(stage: Stage, folder: Path) -> Behaviour | None:
    """Return what to turn to: what the last check said or, where that is done by now, what a new one says."""
    notes = Progress().chapter(stage)
    told = next((b for b in all_behaviours(stage) if b.test == notes.get("next")), None)
    if told and not judge(folder, stage, tests=(told.test,)).results[told.test].kept:
        return told
    if not told and notes["kept"]:  # the last check found nothing missing
        return None
    verdict = judge(folder, stage)
    note(verdict, stage, folder)
    found = next_result(verdict, stage, notes["ever"])
    return found.behaviour if found else None
