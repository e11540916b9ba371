"""`hint`: the next of three hints for the behaviour that is next. It never comes unasked."""

from __future__ import annotations

from course import words
from course.check import note, what_to_check
from course.judge import judge
from course.lessons import Behaviour, all_behaviours
from course.progress import Progress
from course.stages import Stage
from course.verdict import next_result
from course.words import say


def hint(key: str) -> int:
    """Show one hint more than before."""
    stage, folder = what_to_check(key)
    progress = Progress()
    notes = progress.chapter(stage)
    if not notes["missing"] and not notes["kept"]:  # never checked
        verdict = judge(folder, stage)
        note(verdict, stage, folder)
        found = next_result(verdict, stage, notes["ever"])
        behaviour = found.behaviour if found else None
        progress = Progress()
        notes = progress.chapter(stage)
    else:
        behaviour = _by_test(stage, notes.get("next"))
    if behaviour is None:
        print(say("hint.none_left", number=stage.number))
        return 0
    print(say("hint.for", sentence=behaviour.sentence))
    hints = behaviour.hints
    if not hints:
        page = f"docs/{words.language()}/chapters/{max(1, behaviour.number):02}.md"
        print(say("hint.nothing", page=page))
        return 0
    seen = min(notes["hints"].get(behaviour.test, 0) + 1, len(hints))
    notes["hints"][behaviour.test] = seen
    progress.save()
    print(say("hint.number", number=seen, total=len(hints), text=hints[seen - 1]))
    print(say("hint.more" if seen < len(hints) else "hint.last", key=key))
    return 0


def _by_test(stage: Stage, test: str | None) -> Behaviour | None:
    return next((behaviour for behaviour in all_behaviours(stage) if behaviour.test == test), None)
