"""`check`: the learner's own code before the course's tests."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from course.failures import ROOT, Failure
from course.judge import Behaviour, judge
from course.stages import Stage, UnknownStage, find_stage, stage_before

WORKSPACE = ROOT / "workspace"


def check(key: str, full: bool) -> int:
    """Show which behaviours the folder has and which are still to do; return 0 when it has all.

    Args:
        key: a chapter, whose folder in `workspace/` is judged, or a folder that is named like its chapter.
        full: show the tests' whole output as well.
    """
    stage, folder = what_to_check(key)
    verdict = judge(folder, stage.name, full=full)
    if not verdict.behaviours:
        raise Failure(verdict.broken or f"There is no test for {stage.name} yet: check another chapter.")
    _show(Console(soft_wrap=True, highlight=False), list(verdict.behaviours.values()), key)
    return 0 if all(behaviour.kept for behaviour in verdict.behaviours.values()) else 1


def what_to_check(key: str) -> tuple[Stage, Path]:
    """Return the stage that ``key`` names and the learner's folder of it.

    Raises:
        Failure: there is no such stage, or nothing of the learner's yet.
    """
    folder = Path(key)
    try:
        if folder.is_dir() and (folder.name != key or not (WORKSPACE / key).is_dir()):  # `final` may be both
            return find_stage(folder.resolve().name), folder.resolve()
        stage = find_stage(key)
    except UnknownStage as error:
        raise Failure(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
    own = WORKSPACE / stage.name
    if not own.is_dir():
        before = stage_before(stage) if stage.number else stage
        raise Failure(
            f"There is nothing of yours to check yet: copy the folder "
            f"{before.path.relative_to(ROOT).as_posix()} to "
            f"workspace/{stage.name}, change it as the lesson says, and check again."
        )
    return stage, own


def _show(console: Console, behaviours: list[Behaviour], key: str) -> None:
    for behaviour in behaviours:
        mark = "[green]passed[/]" if behaviour.kept else "[yellow]to do [/]"
        console.print(f"{mark}  {escape(behaviour.sentence)}")
    missing = [behaviour for behaviour in behaviours if not behaviour.kept]
    console.print(f"\n{len(behaviours) - len(missing)} of {len(behaviours)} behaviours are there.")
    if missing:
        console.print(f"[bold]Next:[/] {escape(missing[0].sentence)}")
        console.print(escape(missing[0].message))
        console.print(f"[dim]All that the tests say: python3 -m course check {escape(key)} --full[/]")
