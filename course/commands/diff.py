"""`diff`: shows what a chapter changes, file by file, or what the learner's folder still lacks."""

from __future__ import annotations

import difflib

from rich.console import Console
from rich.text import Text

from course.commands.display import plain_console
from course.errors import Failure
from course.judging.submissions import find_submission
from course.lessons.stages import find_chapter, stage_before
from course.lessons.steps import files_of_step, find_step, state_after, texts_of
from course.messages import say
from course.paths import display_path

STYLES = {"+": "green", "-": "red", "@": "cyan"}


def diff(key: str, mine: bool, file: str | None, step: int | None = None) -> int:
    """Show the difference between a chapter and the stage before it.

    Args:
        mine: compare the learner's folder with the finished chapter instead.
        file: show this file only.
        step: compare the states before and after this step instead; with ``mine``, the folder and the latter.

    Raises:
        Failure: there is no such chapter, ``file`` does not differ, or the learner has not begun the chapter.
    """
    if mine:
        stage, old = find_submission(key)
    else:
        stage = find_chapter(key)
        old = stage_before(stage).path
    console = plain_console()
    before, after = texts_of(old), texts_of(stage.path)
    names = {"before": display_path(old), "after": display_path(stage.path)}
    if step is not None:
        after = state_after(stage, find_step(stage, step))
        before = before if mine else state_after(stage, step - 1)
        names = {"before": say("step.name", step=step - 1), "after": say("step.name", step=step)}
    order = files_of_step(stage, step) if step is not None and not mine else sorted({*before, *after})
    changed = [name for name in order if before.get(name) != after.get(name)]
    if mine:  # files that only the learner has do not count
        changed = [name for name in changed if name in after or name in stage.removed]
    if file is not None and file not in changed:
        raise Failure(say("diff.unknown", file=file, known=", ".join(changed)))
    if not changed:
        console.print(say("diff.none"))
        return 0
    console.print(say("diff.mine") if mine else say("diff.chapter", **names), style="dim")
    for name in [file] if file else changed:
        if name in after or (file and not mine):
            _show(console, name, before.get(name), after.get(name))
        else:  # the lines of a removed file help nobody
            title = say("diff.delete" if mine else "diff.removed", file=name)
            console.print(Text(f"\n{title}", style="bold"))
    return 0


def _show(console: Console, name: str, before: str | None, after: str | None) -> None:
    title = name if before is not None and after is not None else None
    title = title or say("diff.added" if before is None else "diff.removed", file=name)
    console.print(Text(f"\n{title}", style="bold"))
    lines = difflib.unified_diff((before or "").splitlines(), (after or "").splitlines(), lineterm="", n=3)
    for line in list(lines)[2:]:
        console.print(Text(line, style=STYLES.get(line[:1], "")))
