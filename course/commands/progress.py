"""`progress`: each chapter, how far it is, and what is next."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from course import messages
from course.judging.progress import Progress
from course.lessons.behaviours import all_behaviours
from course.lessons.stages import chapters
from course.messages import say
from course.paths import WORKSPACE


def progress() -> int:
    """Show each chapter: its behaviours, the hints it took, and what is next."""
    console = Console(soft_wrap=True, highlight=False)
    kept = Progress()
    following = None
    for stage in chapters():
        notes = kept.chapter(stage)
        have, hints = len(notes["kept"]), sum(notes["hints"].values())
        done = bool(notes["kept"]) and not notes["missing"]
        if not done and following is None:
            following = stage
        state = say("progress.done") if done else say("progress.begun" if have else "progress.open")
        line = say(
            "progress.chapter",
            number=stage.number,
            title=stage.title[messages.language()],
            state=state,
            have=have,
            total=len(all_behaviours(stage)),
            hints=hints,
        )
        console.print(f"[{'green' if done else 'yellow' if have else 'dim'}]{escape(line)}[/]")
    if following is None:
        console.print("\n" + say("progress.all_done"))
        return 0
    begun = (WORKSPACE / following.name).is_dir()
    command = f"python3 -m course {'check' if begun else 'begin'} {following.number}"
    console.print("\n" + say("progress.next", command=command))
    return 0
