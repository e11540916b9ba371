"""Makes patches, and applies them by their content: the code may have moved to other lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import unified_diff
from itertools import groupby
from pathlib import Path
from typing import Any


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
    names = dict.fromkeys(name for change in _parsed(patch) for name in _names(change))
    before = {name: (folder / name).read_text("utf-8") for name in names if (folder / name).exists()}
    after = patched(patch, before)
    for name in names:
        if name in after:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(after[name], encoding="utf-8", newline="\n")
        else:
            (folder / name).unlink()


def patched(patch: str, files: Mapping[str, str]) -> dict[str, str]:
    """Return ``files``, text by path, with ``patch`` applied. A change with two names moves a file.

    Raises:
        StalePatch: the lines of a hunk are gone, or occur more than once.
    """
    after = dict(files)
    for change in _parsed(patch):
        old, name = _names(change)
        if old not in after and any(line.old is not None for line in change.changes):
            raise StalePatch(f"{old} is gone")
        if old != name and name in after:
            raise StalePatch(f"{name} is there already")
        lines = after.pop(old, "").splitlines()
        for _, hunk in groupby(change.changes, key=lambda line: line.hunk):
            lines = _replace(lines, list(hunk), old)
        if lines:  # a patch that takes every line takes the file
            after[name] = "\n".join(lines) + "\n"
    return after


def make_patch(before: Mapping[str, str], after: Mapping[str, str], order: Iterable[str] = ()) -> str:
    """Return the patch that leads from the files ``before`` to the files ``after``, text by path.

    Args:
        order: the paths that come first, in this order.
    """
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    names = [name for name in order if name in changed]
    names += sorted(changed.difference(names), key=lambda name: ("/" not in name, name))
    return "".join(_make(name, before.get(name, ""), after.get(name, "")) for name in names)


def _parsed(patch: str) -> Iterator[Any]:
    import whatthepatch  # here: the first command reads lessons before there are packages

    yield from whatthepatch.parse_patch(patch)


def _names(change: Any) -> tuple[str, str]:
    """Return the name of a file before a change and after it; of a new file, its name twice."""
    old, new = change.header.old_path, change.header.new_path
    return new if old == "/dev/null" else old, new


def _make(name: str, before: str, after: str) -> str:
    """Return the patch of one file, with as many lines of context as make each hunk unmistakable."""
    for context in (3, 6, 12, 24, len(before)):
        lines = unified_diff(before.splitlines(), after.splitlines(), name, name, n=context, lineterm="")
        patch = "\n".join([f"diff -u {name} {name}", *lines]) + "\n"
        try:
            if patched(patch, {name: before} if before else {}) == ({name: after} if after else {}):
                return patch
        except StalePatch:
            continue
    raise StalePatch(f"{name} has no patch: it is empty, or does not end with a line")


def _replace(lines: list[str], hunk: list[Any], where: str) -> list[str]:
    """Apply one hunk, wherever its lines are now."""
    old = [line.line for line in hunk if line.old is not None]
    new = [line.line for line in hunk if line.new is not None]
    if not lines and not old:
        return new
    found = [start for start in range(len(lines)) if lines[start : start + len(old)] == old]
    if len(found) != 1:
        problem = "are gone" if not found else "occur more than once: add context to the patch"
        raise StalePatch(f"its lines in {where} {problem}")
    return lines[: found[0]] + new + lines[found[0] + len(old) :]
