"""The stages of the course in their order, as chapters/stages.toml lists them; `final` is last."""

from __future__ import annotations

import os
import shutil
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from course.paths import ROOT

FINAL_NUMBER = 8  # chapters are 1 to 7, `start` is 0

#: What running a stage, its tests or its jobs leaves in the folder: nobody's work, never copied or shown.
LEFT_BEHIND = (
    "__pycache__",
    "*.pyc",
    "instance",
    ".*_cache",
    ".coverage",
    ".nox",
    "htmlcov",
    "image.tar",
    "reached",
)
ignore_left_behind = shutil.ignore_patterns(*LEFT_BEHIND)


@dataclass(frozen=True)
class Stage:
    """One runnable folder of the course.

    ``added``, ``changed`` and ``removed`` are paths relative to the folder, as against the stage before it.
    """

    name: str
    number: int
    path: Path
    title: dict[str, str]
    added: tuple[str, ...] = field(default=(), repr=False)
    changed: tuple[str, ...] = field(default=(), repr=False)
    removed: tuple[str, ...] = field(default=(), repr=False)


class UnknownStage(LookupError):
    """No stage goes by the name that was asked for."""


@cache
def all_stages() -> tuple[Stage, ...]:
    """Return every stage there is: `start`, the chapters in order, `final`."""
    listed = tomllib.loads((ROOT / "chapters" / "stages.toml").read_text(encoding="utf-8"))["stages"]
    return tuple(_stage(entry) for entry in listed)


def find_stage(key: str) -> Stage:
    """Return the stage called ``key``: `start`, `final`, a chapter's number (`3`, `03`) or its folder's name.

    Raises:
        UnknownStage: no stage goes by that name; the message lists those that do.
    """
    for stage in all_stages():
        names = {stage.name, stage.name.split("_")[0]}
        if 0 < stage.number < FINAL_NUMBER:
            names.add(str(stage.number))
        if key in names:
            return stage
    known = ", ".join(stage.name for stage in all_stages())
    raise UnknownStage(f"there is no stage {key!r}; there are: {known}")


def chapters() -> tuple[Stage, ...]:
    """Return the chapters that a learner works through: every stage but `start` and `final`."""
    return tuple(stage for stage in all_stages() if 0 < stage.number < FINAL_NUMBER)


def stage_before(stage: Stage) -> Stage:
    """Return the stage that ``stage`` was made from.

    Raises:
        UnknownStage: ``stage`` is the first.
    """
    stages = all_stages()
    position = stages.index(stage)
    if position == 0:
        raise UnknownStage(f"nothing comes before {stage.name}")
    return stages[position - 1]


def files_of(folder: Path) -> dict[str, Path]:
    """Return the files of a stage that somebody wrote, by their paths from its ``folder``."""
    found: dict[str, Path] = {}
    for parent, folders, names in os.walk(folder):
        left = ignore_left_behind(parent, [*folders, *names])
        folders[:] = sorted(set(folders) - left - {".git"})
        for name in sorted(set(names) - left):
            file = Path(parent, name)
            found[file.relative_to(folder).as_posix()] = file
    return found


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
