"""`progress`: shows what is done in each chapter, and what is next."""

from __future__ import annotations

from rich.markup import escape

from course import messages
from course.commands.display import plain_console
from course.judging.progress import Progress
from course.lessons.behaviours import all_behaviours
from course.lessons.stages import chapters
from course.messages import say
from course.paths import WORKSPACE
from course.setup.running import address_of


def progress() -> int:
    """Show each chapter with its behaviours and hints, and the next command."""
    console = plain_console()
    saved = Progress()
    left = []
    for stage in chapters():
        entry = saved.chapter(stage)
        passed, hints = len(entry["passed"]), sum(entry["hints"].values())
        done = passed > 0 and not entry["failed"]
        if not done:
            left.append(stage)
        begun = passed > 0 or (WORKSPACE / stage.name).is_dir()
        state = say("progress.done") if done else say("progress.begun" if begun else "progress.open")
        line = say(
            "progress.chapter",
            number=stage.number,
            title=stage.title[messages.language()],
            state=state,
            passed=passed,
            total=len(all_behaviours(stage)),
            hints=hints,
        )
        console.print(f"[{'green' if done else 'yellow' if begun else 'dim'}]{escape(line)}[/]")
    if not left:
        page = "bridge.html" if messages.language() == "en" else "ko/bridge.html"
        console.print("\n" + say("progress.all_done", page=address_of(page)))
        return 0
    last = max(chapters(), key=lambda stage: saved.chapter(stage).get("begun", ""))
    following = next((stage for stage in left if stage.number >= last.number), left[0])
    begun = (WORKSPACE / following.name).is_dir()
    command = f"{messages.COMMAND} {'check' if begun else 'begin'} {following.number}"
    console.print("\n" + say("progress.next", command=command))
    return 0
