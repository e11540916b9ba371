"""Each step of a lesson is a state that runs, turns green what its page says, and breaks nothing silently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kit.changed import only_if_changed
from strength.harness import Harness, chapter_tests
from strength.steps import judge_step

from course.lessons.stages import Stage, chapters
from course.lessons.steps import checked_after, notes_of_step, patches_of


def every_step() -> Iterator[Any]:
    for stage in chapters():
        marks = only_if_changed(stage, *(file.name for file in chapter_tests(stage)))
        for number, _ in enumerate(patches_of(stage), 1):
            yield pytest.param(stage, number, id=f"{stage.number:02}-{number}", marks=marks)


@pytest.mark.parametrize(("stepped", "step"), list(every_step()))
def test_a_step_turns_green_what_was_recorded(stepped: Stage, step: int, harness: Harness) -> None:
    """Of the chapter's own behaviours and the first file's. The recording runs those in between too."""
    files = [file for file in chapter_tests(stepped) if int(file.name[5:7]) in (0, stepped.number)]
    passed, lacking = judge_step(stepped, step, harness, files)
    recorded = [checked_after(stepped, number) for number, _ in enumerate(patches_of(stepped), 1)]
    changing = {test for checked in recorded for test in (*checked.green, *checked.red)}
    first = {
        test: test in checked.green
        for checked in reversed(recorded)
        for test in changing & {*checked.green, *checked.red}
    }
    expected = {test for test, green in first.items() if not green}  # it has passed from the beginning on
    for checked in recorded[:step]:
        expected = (expected | {*checked.green}) - {*checked.red}

    again = f"record again: python3 -m course step {stepped.number} --record"
    assert expected & lacking == set(), f"recorded as passed, and fails: mend the step, or {again}"
    assert (changing - expected) & passed == set(), f"recorded as not passed yet, and passes: {again}"


@pytest.mark.parametrize("stage", chapters(), ids=lambda stage: stage.name)
def test_what_a_step_gives_up_has_a_reason_in_both_languages(stage: Stage) -> None:
    """And the last step of a chapter has given up nothing."""
    lost: set[str] = set()
    for number, _ in enumerate(patches_of(stage), 1):
        checked = checked_after(stage, number)
        lost = (lost | set(checked.red)) - set(checked.green)
        notes = notes_of_step(stage, number)
        if checked.red:
            assert notes["gives-up-en"].endswith(".") and notes["gives-up-ko"].endswith("다."), number
    assert lost == set()
    assert checked.passed == checked.total
