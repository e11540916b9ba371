"""The commands around `check`: begin, hint, diff, solution, progress and report."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kit.learner import ROOT, Learner

from course import messages
from course.errors import Failure
from course.lessons.stages import chapters, find_stage
from course.setup import running

STAGE = find_stage("1")


@pytest.fixture
def learner(tmp_path: Path) -> Learner:
    return Learner(tmp_path / "내 작업")


# -- begin ------------------------------------------------------------------------------------------


def test_begin_leaves_what_is_there_alone(learner: Learner) -> None:
    learner.run("begin", "1")
    mine = learner.workspace / STAGE.name / "app.py"
    mine.write_text("# mine\n", encoding="utf-8")

    status, output = learner.run("begin", "1")

    assert status == 1
    assert "You have already begun chapter 1" in output and "--again" in output
    assert mine.read_text(encoding="utf-8") == "# mine\n"


def test_begin_again_keeps_every_folder_of_before(learner: Learner) -> None:
    for number in range(3):
        assert learner.run("begin", "1", *(["--again"] if number else []))[0] == 0
        (learner.workspace / STAGE.name / "app.py").write_text(f"# {number}\n", encoding="utf-8")

    for number in (1, 2):
        kept = learner.workspace / f"{STAGE.name}_old_{number}" / "app.py"
        assert kept.read_text(encoding="utf-8") == f"# {number - 1}\n"


@pytest.mark.parametrize("key", ["start", "final", "0", "99"])
def test_only_a_chapter_can_be_begun(learner: Learner, key: str) -> None:
    status, output = learner.run("begin", key)

    assert status == 1
    assert len(output.splitlines()) == 1
    assert not (learner.workspace / "start").exists()


def test_what_a_killed_begin_left_stops_nothing(learner: Learner) -> None:
    """An unfinished copy is removed once it is old; one that another command makes now is not touched."""
    old, new, others = (
        learner.workspace / name
        for name in (f".{STAGE.name}.1.new", f".{STAGE.name}.2.new", f".{STAGE.name}")
    )
    for folder in (old, new, others):
        (folder / "app").mkdir(parents=True)
    an_hour_ago = time.time() - 3700
    os.utime(old, (an_hour_ago, an_hour_ago))
    os.utime(others, (an_hour_ago, an_hour_ago))

    assert learner.run("begin", "1")[0] == 0

    assert (learner.workspace / STAGE.name / "app.py").is_file()
    assert [folder.exists() for folder in (old, new, others)] == [False, True, True]
    assert len(list(learner.workspace.glob(".*.new"))) == 1


def test_a_chapter_that_is_begun_twice_at_once_is_begun_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second command finds the folder only when it renames its copy, and leaves it alone."""
    from course.commands import begin

    own = tmp_path / STAGE.name

    def copy(*arguments: Any, **options: Any) -> None:
        (own / "mine").mkdir(parents=True)
        original(*arguments, **options)

    original = begin.copy_own_files
    monkeypatch.setattr(begin, "WORKSPACE", tmp_path)
    monkeypatch.setattr(begin, "copy_own_files", copy)

    with pytest.raises(Failure, match="You have already begun chapter 1"):
        begin.begin("1", again=False)

    assert [file.name for file in tmp_path.iterdir()] == [STAGE.name]
    assert [file.name for file in own.iterdir()] == ["mine"]


# -- hint and progress ------------------------------------------------------------------------------


def test_hints_come_one_by_one_and_are_counted(learner: Learner) -> None:
    learner.run("begin", "1")

    told = [learner.run("hint", "1")[1] for _ in range(4)]

    assert [f"Hint {number} of 3" in output for number, output in zip((1, 2, 3, 3), told, strict=True)] == [
        True
    ] * 4
    assert "For: No view is registered on the application" in told[0], "of the first step that can turn green"
    assert "which endpoint has no `v1.` in front" in told[0]
    assert "as_view('accounts')" in told[2] and "as_view" not in told[0] + told[1]
    assert "solution 1" in told[3]
    _, output = learner.run("progress")
    assert "1  Views and blueprints: in progress, 1 of 28 behaviours, hints used: 3" in output
    assert "Next: python3 -m course check 1" in output


def test_a_hint_is_for_what_is_missing_now(learner: Learner) -> None:
    """Not for what the last check found, if that has been fixed since."""
    own = learner.has(STAGE)
    views, v1 = own / "app" / "views.py", own / "app" / "v1.py"
    right = v1.read_text(encoding="utf-8")
    views.write_text(views.read_text("utf-8").replace("ensure_ascii=False", "ensure_ascii=True"), "utf-8")
    v1.write_text(right.replace("self.answer(account.to_dict(), 201,", "self.answer({}, 201,"), "utf-8")
    learner.run("check", "1")
    v1.write_text(right, encoding="utf-8")

    _, output = learner.run("hint", "1")

    assert "For: A Korean name travels" in output


@pytest.mark.parametrize("state", ["begun", "finished"])
def test_a_hint_is_of_no_use_where_the_code_does_not_start(learner: Learner, state: str) -> None:
    if state == "begun":  # then the last check named a behaviour that has hints
        learner.run("begin", "1")
        file = "app.py"
    else:
        learner.has(STAGE)
        file = "app/v2.py"
    learner.run("check", "1")
    (learner.workspace / STAGE.name / file).write_text("import nosuch\n", encoding="utf-8")

    status, output = learner.run("hint", "1")

    assert status == 0
    assert "Your code does not start" in output
    assert f"{file}, line 1:  import nosuch" in output
    assert "Hint" not in output
    assert "hints used: 0" in learner.run("progress")[1].splitlines()[0]


@pytest.mark.parametrize(("lang", "page"), [("en", " bridge.html"), ("ko", " ko/bridge.html")])
def test_after_the_last_chapter_progress_names_the_page_that_leads_on(
    lang: str, page: str, learner: Learner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "NOTE", tmp_path / "site.port")
    monkeypatch.setattr(messages, "_chosen", [])
    done = {stage.name: {"passed": ["one"], "failed": []} for stage in chapters()}
    learner.workspace.mkdir()
    saved = json.dumps({"chapters": done, "language": lang})
    (learner.workspace / ".progress.json").write_text(saved, encoding="utf-8")

    *_, read, run = learner.run("progress")[1].splitlines()

    assert read.endswith(page)
    assert run.endswith(f"{messages.COMMAND} run final")


def test_progress_goes_on_where_the_learner_is(learner: Learner) -> None:
    """A chapter is in progress once it is begun, and those that were skipped do not hold it up."""
    learner.run("begin", "3")

    _, output = learner.run("progress")

    assert "3  View decorators: in progress, 0 of " in output
    assert "2  Application factory and configuration: not started" in output
    assert "Next: python3 -m course check 3" in output


def test_a_check_shows_no_hint(learner: Learner) -> None:
    learner.run("begin", "1")

    _, output = learner.run("check", "1")

    assert "A hint: python3 -m course hint 1" in output
    assert "Which three of them answer" not in output


def test_a_torn_file_of_progress_is_set_aside(learner: Learner) -> None:
    learner.run("begin", "1")
    file = learner.workspace / ".progress.json"
    for torn in ("", "{", '{"chapters": []}', '{"chapters": {"x": 7}}', "[1, 2]", "\x00" * 40):
        file.write_text(torn, encoding="utf-8")

        status, output = learner.run("progress")

        assert status == 0, output
        assert "Next: python3 -m course check 1" in output


def test_a_language_is_remembered(learner: Learner) -> None:
    assert "1장" in learner.run("begin", "1", "--lang", "ko")[1]
    assert "1장 뷰와 블루프린트" in learner.run("progress")[1]
    assert "Views and blueprints" in learner.run("progress", "--lang=en")[1]
    assert "Views and blueprints" in learner.run("progress")[1]
    assert "1장 뷰와 블루프린트" in learner.run("--lang", "ko", "progress")[1]  # before the command, too
    assert learner.run("progress", "--lang", "fr")[0] == 2


# -- diff and solution ------------------------------------------------------------------------------


def test_diff_shows_what_a_chapter_changes(learner: Learner) -> None:
    status, output = learner.run("diff", "2")

    assert status == 0
    assert "new: config.py" in output
    assert "-from app import app\n+from app import create_app" in output
    assert "app/v1.py" not in output
    assert learner.run("diff", "2", "run.py")[1].count("@@") == 2
    assert learner.run("diff", "2", "nosuch.py")[0] == 1


def test_diff_mine_shows_what_is_left(learner: Learner) -> None:
    own = learner.has(STAGE)
    (own / "notes.txt").write_text("mine\n", encoding="utf-8")
    assert "There is no difference." in learner.run("diff", "1", "--mine")[1]
    (own / "run.py").write_text("", encoding="utf-8")

    _, output = learner.run("diff", "1", "--mine")

    assert "+from app import app" in output
    assert "notes.txt" not in output


def test_a_file_that_goes_is_told_in_a_line(learner: Learner) -> None:
    learner.run("begin", "1")
    line = "-ACCOUNTS = {}"
    assert line in learner.run("diff", "1", "app.py")[1], "asked for by its name it is shown"

    for told, arguments in (
        ("removed: app.py", ["1"]),
        ("to delete: app.py", ["1", "--mine"]),
        ("to delete: app.py", ["1", "app.py", "--mine"]),
    ):
        _, output = learner.run("diff", *arguments)

        assert told in output.splitlines()
        assert line not in output


def test_a_solution_stands_beside_and_is_not_replaced_unasked(learner: Learner) -> None:
    own = learner.has(STAGE)
    (own / "run.py").write_text("# mine\n", encoding="utf-8")
    beside = learner.workspace / f"{STAGE.name}_solution"

    assert learner.run("solution", "1")[0] == 0
    assert (beside / "run.py").read_bytes() == (STAGE.path / "run.py").read_bytes()
    assert (own / "run.py").read_text(encoding="utf-8") == "# mine\n"

    (beside / "run.py").write_text("# looked at\n", encoding="utf-8")
    status, output = learner.run("solution", "1")
    assert status == 1 and "--yes" in output
    assert (beside / "run.py").read_text(encoding="utf-8") == "# looked at\n"
    assert learner.run("solution", "1", "--yes")[0] == 0
    assert (beside / "run.py").read_bytes() == (STAGE.path / "run.py").read_bytes()


# -- report -----------------------------------------------------------------------------------------


def test_a_report_is_for_programs(learner: Learner, tmp_path: Path) -> None:
    own = learner.has(STAGE)
    views = own / "app" / "views.py"
    views.write_text(views.read_text("utf-8").replace("ensure_ascii=False", "ensure_ascii=True"), "utf-8")
    junit, as_json = tmp_path / "out" / "junit.xml", tmp_path / "out" / "report.json"

    status, _ = learner.run("report", "1", "--junit", str(junit), "--json", str(as_json))

    assert status == 1
    report = json.loads(as_json.read_text(encoding="utf-8"))
    schema = json.loads((ROOT / "docs" / "examples" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(report, schema)
    assert (report["passed"], report["total"]) == (27, 28)
    (missing,) = [behaviour for behaviour in report["behaviours"] if behaviour["state"] != "passed"]
    assert missing["test"].endswith("::test_korean_is_readable_on_the_wire")
    assert "ensure_ascii=False" in missing["explanation"]["mistake"]
    suite = ElementTree.parse(junit).getroot().find("testsuite")
    assert suite is not None and (suite.get("tests"), suite.get("failures")) == ("28", "1")
    assert len(suite.findall("testcase")) == 28 and len(suite.findall("testcase/failure")) == 1


def test_the_workflow_for_a_classroom_is_a_workflow() -> None:
    file = ROOT / "docs" / "examples" / "classroom.yml"
    command = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
        str(file),
    ]

    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")

    assert done.returncode == 0, done.stdout + done.stderr
    schema = json.loads((ROOT / "docs" / "examples" / "report.schema.json").read_text(encoding="utf-8"))
    states = schema["properties"]["behaviours"]["items"]["properties"]["state"]["enum"]
    asked = re.findall(r"\['state'\] == '(\w+)'", file.read_text(encoding="utf-8"))
    assert asked and set(asked) <= set(states), "the report has no such state"
