"""Shows the results of a check at the terminal: the list of behaviours, and the explanation of one."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape

from course import messages
from course.judging.explain import explain
from course.judging.results import Result, Verdict, fails_at_start, headline, next_result
from course.lessons.behaviours import behaviours_of
from course.lessons.stages import Stage, all_stages
from course.messages import say

#: How a state is shown: its message and its colour. All other states are to do.
MARKS = {"passed": ("check.passed", "green"), "unknown": ("check.unknown", "dim")}
TO_DO = ("check.todo", "yellow")


def plain_console() -> Console:
    """Return a console that does not wrap lines, so that they can be copied and clicked."""
    return Console(soft_wrap=True, highlight=False)


class Listing:
    """Shows the chapter's own behaviours as soon as they are final, and each earlier chapter in a line."""

    def __init__(self, console: Console, stage: Stage) -> None:
        self.console, self.stage = console, stage
        self.waiting = [behaviour.test for behaviour in behaviours_of(stage.number)]
        self.results: dict[str, Result] = {}
        title = say("check.chapter", number=stage.number, title=stage.title[messages.language()])
        console.print(f"[bold]{escape(title)}[/]")

    def add(self, result: Result) -> None:
        """Take a final result, and show all that are next in the lesson's order."""
        self.results[result.behaviour.test] = result
        while self.waiting and self.waiting[0] in self.results:
            show_result(self.console, self.results[self.waiting.pop(0)])

    def finish(self, verdict: Verdict) -> None:
        """Show the rest, the earlier chapters, and the count."""
        for test in self.waiting:
            if test in verdict.results:
                show_result(self.console, verdict.results[test])
        if self.stage.number:
            self.console.print(f"[bold]{escape(say('check.before'))}[/]")
        for stage in all_stages()[: self.stage.number]:
            results = [r for r in verdict.results.values() if r.behaviour.number == stage.number]
            if results:
                self._show_chapter(stage, results)
        self.console.print("\n" + count_of(verdict))

    def _show_chapter(self, stage: Stage, results: list[Result]) -> None:
        rest = [result for result in results if not result.passed]
        values = {"title": stage.title[messages.language()], "count": len(results)}
        if not rest:
            _show_line(self.console, MARKS["passed"], say("check.all_passed", **values))
            return
        _show_line(self.console, TO_DO, say("check.some_passed", passed=len(results) - len(rest), **values))
        for result in rest:
            show_result(self.console, result)


def show_result(console: Console, result: Result) -> None:
    """Show one behaviour in a line."""
    _show_line(console, MARKS.get(result.state, TO_DO), result.behaviour.sentence)


def count_of(verdict: Verdict) -> str:
    """Return the sentence that says how many behaviours passed."""
    return say("check.count", passed=verdict.passed_count, total=len(verdict.results))


def show_next(
    console: Console, verdict: Verdict, stage: Stage, folder: Path, key: str, *, ever_passed: Collection[str]
) -> None:
    """Explain the one behaviour that the learner should work on.

    Args:
        key: the learner's name for the folder, for the commands that are suggested.
        ever_passed: the tests that passed in an earlier check.
    """
    result = next_result(verdict, stage, ever_passed)
    if result is None:
        console.print(say("check.done"))
        return
    starts = not fails_at_start(verdict, result)
    console.print(f"[bold]{escape(headline(verdict, result, stage, ever_passed))}[/]\n")
    show_explanation(console, result, folder, taught=starts)
    console.print()
    if starts and result.behaviour.hints:
        console.print(say("check.hint", key=key))
    console.print(f"[dim]{escape(say('check.full', key=key))}[/]")


def show_explanation(console: Console, result: Result, folder: Path, taught: bool = True) -> None:
    """Show why a behaviour failed, part by part.

    Args:
        taught: show why it matters and where it is taught, too: useless while the code does not start.
    """
    parts = explain(result, folder)
    if taught:
        parts.append(("why", result.behaviour.why))
    section = result.behaviour.lesson if taught else None
    if section:
        title, page, line = section
        parts.append(("lesson", say("explain.lesson_place", title=title, page=page, line=line)))
    rows = [(say(f"explain.{label}"), text) for label, text in parts if text]
    width = max((cell_len(label) for label, _ in rows), default=0)  # a Korean letter is two cells wide
    for label, text in rows:
        console.print(f"  [dim]{escape(label)}[/]{' ' * (width - cell_len(label))}  {escape(text)}")


def _show_line(console: Console, mark: tuple[str, str], text: str) -> None:
    key, style = mark
    console.print(f"[{style}]{say(key)}[/]  {escape(text)}")
