"""Applies a patch by its content and not by line numbers, because the code may have moved. Needs no git."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import whatthepatch


class StalePatch(Exception):
    """A patch no longer fits the code; the message names the file."""


def read_patch(file: Path) -> tuple[dict[str, str], str]:
    """Return the fields in the head of a patch, `name: text` in each line, and the patch itself."""
    head, mark, patch = file.read_text(encoding="utf-8").partition("diff -u ")
    return dict(line.split(": ", 1) for line in head.splitlines()), mark + patch


def apply_patch(patch: str, folder: Path) -> None:
    """Apply ``patch``, the output of `diff -u`, to the files of ``folder``.

    Raises:
        StalePatch: the lines of a hunk are gone, or occur more than once.
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
        if not lines:  # a patch that takes every line takes the file
            file.unlink()
            continue
        file.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


def _replace(lines: list[str], hunk: list[Any], where: str) -> list[str]:
    """Apply one hunk, wherever its lines are now."""
    old = [line.line for line in hunk if line.old is not None]
    new = [line.line for line in hunk if line.new is not None]
    found = [start for start in range(len(lines)) if lines[start : start + len(old)] == old]
    if len(found) != 1:
        problem = "are gone" if not found else "occur more than once: add context to the patch"
        raise StalePatch(f"its lines in {where} {problem}")
    return lines[: found[0]] + new + lines[found[0] + len(old) :]
