"""Shows the results of a check at the terminal: the list of behaviours, and the explanation of one."""

from __future__ import annotations

from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape

from course import messages
from course.judging.advice import Advice, next_step
from course.judging.explain import explain
from course.judging.progress import Progress
from course.judging.results import Result, Verdict
from course.lessons.behaviours import Behaviour, behaviours_of
from course.lessons.stages import Stage, all_stages
from course.messages import say
from course.paths import WORKSPACE
from course.setup.running import address_of

MOST_FILES = 5  # changed since a behaviour passed, that are named

#: How a state is shown: its message and its colour. All other states are to do.
MARKS = {"passed": ("check.passed", "green"), "unknown": ("check.unknown", "dim")}
TO_DO = ("check.todo", "yellow")


def plain_console() -> Console:
    """Return a console that does not wrap lines, so that they can be copied and clicked."""
    return Console(soft_wrap=True, highlight=False)


class Listing:
    """Shows the chapter's own behaviours as soon as they are final, and each earlier chapter in a line.

    While nothing has passed it shows no behaviour: where the code does not even start, a list of all of them
    would hide the one explanation that matters.
    """

    def __init__(self, console: Console, stage: Stage) -> None:
        self.console, self.stage = console, stage
        self.waiting = [behaviour.test for behaviour in behaviours_of(stage.number)]
        self.results: dict[str, Result] = {}
        self.some_passed = False
        title = say("check.chapter", number=stage.number, title=stage.title[messages.language()])
        console.print(f"[bold]{escape(title)}[/]")

    def add(self, result: Result) -> None:
        """Take a final result, and show all that are next in the lesson's order."""
        self.results[result.behaviour.test] = result
        self.some_passed = self.some_passed or result.passed
        while self.some_passed and self.waiting and self.waiting[0] in self.results:
            show_result(self.console, self.results[self.waiting.pop(0)], self.stage)

    def finish(self, verdict: Verdict) -> None:
        """Show the rest, the earlier chapters, and the count."""
        if verdict.passed_count:
            self._show_rest(verdict)
        self.console.print("\n" + count_of(verdict))

    def _show_rest(self, verdict: Verdict) -> None:
        for test in self.waiting:
            if test in verdict.results:
                show_result(self.console, verdict.results[test], self.stage)
        if self.stage.number:
            self.console.print(f"[bold]{escape(say('check.before'))}[/]")
        for stage in all_stages()[: self.stage.number]:
            results = [r for r in verdict.results.values() if r.behaviour.number == stage.number]
            if results:
                self._show_chapter(stage, results)

    def show_leftovers(self, folder: Path) -> None:
        """Name the files that the lessons so far have replaced, and that only confuse their reader."""
        if not (folder / "app" / "__init__.py").is_file():  # until then, app.py is the application
            return
        removed = {name for stage in all_stages()[: self.stage.number + 1] for name in stage.removed}
        needed = {*self.stage.added, *self.stage.changed}
        for name in sorted(removed - needed):
            if (folder / name).is_file():
                self.console.print(say("check.leftover", file=name))

    def _show_chapter(self, stage: Stage, results: list[Result]) -> None:
        rest = [result for result in results if not result.passed]
        values = {"title": stage.title[messages.language()], "count": len(results)}
        if not rest:
            _show_line(self.console, MARKS["passed"], say("check.all_passed", **values))
            return
        _show_line(self.console, TO_DO, say("check.some_passed", passed=len(results) - len(rest), **values))
        for result in rest:
            show_result(self.console, result, self.stage)


def show_result(console: Console, result: Result, stage: Stage | None = None) -> None:
    """Show one behaviour in a line, with its number if it is one of a chapter's."""
    number = f"{label_of(result.behaviour, stage):>3}  " if stage else ""
    _show_line(console, MARKS.get(result.state, TO_DO), number + result.behaviour.sentence)


def label_of(behaviour: Behaviour, stage: Stage) -> str:
    """Return the number of a behaviour in the list of ``stage``; an earlier chapter's has that in front."""
    tests = [one.test for one in behaviours_of(behaviour.number)]
    number = tests.index(behaviour.test) + 1
    return str(number) if behaviour.number == stage.number else f"{behaviour.number}.{number}"


def count_of(verdict: Verdict) -> str:
    """Return the sentence that says how many behaviours passed."""
    return say("check.count", passed=verdict.passed_count, total=len(verdict.results))


def show_next(console: Console, verdict: Verdict, stage: Stage, folder: Path, key: str) -> None:
    """Explain the one behaviour that the learner should work on.

    Args:
        key: the learner's name for the folder, for the commands that are suggested.
    """
    progress = Progress()
    advice = next_step(verdict, stage, progress.ever_passed(stage, folder), folder)
    if advice is None:
        console.print(say("check.done"))
        return
    show_advice(console, advice, stage, folder, progress)
    console.print()
    if advice.hints:
        console.print(say("check.hint", key=key))
    console.print(f"[dim]{escape(say('check.full', key=key))}[/]")


def show_parts(console: Console, parts: list[tuple[str, str]]) -> None:
    """Show the parts of an explanation, each after its label."""
    rows = [
        ("" if number else say(f"explain.{label}"), line)
        for label, text in parts
        if text
        for number, line in enumerate(text.split("\n"))
    ]
    width = max((cell_len(label) for label, _ in rows), default=0)  # a Korean letter is two cells wide
    for label, text in rows:
        console.print(f"  [dim]{escape(label)}[/]{' ' * (width - cell_len(label))}  {escape(text)}")


def show_advice(console: Console, advice: Advice, stage: Stage, folder: Path, progress: Progress) -> None:
    """Show what to work on, and why it failed, part by part."""
    console.print(f"[bold]{escape(advice.headline)}[/]\n")
    parts = explain(advice.result, folder)
    if advice.regression and (WORKSPACE / stage.name) in (folder, folder.resolve()):
        changed = progress.changed_since_it_passed(advice.result.behaviour.test, stage, folder)
        more = len(changed) - MOST_FILES
        names = ", ".join(changed[:MOST_FILES]) + (say("explain.more", count=more) if more > 0 else "")
        parts.append(("changed", names))
    parts.append(("why", advice.why))
    if advice.lesson:
        parts.append(("lesson", f"{advice.lesson.title}\n{address_of(advice.lesson.path)}"))
    show_parts(console, parts)


def _show_line(console: Console, mark: tuple[str, str], text: str) -> None:
    key, style = mark
    console.print(f"[{style}]{say(key)}[/]  {escape(text)}")
