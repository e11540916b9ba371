"""Merges three versions of a file, as git does."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from course.errors import Failure


def merge(current: str, old: str, new: str) -> tuple[str, bool]:
    """Return ``current`` with the change from ``old`` to ``new``, and whether they conflict.

    On a conflict both versions are in the text, between git's conflict marks.

    Raises:
        Failure: git cannot merge the file.
    """
    with TemporaryDirectory() as scratch:
        names = {"this version": current, "before the edit": old, "the edit": new}
        files = [Path(scratch, str(number)) for number in range(3)]
        for file, content in zip(files, names.values(), strict=True):
            file.write_text(content, encoding="utf-8", newline="")
        labels = [word for name in names for word in ("-L", name)]
        merged = subprocess.run(["git", "merge-file", "-p", *labels, *map(str, files)], capture_output=True)
    if merged.returncode not in range(128):
        why = merged.stderr.decode(errors="replace").strip()
        raise Failure(f"git cannot merge this file ({why}): edit it by hand.")
    return merged.stdout.decode("utf-8"), merged.returncode > 0
