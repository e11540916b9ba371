"""A learner's way through every chapter: begin, red, the chapter's files one after the other, green."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
from kit.changed import SUITE, unless_changed
from kit.learner import Learner

from course.judging.advice import BASELINE
from course.judging.runner import judge
from course.lessons.behaviours import behaviours_of
from course.lessons.stages import Stage, chapters, stage_before
from course.paths import ROOT

every_chapter = pytest.mark.parametrize("stage", chapters(), ids=lambda stage: stage.name)
FIRST, *OTHERS = chapters()
every_suite = pytest.mark.parametrize(  # the later, the longer: each is judged by all tests so far
    "stage",
    [FIRST, *(pytest.param(stage, marks=unless_changed(SUITE)) for stage in OTHERS)],
    ids=lambda stage: stage.name,
)

#: Behaviours that pass at the beginning although the learner has not built them.
BY_ACCIDENT = {"test_00_start.py::test_an_unknown_account_is_404"}


@pytest.fixture
def learner(tmp_path: Path) -> Learner:
    return Learner(tmp_path / "내 작업")


@every_suite
def test_a_chapter_begins_red(stage: Stage, learner: Learner) -> None:
    """Its folder lacks what the chapter is about, and the listed behaviours of earlier chapters."""
    assert learner.run("begin", str(stage.number))[0] == 0

    verdict = judge(learner.workspace / stage.name, stage, limit=100)

    missing = {result.behaviour.test for result in verdict.not_passed}
    assert {result.state for result in verdict.not_passed} == {"failed"}
    assert len(missing & {behaviour.test for behaviour in behaviours_of(stage.number)}) > 0
    listed = set(tomllib.loads(BASELINE.read_text(encoding="utf-8"))[stage.name])
    earlier = {
        result.behaviour.test for result in verdict.not_passed if result.behaviour.number < stage.number
    }
    assert earlier - listed == set(), "course/judging/baseline.toml lacks these"
    assert listed - earlier <= BY_ACCIDENT, "these pass, so course/judging/baseline.toml should not have them"


@every_suite
def test_a_chapter_ends_green(stage: Stage, learner: Learner) -> None:
    """With the files of the lesson, one after the other, the chapter is what it should be.

    It is then the course's own stage, byte for byte, which the shared suite tests with all earlier chapters.
    """
    assert learner.run("begin", str(stage.number))[0] == 0
    own = learner.workspace / stage.name
    for name in [*stage.added, *stage.changed]:
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(stage.path / name, own / name)
    for name in stage.removed:
        (own / name).unlink(missing_ok=True)  # `begin` leaves out the steps of chapter 6

    tests = tuple(behaviour.test for behaviour in behaviours_of(stage.number))
    assert judge(own, stage, tests=tests, limit=100).not_passed == []
    assert "There is no difference." in learner.run("diff", str(stage.number), "--mine")[1]


def test_a_chapter_that_is_done_is_told_so(learner: Learner) -> None:
    learner.has(chapters()[0])

    status, output = learner.run("check", "1")

    assert status == 0 and "The chapter is done." in output
    assert "28 of 28 behaviours passed." in output and "passed  One file: all 12" in output
    assert "to do" not in output
    kept = json.loads((learner.workspace / ".progress.json").read_text(encoding="utf-8"))
    assert kept["chapters"][chapters()[0].name]["failed"] == []
    assert "1  Views and blueprints: done, 28 of 28 behaviours" in learner.run("progress")[1]


@every_chapter
def test_a_chapter_begins_with_the_stage_before_and_its_requests(stage: Stage, learner: Learner) -> None:
    _, output = learner.run("begin", str(stage.number))

    before = stage_before(stage).path
    skipped = {"__pycache__", "instance", ".pytest_cache", "steps"}
    expected = {
        path.relative_to(before).as_posix(): path.read_bytes()
        for path in before.rglob("*")
        if path.is_file() and not skipped & set(path.relative_to(before).parts)
    }
    expected["requests.http"] = (ROOT / f"docs/requests/{stage.number:02}.http").read_bytes()
    own = learner.workspace / stage.name
    assert expected == {
        path.relative_to(own).as_posix(): path.read_bytes() for path in own.rglob("*") if path.is_file()
    }
    assert 3 <= len(output.splitlines()) <= 6
    for word in (f"/chapters/{stage.number:02}.html", f"check {stage.number}", f"hint {stage.number}"):
        assert word in output
