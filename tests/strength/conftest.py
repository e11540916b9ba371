"""The harness that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from strength.harness import CAN_FORK, WINDOWS, Harness, chapter_tests

from course.lessons.faults import Fault
from course.lessons.solutions import Solution
from course.lessons.stages import Stage
from course.lessons.stretch import StretchTask

TESTS = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    """A process that has collected the tests of all faults, tasks and solutions in this run."""
    if not CAN_FORK:
        pytest.skip(WINDOWS)
    files: set[Path] = set()
    for case in [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]:
        if isinstance(fault := case.get("fault"), Fault):
            files.add(TESTS / fault.caught_by.split("::")[0])
        if isinstance(task := case.get("task"), StretchTask):
            files |= {task.file, *TESTS.glob(f"test_{task.stage.number:02}_*.py")}
        if isinstance(solution := case.get("solution"), Solution):
            files.update(chapter_tests(solution.stage))
        if isinstance(stepped := case.get("stepped"), Stage):
            files.update(chapter_tests(stepped))
    with Harness(filter(Path.is_file, files)) as harness:
        yield harness
