"""Applies a patch by what it says and not by line numbers, without git: the code around it may have moved."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import whatthepatch


class StalePatch(Exception):
    """A patch does not fit the code of today; the message names the file."""


def apply_patch(patch: str, folder: Path) -> None:
    """Change the files of ``folder`` as ``patch``, the output of `diff -u`, says.

    Raises:
        StalePatch: a place is gone, or is there more than once.
    """
    for change in whatthepatch.parse_patch(patch):
        file = folder / change.header.new_path
        if not file.exists() and all(line.old is None for line in change.changes):  # a new file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(
                "\n".join(line.line for line in change.changes) + "\n", encoding="utf-8", newline="\n"
            )
            continue
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            raise StalePatch(f"{change.header.new_path} is gone") from None
        for _, hunk in groupby(change.changes, key=lambda line: line.hunk):
            lines = _replace(lines, list(hunk), change.header.new_path)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _replace(lines: list[str], hunk: list[Any], where: str) -> list[str]:
    """Change one place, wherever it has moved to since the patch was made."""
    old = [line.line for line in hunk if line.old is not None]
    new = [line.line for line in hunk if line.new is not None]
    found = [start for start in range(len(lines)) if lines[start : start + len(old)] == old]
    if len(found) != 1:
        problem = "is gone" if not found else "is there more than once: add context to the patch"
        raise StalePatch(f"its place in {where} {problem}")
    return lines[: found[0]] + new + lines[found[0] + len(old) :]
