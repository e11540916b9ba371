"""The stages of the course in their order, as chapters/stages.toml lists them; `final` is last."""

from __future__ import annotations

import shutil
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from course.errors import Failure
from course.lessons.own_files import copy_own_files
from course.messages import say
from course.paths import ROOT

FINAL_NUMBER = 8  # chapters are 1 to 7, `start` is 0
LEFTOVER_AGE = 3600  # seconds after which an unfinished copy is given up; making one takes a second


@dataclass(frozen=True)
class Stage:
    """One runnable folder of the course.

    ``added``, ``changed`` and ``removed`` list paths in the folder that differ from the stage before it.
    """

    name: str
    number: int
    path: Path
    title: dict[str, str]
    added: tuple[str, ...] = field(default=(), repr=False)
    changed: tuple[str, ...] = field(default=(), repr=False)
    removed: tuple[str, ...] = field(default=(), repr=False)


class UnknownStage(Failure):
    """There is no such stage; the message lists those that exist."""


@cache
def all_stages() -> tuple[Stage, ...]:
    """Return all stages: `start`, the chapters in order, `final`."""
    listed = tomllib.loads((ROOT / "chapters" / "stages.toml").read_text(encoding="utf-8"))["stages"]
    return tuple(_stage(entry) for entry in listed)


def find_stage(key: str) -> Stage:
    """Return the stage called ``key``: `start`, `final`, a chapter's number (`3`, `03`) or its folder's name.

    Raises:
        UnknownStage: there is no such stage.
    """
    for stage in all_stages():
        names = {stage.name, stage.name.split("_")[0]}
        if 0 < stage.number < FINAL_NUMBER:
            names.add(str(stage.number))
        if key in names:
            return stage
    raise UnknownStage(say("stage.unknown", key=repr(key), last=FINAL_NUMBER - 1))


def find_chapter(key: str) -> Stage:
    """Return the chapter called ``key``, as `find_stage` does.

    Raises:
        Failure: there is no such stage, or it is `start` or `final`.
    """
    stage = find_stage(key)
    if stage not in chapters():
        raise Failure(say("stage.no_chapter", name=stage.name, last=chapters()[-1].number))
    return stage


def chapters() -> tuple[Stage, ...]:
    """Return the chapters, which are all stages except `start` and `final`."""
    return tuple(stage for stage in all_stages() if 0 < stage.number < FINAL_NUMBER)


def stage_before(stage: Stage) -> Stage:
    """Return the stage that ``stage`` continues.

    Raises:
        UnknownStage: ``stage`` is the first.
    """
    stages = all_stages()
    position = stages.index(stage)
    if position == 0:
        raise UnknownStage(f"there is no stage before {stage.name}")
    return stages[position - 1]


def copy_stage(stage: Stage, folder: Path) -> None:
    """Copy ``stage`` into ``folder``: all of its files or, on an error, none.

    Raises:
        OSError: see `make_folder`.
    """
    make_folder(folder, lambda new: copy_own_files(stage.path, new, but=("steps",)))


def make_folder(folder: Path, fill: Callable[[Path], object]) -> None:
    """Make ``folder`` with all that ``fill`` writes into the path it is given or, on an error, not at all.

    Raises:
        OSError: ``folder`` exists, perhaps made by another command meanwhile; the disk is full, ...
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    with TemporaryDirectory(
        dir=folder.parent, prefix=f".{folder.name}.", suffix=".new", ignore_cleanup_errors=True
    ) as scratch:
        new = Path(scratch, folder.name)
        fill(new)
        new.rename(folder)


def remove_leftovers(folder: Path) -> None:
    """Remove what killed commands left of their copies for ``folder``, but no copy that is being made now."""
    for left in folder.parent.glob(f".{folder.name}.*.new"):
        if left.is_dir() and time.time() - left.stat().st_mtime > LEFTOVER_AGE:
            shutil.rmtree(left, ignore_errors=True)


def _stage(entry: dict[str, object]) -> Stage:
    name = str(entry.pop("name"))
    if name == "final":
        number, path = FINAL_NUMBER, ROOT / "final"
    else:
        number, path = (0 if name == "start" else int(name[:2])), ROOT / "chapters" / name
    title = entry.pop("title")
    if not isinstance(title, dict):
        raise TypeError(f"chapters/stages.toml: {name} needs a title in both languages")
    lists = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
    return Stage(name, number, path, title, **lists)
