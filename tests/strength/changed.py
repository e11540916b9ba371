"""Which faults and solutions `course test` runs without `--all`: those that changed files affect."""

from __future__ import annotations

from functools import cache

import pytest

from course.commands.changed import changed_files
from course.lessons.stages import Stage
from course.paths import ROOT

_changed = cache(changed_files)
SHARED = ("tests/kit/", "tests/conftest.py", "tests/strength/harness.py", "tests/strength/forking.py")


def only_if_changed(stage: Stage, *files: str) -> list[pytest.MarkDecorator]:
    """Return the mark `every_fault`, unless a file that differs from the last commit affects the case.

    Args:
        stage: what is judged.
        files: the tests that judge it, and the patch, as the ends of their paths.
    """
    folder = f"{stage.path.relative_to(ROOT).as_posix()}/"
    return unless_changed((folder, *SHARED), files)


def unless_changed(begins: tuple[str, ...], ends: tuple[str, ...]) -> list[pytest.MarkDecorator]:
    """Return the mark `every_fault`, unless the path of a file that differs begins or ends like this."""
    concerned = any(name.startswith(begins) or name.endswith(ends) for name in _changed())
    return [] if concerned else [pytest.mark.every_fault]
