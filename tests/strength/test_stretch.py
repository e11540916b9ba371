"""The stretch tasks: each is red on the finished chapter and green with its solution."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.changed import only_if_changed
from kit.learner import Learner
from strength.harness import Harness, Report

from course.lessons.patches import apply_patch
from course.lessons.stages import find_stage
from course.lessons.stretch import StretchTask, all_stretch_tasks
from course.site.page import DOCS

TESTS = Path(__file__).resolve().parent.parent


def failed(reports: list[Report]) -> dict[str, str]:
    """Return the message of each failed test, by its name."""
    return {report.name: report.text for report in reports if report.failed}


TASKS = [
    pytest.param(
        task,
        id=f"{kind}-{task.name}",
        marks=only_if_changed(task.stage, task.file.name, f"/{task.name}.patch"),
    )
    for kind in ("stretch", "try")
    for task in all_stretch_tasks(kind)
]


@pytest.fixture(params=TASKS)
def task(request: pytest.FixtureRequest) -> StretchTask:
    return request.param


@pytest.fixture
def folder(task: StretchTask, harness: Harness) -> Iterator[Path]:
    """A copy of the chapter that the task builds on."""
    with harness.copy(task.stage.path) as copy:
        yield copy


def test_the_finished_chapter_does_not_have_it(task: StretchTask, folder: Path, harness: Harness) -> None:
    """Every test is red there, except those marked as guarding what was there before."""
    reports = harness.run(folder, harness.tests_in(task.file, task.stage.name)).reports

    assert set(failed(reports)) == {report.name for report in reports if "kept_before" not in report.marks}


def test_the_solution_has_it(task: StretchTask, folder: Path, harness: Harness) -> None:
    """With the solution every test is green, and of a stretch task also every test of the chapter."""
    apply_patch(task.solution.read_text(encoding="utf-8"), folder)
    (chapter,) = TESTS.glob(f"test_{task.stage.number:02}_*.py")

    for file in (task.file, chapter) if task.kind == "stretch" else (task.file,):
        assert failed(harness.run(folder, harness.tests_in(file, task.stage.name)).reports) == {}


def test_every_task_is_written_out_in_both_languages() -> None:
    """A title, a sentence for each test, and on the page a heading, three hints and the solution."""
    texts = tomllib.loads((TESTS / "stretch" / "tasks.toml").read_text(encoding="utf-8"))
    assert list(texts) == [task.name for task in all_stretch_tasks()]
    for task in all_stretch_tasks():
        functions = [behaviour.function for behaviour in task.behaviours]
        assert all(behaviour.english for behaviour in task.behaviours), (
            f"{task.name}: a test without a docstring"
        )
        assert list(texts[task.name]["sentences"]) == functions, task.name
        for lang, hint in (("en", "Hint"), ("ko", "힌트")):
            page = (DOCS / lang / "stretch.md").read_text(encoding="utf-8")
            title = f"### {task.label} {texts[task.name][lang]} {{#task-{task.label.replace('.', '-')}}}\n"
            own = page.split(title)[1].split("\n### ")[0]
            assert re.findall(rf'\?\?\? tip "{hint} (\d)"', own) == ["1", "2", "3"], task.name
            assert f"<!-- code: tests/stretch/solutions/{task.name}.patch -->" in own


def test_a_learner_is_judged(tmp_path: Path) -> None:
    """`check N --stretch`: what is there and what is missing, the first explained, in both languages."""
    learner = Learner(tmp_path)
    own = learner.has(find_stage("5"))

    status, said = learner.run("check", "5", "--stretch")
    assert status == 1
    assert "5.1 Count the queries" in said and "5.2 Follow a request" in said
    assert "0 of " in said or "1 of " in said, said
    assert "docs/en/stretch.md" in said and "GET" in said
    assert "힌트와 풀이" in learner.run("check", "5", "--stretch", "--lang", "ko")[1]

    counting = next(task for task in all_stretch_tasks() if task.label == "5.1")
    apply_patch(counting.solution.read_text(encoding="utf-8"), own)
    _, said = learner.run("check", "5", "--stretch", "--lang", "en")
    assert "to do" not in said.split("5.2")[0] and "passed" in said.split("5.2")[0], said


def test_what_try_it_asks_for_is_judged(tmp_path: Path) -> None:
    """`check N --try`: red in the finished chapter, green with what the lesson asks for."""
    learner = Learner(tmp_path)
    own = learner.has(find_stage("1"))

    status, said = learner.run("check", "1", "--try")
    assert status == 1 and "1.3 A method of the list" in said and "1 of 3" in said

    (task,) = all_stretch_tasks("try")[:1]
    apply_patch(task.solution.read_text(encoding="utf-8"), own)
    assert learner.run("check", "1", "--try")[0] == 0
    assert "목록의 메서드" in learner.run("check", "1", "--try", "--lang", "ko")[1]
    learner.has(find_stage("5"))
    assert "채점할 코드가 없습니다" in learner.run("check", "5", "--try")[1]


def test_every_try_is_written_out_in_both_languages() -> None:
    texts = tomllib.loads((TESTS / "stretch" / "tries.toml").read_text(encoding="utf-8"))
    assert list(texts) == [task.name for task in all_stretch_tasks("try")]
    for task in all_stretch_tasks("try"):
        assert list(texts[task.name]["sentences"]) == [behaviour.function for behaviour in task.behaviours]
        for lang in ("en", "ko"):
            page = (DOCS / lang / "chapters" / f"0{task.stage.number}.md").read_text(encoding="utf-8")
            assert f"check {task.stage.number} --try" in page, task.name
