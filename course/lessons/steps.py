"""The steps of a chapter. Each is a state of the service that starts and answers requests.

`chapters/NN_…/steps/K_name.patch` leads from the state before step K, for step 1 the stage before, to
the state after it; the last step's state is the finished chapter. In a patch the files are in the order in
which a learner types them. `steps/green.toml` is recorded: which behaviours each step turns green. A file
`steps/spec.ko.md` is a translation of `spec.md`, for the page.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from course.errors import Failure
from course.lessons.own_files import own_files
from course.lessons.patches import patched, read_patch
from course.lessons.stages import Stage, find_stage, stage_before
from course.messages import say

RECORD = "green.toml"


@dataclass(frozen=True)
class Checked:
    """What a check of the state after a step says: recorded, not written by hand."""

    passed: int
    total: int
    green: tuple[str, ...]  # the tests that pass now and did not before the step
    red: tuple[str, ...]  # the other way round


def patches_of(stage: Stage) -> tuple[Path, ...]:
    """Return the patch of each step of a chapter, in their order; none for `start` and `final`."""
    found = {int(file.name.partition("_")[0]): file for file in (stage.path / "steps").glob("*_*.patch")}
    return tuple(found[number] for number in sorted(found))


def find_step(stage: Stage, step: int) -> int:
    """Return ``step`` if ``stage`` has it.

    Raises:
        Failure: it has not; the message says which steps there are.
    """
    last = len(patches_of(stage))
    if not last:
        raise Failure(say("step.none", name=stage.name))
    if not 1 <= step <= last:
        raise Failure(say("step.unknown", number=stage.number, step=step, last=last))
    return step


def state_after(stage: Stage, step: int) -> dict[str, str]:
    """Return the files of the service after a step, text by path; after step 0, those of the stage before.

    Raises:
        StalePatch: a step's patch no longer fits.
    """
    return dict(_state(stage.name, step))


def build_step(stage: Stage, step: int, folder: Path) -> None:
    """Write the service as it is after ``step`` into ``folder``, which must not exist.

    Raises:
        StalePatch: a step's patch no longer fits.
    """
    folder.mkdir(parents=True)
    write_files(_state(stage.name, step), folder)


def write_files(files: Mapping[str, str], folder: Path) -> None:
    """Write files, text by path, into ``folder``."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def files_of_step(stage: Stage, step: int) -> list[str]:
    """Return the files that a step adds, changes or removes, in the order in which a learner types them."""
    return re.findall(r"^diff -u \S+ (\S+)$", patches_of(stage)[step - 1].read_text("utf-8"), re.M)


def notes_of_step(stage: Stage, step: int) -> dict[str, str]:
    """Return the lines `name: text` above a step's patch: why it gives something up for a while."""
    return read_patch(patches_of(stage)[step - 1])[0]


def steps_that_write(stage: Stage, file: str, names: tuple[str, ...] = ()) -> list[int]:
    """Return the steps that write ``file``; first the one that begins something called as in ``names``."""
    parts = {number: _part_of(patch, file) for number, patch in enumerate(patches_of(stage), 1)}
    writing = [number for number, part in parts.items() if part]
    for name in names:
        defines = rf"\s*(?:(?:async )?def |class ){re.escape(name)}\b"
        for number in writing:  # a definition that is only changed is taken away too
            added, removed = (
                re.search(rf"^{re.escape(sign)}{defines}", parts[number], re.M) for sign in "+-"
            )
            if added and not removed:
                return [number, *(other for other in writing if other != number)]
    return writing


def _part_of(patch: Path, file: str) -> str:
    """Return what a patch does to ``file``. The lab has the patches, and not the files that they change."""
    found = re.search(
        rf"^diff -u \S+ {re.escape(file)}\n(.*?)(?=^diff -u |\Z)", patch.read_text("utf-8"), re.M | re.S
    )
    return found[1] if found else ""


def checked_after(stage: Stage, step: int) -> Checked:
    """Return what a check says after a step, as it was recorded.

    Raises:
        LookupError: nothing was recorded.
    """
    entry = _recorded(stage.name)[step - 1]
    return Checked(entry["passed"], entry["total"], tuple(entry["green"]), tuple(entry.get("red", ())))


def step_that_builds(stage: Stage, test: str) -> int | None:
    """Return the step that turns a test green for good, None if the recorded steps turn it green nowhere."""
    steps = range(len(patches_of(stage)), 0, -1)
    return next((step for step in steps if test in _recorded(stage.name)[step - 1]["green"]), None)


@cache
def _recorded(name: str) -> tuple[dict[str, Any], ...]:
    """Return what was recorded for each step, as far as there are records."""
    stage = find_stage(name)
    file = stage.path / "steps" / RECORD
    recorded = tomllib.loads(file.read_text(encoding="utf-8"))["steps"] if file.is_file() else []
    missing = len(patches_of(stage)) - len(recorded)
    return (*recorded, *({"green": []} for _ in range(missing)))


@cache  # a page asks for the same state again and again
def _state(name: str, step: int) -> dict[str, str]:
    stage = find_stage(name)
    if step == 0:
        return texts_of(stage_before(stage).path)
    _, patch = read_patch(patches_of(stage)[step - 1])
    return patched(patch, _state(name, step - 1))


def forget_states() -> None:
    """Read the patches again when a state is asked for: they were rewritten."""
    _state.cache_clear()
    _recorded.cache_clear()


def names_of(folder: Path) -> list[str]:
    """Return the path of each file in a stage's folder, without its steps."""
    return [name for name in own_files(folder) if not name.startswith("steps/")]


def texts_of(folder: Path) -> dict[str, str]:
    """Return the text of each file in a stage's folder by its path, without its steps."""
    return {name: (folder / name).read_text(encoding="utf-8") for name in names_of(folder)}
