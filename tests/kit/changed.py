"""Which of the slow tests `course test` runs without `--all`: those of what the changed files affect."""

from __future__ import annotations

from functools import cache

import pytest

from course.commands.changed import changed_files
from course.lessons.stages import Stage
from course.paths import ROOT

_changed = cache(changed_files)
#: The beginnings of what judges, in the harness, in the lab and for a learner.
HARNESS = ("tests/kit/", "tests/conftest.py", "tests/strength/harness.py", "tests/strength/forking.py")
SUITE = ("chapters/", "course/judging/", "tests/kit/", "tests/conftest.py", "tests/test_0")
LAB = (*SUITE, "docs/lab/", "course/site/lab/", "course/lessons/", "tests/site/")


def only_if_changed(stage: Stage, *files: str) -> list[pytest.MarkDecorator]:
    """Return the mark `unaffected`, unless a file that differs from the last commit affects the case.

    Args:
        stage: what is judged.
        files: the tests that judge it, and the patch, as the ends of their paths.
    """
    folder = f"{stage.path.relative_to(ROOT).as_posix()}/"
    return unless_changed((folder, *HARNESS), files)


def unless_changed(begins: tuple[str, ...], ends: tuple[str, ...] = ()) -> list[pytest.MarkDecorator]:
    """Return the mark `unaffected`, unless the path of a file that differs begins or ends like this."""
    affected = any(name.startswith(begins) or name.endswith(ends) for name in _changed())
    return [] if affected else [pytest.mark.unaffected]
