"""Steps as a learner and a maintainer use them: begin at one, compare with one, edit one."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from kit.learner import Learner

from course.commands import steps as command
from course.errors import Failure
from course.judging.isolation import WITHOUT_PLUGINS
from course.lessons.patches import StalePatch, apply_patch
from course.lessons.stages import Stage, chapters, find_stage, stage_before
from course.lessons.steps import build_step, files_of_step, patches_of, state_after, texts_of

ONE, SIX = find_stage("1"), find_stage("6")

every_chapter = pytest.mark.parametrize("stage", chapters(), ids=lambda stage: stage.name)


@pytest.fixture
def learner(tmp_path: Path) -> Learner:
    return Learner(tmp_path / "내 작업")


@every_chapter
def test_the_last_step_is_the_finished_chapter(stage: Stage) -> None:
    assert len(patches_of(stage)) >= 3
    last, chapter = state_after(stage, len(patches_of(stage))), texts_of(stage.path)
    differ = sorted(name for name in last.keys() | chapter.keys() if last.get(name) != chapter.get(name))
    assert differ == [], f"carry the chapter's change: python3 -m course step {stage.number} --carry HEAD"


@every_chapter
def test_a_step_changes_something_and_names_what_it_changes(stage: Stage) -> None:
    for step, _ in enumerate(patches_of(stage), 1):
        before, after = state_after(stage, step - 1), state_after(stage, step)
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        assert changed == set(files_of_step(stage, step)) != set()


def test_begin_at_a_step_is_the_state_before_it(learner: Learner) -> None:
    status, output = learner.run("begin", "1", "--step", "3")

    assert status == 0 and "up to step 2" in output
    assert texts_of(learner.workspace / ONE.name) == state_after(ONE, 2)


def test_diff_of_a_step_shows_what_to_type_in_it(learner: Learner) -> None:
    status, output = learner.run("diff", "1", "--step", "3")

    assert status == 0
    assert "+    def delete(self, account_id: int) -> Response:" in output
    assert "+    def post(" not in output and "whole_number" not in output


def test_diff_says_what_the_own_folder_lacks_of_a_step(learner: Learner) -> None:
    learner.run("begin", "1", "--step", "3")

    assert "There is no difference." in learner.run("diff", "1", "--mine", "--step", "2")[1]
    assert "+    def delete(" in learner.run("diff", "1", "--mine", "--step", "3")[1]


def test_solution_of_a_step_is_beside_the_own_folder(learner: Learner) -> None:
    learner.run("begin", "1")

    status, output = learner.run("solution", "1", "--step", "2")

    assert status == 0 and f"{ONE.name}_step_2" in output
    assert texts_of(learner.workspace / f"{ONE.name}_step_2") == state_after(ONE, 2)
    assert texts_of(learner.workspace / ONE.name) == texts_of(stage_before(ONE).path)


@pytest.mark.parametrize("name", ["begin", "diff", "solution"])
@pytest.mark.parametrize("step", ["0", "9", "-1"])
def test_a_step_that_is_not_there_is_refused_and_changes_nothing(
    name: str, step: str, learner: Learner
) -> None:
    status, output = learner.run(name, "1", "--step", step)

    assert status == 1 and "choose one from 1 to 4" in output
    assert not learner.workspace.exists() or not any(learner.workspace.glob("0*"))


@pytest.mark.skipif(not shutil.which("git"), reason="git is not here")
def test_an_edit_of_a_step_goes_into_the_later_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And into the finished chapter; where it does not fit, nothing is written."""
    copies = [shutil.copytree(one.path, tmp_path / "chapters" / one.name) for one in (stage_before(ONE), ONE)]
    stage = Stage(ONE.name, 1, copies[1], ONE.title)
    before = Stage("start", 0, copies[0], {})
    monkeypatch.setattr(command, "STATE", tmp_path / "state")
    monkeypatch.setattr(command, "find_chapter", lambda _: stage)
    for module in (command, sys.modules["course.lessons.steps"]):
        monkeypatch.setattr(module, "stage_before", lambda _: before)
    monkeypatch.setattr("course.lessons.steps.find_stage", lambda _: stage)
    command.forget_states()
    command.lay_out("1")
    laid_out = tmp_path / "state" / "steps" / ONE.name

    view = laid_out / "1_first_view" / "app" / "views.py"
    view.write_text(view.read_text("utf-8").replace("Practice 1.", "The first practice."), "utf-8")
    command.take("1")

    for step in range(1, 5):
        assert "The first practice." in state_after(stage, step)["app/views.py"]
    assert "The first practice." in (copies[1] / "app" / "views.py").read_text("utf-8")

    routes = laid_out / "1_first_view" / "app" / "v1.py"
    routes.write_text(routes.read_text("utf-8").replace("self.answer([])", "self.answer(list())"), "utf-8")
    with pytest.raises(Failure, match=r"app/v1.py does not fit 2_create_and_read"):
        command.take("1")
    assert "list())" not in state_after(stage, 1)["app/v1.py"]
    with pytest.raises(Failure, match="has edits"):  # and does not lose them
        command.lay_out("1")
    assert "list())" in routes.read_text("utf-8")
    command.forget_states()


# -- chapter 6: red, then green ------------------------------------------------------------------------


def run_tests(folder: Path) -> str:
    """Run the chapter's own tests in ``folder`` and return pytest's last line."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "--no-header"]
    command += WITHOUT_PLUGINS
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=100)
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(("step", "red"), [(2, True), (3, True), (4, False), (5, False)])
def test_red_then_green(step: int, red: bool, tmp_path: Path) -> None:
    build_step(SIX, step, tmp_path / "step")

    summary = run_tests(tmp_path / "step")

    assert "passed" in summary
    assert ("failed" in summary) is red, summary


def test_the_refactoring_leaves_the_tests_alone() -> None:
    states = [state_after(SIX, step) for step in (4, 5)]
    tests = [{name: text for name, text in state.items() if name.startswith("tests/")} for state in states]

    assert tests[0] == tests[1] != {}


@pytest.mark.parametrize("style", ["unittest", "pytest"])
def test_every_row_of_the_specification_has_a_test(style: str) -> None:
    rows = set(re.findall(r"^\| ([LP]\d) \|", (SIX.path / "spec.md").read_text(encoding="utf-8"), re.M))
    source = (SIX.path / "tests" / f"test_with_{style}.py").read_text(encoding="utf-8")

    assert rows
    assert set(re.findall(r'"""([LP]\d)"""', source)) == rows


def test_a_patch_moves_a_file(tmp_path: Path) -> None:
    """Two names move it, with what the patch changes in it; a file that is there is not written over."""
    head = "diff -u a.py b/a.py\n--- a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n"
    patch = head + "-from . import x\n+from .. import x\n x()\n"
    (tmp_path / "a.py").write_text("from . import x\nx()\n", encoding="utf-8")

    apply_patch(patch, tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b/a.py").read_text(encoding="utf-8") == "from .. import x\nx()\n"
    (tmp_path / "a.py").write_text("from . import x\nx()\n", encoding="utf-8")
    with pytest.raises(StalePatch, match=r"b/a\.py is there already"):
        apply_patch(patch, tmp_path)


@pytest.mark.parametrize("before", ["new.py", "/dev/null"])
def test_a_patch_adds_a_file(tmp_path: Path, before: str) -> None:
    """Its name may be there twice, or `/dev/null` for what was there before."""
    apply_patch(f"diff -u {before} new.py\n--- /dev/null\n+++ new.py\n@@ -0,0 +1 @@\n+x()\n", tmp_path)

    assert (tmp_path / "new.py").read_text(encoding="utf-8") == "x()\n"
    assert list(tmp_path.iterdir()) == [tmp_path / "new.py"]
