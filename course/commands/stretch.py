"""`check --stretch` and `--try`: judge the learner's folder by tasks that go beyond the chapter."""

from __future__ import annotations

from rich.markup import escape

from course import messages
from course.commands.display import count_of, plain_console, show_parts, show_result
from course.errors import Failure
from course.judging.explain import explain
from course.judging.runner import judge
from course.judging.submissions import find_submission
from course.lessons.stretch import all_stretch_tasks
from course.messages import say


def check_stretch(key: str, full: bool, chapter: str | None = None, kind: str = "stretch") -> int:
    """Show the behaviours of each task of a kind, `stretch` or `try`; return 0 if all passed.

    Raises:
        Failure: the chapter has no such tasks, or the learner has not begun it.
    """
    stage, folder = find_submission(key, chapter)
    tasks = [task for task in all_stretch_tasks(kind) if task.stage == stage]
    if not tasks:
        raise Failure(say("stretch.none" if kind == "stretch" else "stretch.no_try", name=stage.name))
    console = plain_console()
    behaviours = [behaviour for task in tasks for behaviour in task.behaviours]
    verdict = judge(folder, stage, behaviours=behaviours, full=full)
    for task in tasks:
        console.print(f"[bold]{task.label} {escape(task.title)}[/]")
        for behaviour in task.behaviours:
            show_result(console, verdict.results[behaviour.test])
    console.print("\n" + count_of(verdict))
    if not verdict.not_passed:
        return 0
    first = verdict.not_passed[0]
    console.print(f"[bold]{escape(say('check.next', sentence=first.behaviour.sentence))}[/]\n")
    show_parts(console, explain(first, folder))
    if kind == "stretch":
        console.print("\n" + say("stretch.hints", page=f"docs/{messages.language()}/stretch.md"))
    return 1
