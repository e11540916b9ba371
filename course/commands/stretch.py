"""`check N --stretch`: the tasks beyond a chapter, judged on the learner's folder like the chapter itself."""

from __future__ import annotations

from rich.markup import escape

from course import messages
from course.commands.check import plain_console, show_finding, what_to_check
from course.errors import Failure
from course.judging.runner import judge
from course.lessons.stretch import all_tasks
from course.messages import say


def check_stretch(key: str, full: bool) -> int:
    """Show how far each stretch task of a chapter is; return 0 when all are done.

    Raises:
        Failure: the chapter has none, or there is nothing of the learner's.
    """
    stage, folder = what_to_check(key)
    tasks = [task for task in all_tasks() if task.stage == stage]
    if not tasks:
        raise Failure(say("stretch.none", name=stage.name))
    console = plain_console()
    promises = [promise for task in tasks for promise in task.promises]
    verdict = judge(folder, stage, behaviours=promises, full=full)
    for task in tasks:
        console.print(f"[bold]{task.label} {escape(task.title)}[/]")
        for promise in task.promises:
            kept = verdict.results[promise.test].kept
            mark = f"[green]{say('check.kept')}[/]" if kept else f"[yellow]{say('check.todo')}[/]"
            console.print(f"{mark}  {escape(promise.sentence)}")
    console.print("\n" + say("check.count", kept=len(promises) - len(verdict.missing), total=len(promises)))
    if not verdict.missing:
        return 0
    first = verdict.missing[0]
    console.print(f"[bold]{escape(say('check.next', sentence=first.behaviour.sentence))}[/]\n")
    show_finding(console, first, folder)
    console.print("\n" + say("stretch.hints", page=f"docs/{messages.language()}/stretch.md"))
    return 1
