"""`check`: the learner's own code before the course's tests, and what is to do next, in words."""

from __future__ import annotations

from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape

from course import messages
from course.errors import Failure
from course.judging.archives import unpack
from course.judging.explain import explain
from course.judging.progress import Progress
from course.judging.results import Result, Verdict, does_not_start, headline, next_result
from course.judging.runner import judge
from course.lessons.behaviours import behaviours_of
from course.lessons.stages import Stage, UnknownStage, all_stages, find_stage
from course.messages import say
from course.paths import WORKSPACE


def check(key: str, full: bool) -> int:
    """Show which behaviours the folder has and which are still to do; return 0 when it has all.

    Args:
        key: a chapter, whose folder in `workspace/` is judged, a folder that is named like its chapter, or a
            zip of one, as the lab makes it.
        full: show the tests' whole output as well.
    """
    stage, folder = what_to_check(key)
    console = plain_console()
    listing = Listing(console, stage)
    verdict = judge(folder, stage, full=full, tell=listing.tell)
    if not verdict.results or all(result.state == "unknown" for result in verdict.results.values()):
        raise Failure(say("check.failed", key=key))
    listing.finish(verdict)
    show_next(console, verdict, stage, folder, key, ever=Progress().chapter(stage)["ever"])
    note(verdict, stage, folder)
    return 1 if verdict.missing else 0


def what_to_check(key: str) -> tuple[Stage, Path]:
    """Return the stage that ``key`` names and the learner's folder of it.

    Raises:
        Failure: there is no such stage, or nothing of the learner's yet.
    """
    folder = unpack(Path(key)) if key.endswith(".zip") and Path(key).is_file() else Path(key)
    if folder.is_dir() and (folder.name != key or not (WORKSPACE / key).is_dir()):  # `final` may be both
        return named_stage(folder.resolve().name), folder.resolve()
    stage = named_stage(key)
    own = WORKSPACE / stage.name
    if not own.is_dir():
        raise Failure(say("check.nothing", number=stage.number))
    return stage, own


def named_stage(key: str) -> Stage:
    """Return the stage called ``key``.

    Raises:
        Failure: there is none.
    """
    try:
        return find_stage(key)
    except UnknownStage:
        known = ", ".join(stage.name for stage in all_stages())
        raise Failure(say("stage.unknown", key=repr(key), known=known)) from None


def plain_console() -> Console:
    """Return a console that breaks no line by itself: what is cut can neither be copied nor clicked."""
    return Console(soft_wrap=True, highlight=False)


class Listing:
    """Shows the chapter's own behaviours as they become certain, and each earlier chapter in a line."""

    def __init__(self, console: Console, stage: Stage) -> None:
        self.console, self.stage = console, stage
        self.waiting = [behaviour.test for behaviour in behaviours_of(stage.number)]
        self.known: dict[str, Result] = {}
        title = say("check.chapter", number=stage.number, title=stage.title[messages.language()])
        console.print(f"[bold]{escape(title)}[/]")

    def tell(self, result: Result) -> None:
        """Show what is certain, in the lesson's order."""
        self.known[result.behaviour.test] = result
        while self.waiting and self.waiting[0] in self.known:
            self._line(self.known[self.waiting.pop(0)])

    def finish(self, verdict: Verdict) -> None:
        """Show the rest, and how many there are."""
        for test in self.waiting:
            if test in verdict.results:
                self._line(verdict.results[test])
        if self.stage.number:
            self.console.print(f"[bold]{escape(say('check.before'))}[/]")
        for stage in all_stages()[: self.stage.number]:
            results = [r for r in verdict.results.values() if r.behaviour.number == stage.number]
            missing = [result for result in results if not result.kept]
            title, count = stage.title[messages.language()], len(results)
            if results and not missing:
                self._mark("check.kept", "green", say("check.all_kept", title=title, count=count))
            elif results:
                kept = count - len(missing)
                self._mark(
                    "check.todo", "yellow", say("check.some_kept", title=title, kept=kept, count=count)
                )
                for result in missing:
                    self._line(result)
        kept, total = len(verdict.results) - len(verdict.missing), len(verdict.results)
        self.console.print("\n" + say("check.count", kept=kept, total=total))

    def _line(self, result: Result) -> None:
        if result.kept:
            self._mark("check.kept", "green", result.behaviour.sentence)
        elif result.state == "unknown":
            self._mark("check.unknown", "dim", result.behaviour.sentence)
        else:
            self._mark("check.todo", "yellow", result.behaviour.sentence)

    def _mark(self, key: str, style: str, text: str) -> None:
        self.console.print(f"[{style}]{say(key)}[/]  {escape(text)}")


def show_next(
    console: Console, verdict: Verdict, stage: Stage, folder: Path, key: str, *, ever: list[str]
) -> None:
    """Explain the one behaviour that the learner should turn to.

    Args:
        ever: the tests that an earlier check has seen kept.
    """
    result = next_result(verdict, stage, ever)
    if result is None:
        console.print(say("check.done"))
        return
    told = headline(verdict, result, stage, ever)
    console.print(f"[bold]{escape(told)}[/]\n")
    starts = not does_not_start(verdict, result)
    show_finding(console, result, folder, taught=starts)
    console.print()
    if starts and result.behaviour.hints:
        console.print(say("check.hint", key=key))
    console.print(f"[dim]{escape(say('check.full', key=key))}[/]")


def show_finding(console: Console, result: Result, folder: Path, taught: bool = True) -> None:
    """Show why a behaviour is not there, part by part.

    Args:
        taught: whether to say why it matters and where it is taught: no help if the code does not even start.
    """
    parts = explain(result, folder)
    if taught:
        parts.append(("why", result.behaviour.why))
    place = result.behaviour.lesson if taught else None
    if place:
        title, page, line = place
        parts.append(("lesson", say("explain.lesson_place", title=title, page=page, line=line)))
    rows = [(say(f"explain.{label}"), text) for label, text in parts if text]
    width = max((cell_len(label) for label, _ in rows), default=0)  # a Korean letter is two cells wide
    for label, text in rows:
        console.print(f"  [dim]{escape(label)}[/]{' ' * (width - cell_len(label))}  {escape(text)}")


def note(verdict: Verdict, stage: Stage, folder: Path) -> None:
    """Keep the result as the learner's progress, where the folder is the one in `workspace/`."""
    if folder != (WORKSPACE / stage.name).resolve() and folder != WORKSPACE / stage.name:
        return
    progress = Progress()
    following = next_result(verdict, stage, progress.chapter(stage)["ever"])
    kept = [test for test, result in verdict.results.items() if result.kept]
    missing = [result.behaviour.test for result in verdict.missing]
    progress.chapter(stage)["next"] = following.behaviour.test if following else None
    progress.note_check(stage, kept, missing)
