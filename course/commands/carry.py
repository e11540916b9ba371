"""`carry`: applies an edit of a chapter's file to the chapters after it."""

from __future__ import annotations

import subprocess
from pathlib import Path, PurePosixPath

from course.commands.merging import merge
from course.errors import Failure
from course.lessons.stages import FINAL_NUMBER, Stage, all_stages
from course.paths import ROOT


def carry(file: Path) -> int:
    """Apply the change of ``file`` since the last commit to the same file in each later chapter.

    A file that was identical stays identical. A file that its chapter changes is merged three ways, and the
    result is the edit for the next chapter. On a conflict both versions stay in the file between git's
    conflict marks, and a second run continues from there. Returns the exit status.

    Raises:
        Failure: the file does not belong to a chapter, or it has not changed.
    """
    stage, path = _locate(file)
    if not (stage.path / path).is_file():
        raise Failure(
            f"{file} does not exist. carry applies edits; to remove a file, remove it from each chapter."
        )
    new = (stage.path / path).read_bytes()
    old = _in_head(stage.path / path)
    if new == old:
        raise Failure(f"{file} has not changed since the last commit: edit it first, then carry the edit.")
    for later in all_stages():
        if not stage.number < later.number < FINAL_NUMBER:
            continue
        target = later.path / path
        shown = target.relative_to(ROOT).as_posix()
        if str(path) in later.removed:
            print(f"{shown}: this chapter removes the file, so the edit ends here")
            return 0
        current = target.read_bytes() if target.is_file() else None
        if current == new:
            print(f"{shown}: already has the edit")
            continue
        if current == old:
            merged, conflict = new, False
        elif old is None or current is None:
            print(f"{shown}: new in git or missing in this chapter. Nothing was changed: edit it by hand")
            return 1
        else:
            text, conflict = merge(*(version.decode("utf-8") for version in (current, old, new)))
            merged = text.encode("utf-8")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(merged)
        if conflict:
            print(
                f"{shown}: conflict, it has both versions. Resolve it, then python3 -m course carry {shown}"
            )
            return 1
        print(f"{shown}: {'copied' if current == old else 'merged'}")
        old, new = current, merged
    return 0


def _locate(file: Path) -> tuple[Stage, PurePosixPath]:
    for stage in all_stages():
        if stage.number < FINAL_NUMBER and file.resolve().is_relative_to(stage.path):
            return stage, PurePosixPath(file.resolve().relative_to(stage.path).as_posix())
    raise Failure(f"{file} is not in a chapter: name a file below chapters/.")


def _in_head(file: Path) -> bytes | None:
    """Return ``file`` from the last commit, with this system's line ends; None if it is new."""
    name = file.relative_to(ROOT).as_posix()
    command = ["git", "cat-file", "--filters", f"HEAD:{name}"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True)
    return shown.stdout if shown.returncode == 0 else None
