"""`test` adds up what every tool found, and ends with one line that a program can read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from course.commands import test as check_all
from course.commands.run_tests import Run
from course.commands.test import Tally, count_tests

REPORT = """<testsuites><testsuite>
  <testcase name="a"/>
  <testcase name="b"/>
  <testcase classname="t.t_one" name="c"><failure message="no">...</failure></testcase>
  <testcase name="d"><error message="no fixture">...</error></testcase>
  <testcase name="e"><failure message="no"/><error message="and its clean-up failed"/></testcase>
  <testcase name="f"><skipped message="no Chromium here"/></testcase>
  <testcase name="g"><skipped message="no Chromium here"/></testcase>
</testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("report", "ran", "closing"),
    [
        (REPORT, False, "2 passed, 3 failed, 2 skipped"),
        (
            "<testsuites><testsuite><testcase name='a'/></testsuite></testsuites>",
            True,
            "1 passed, 0 failed, 0 skipped",
        ),
        ("<testsuites><testsuite/></testsuites>", False, "0 passed, 1 failed, 0 skipped"),
        (None, False, "0 passed, 1 failed, 0 skipped"),
    ],
    ids=["of every kind", "all is well", "it found no test", "it crashed"],
)
def test_the_numbers_of_the_tests(tmp_path, report, ran, closing):
    file = tmp_path / "report.xml"
    if report is not None:
        file.write_text(report, encoding="utf-8")
    tally = Tally()

    count_tests(tally, file, ran)

    assert str(tally) == closing
    if report == REPORT:
        assert tally.reasons == {"no Chromium here": 2}
        assert tally.red == {"t.t_one::c": "no", "d": "no fixture", "e": "no"}


@pytest.mark.parametrize(
    ("broken", "status", "closing"),
    [
        (set(), 0, "7 passed, 0 failed, 1 skipped"),
        ({"ruff"}, 1, "5 passed, 2 failed, 1 skipped"),
        ({"mypy", "mkdocs"}, 1, "5 passed, 2 failed, 1 skipped"),
        ({"the tree"}, 1, "6 passed, 1 failed, 1 skipped"),
        ({"pytest"}, 1, "7 passed, 1 failed, 1 skipped"),
    ],
)
def test_every_step_runs_and_counts(monkeypatch, capsys, broken, status, closing):
    """A step that fails stops none after it, its output is shown, and the last line is the sum alone."""
    steps = []

    def run(command, **_):
        name = command[2]
        steps.append(name)
        return subprocess.CompletedProcess(command, int(name in broken), stdout=f"{name} said this".encode())

    def run_tests(log, arguments, **_):
        steps.append("pytest")
        (report,) = (text.partition("=")[2] for text in arguments if text.startswith("--junitxml="))
        red = "<testcase name='a[b]'><failure message='1\n== 2'/></testcase>" if "pytest" in broken else ""
        case = f"{red}<testcase/><testcase/><testcase><skipped message='not on this system'/></testcase>"
        Path(report).write_text(f"<testsuite>{case}</testsuite>", encoding="utf-8")
        return Run(status=int(bool(red)), failed=["a[b]"] if red else [])

    trees = iter(["", "M a file" if "the tree" in broken else ""])
    monkeypatch.setattr(check_all.subprocess, "run", run)
    monkeypatch.setattr(check_all, "run_tests", run_tests)
    monkeypatch.setattr(check_all, "_tree", lambda: next(trees))

    assert check_all.check_all(["-k", "one"]) == status

    output = capsys.readouterr().out
    alone = ["pytest"] * 3 if "pytest" in broken else []
    assert steps == ["ruff", "ruff", "mypy", "pytest", *alone, "mkdocs"]
    red = ["failed: a[b]: 1 == 2"] if "pytest" in broken else []
    assert output.splitlines()[-2 - len(red) :] == ["skipped 1: not on this system", *red, closing]
    for name in broken & {"ruff", "mypy", "mkdocs"}:
        assert f"{name} said this" in output


RED = "<testcase classname='tests.t' name='a'><failure message='too late'/></testcase>"


@pytest.mark.parametrize(
    ("alone", "status", "said"),
    [
        (
            ["", "", ""],
            0,
            ["red beside other tests, green alone: tests.t::a: too late", "6 passed, 0 failed"],
        ),
        (["", RED, ""], 1, ["failed: tests.t::a: too late", "5 passed, 1 failed"]),
        (
            ["", "", "<skipped message='not alone'/>"],
            1,
            ["failed: tests.t::a: too late", "5 passed, 1 failed"],
        ),
    ],
    ids=["steady alone", "red once", "skipped once"],
)
def test_a_test_that_is_red_beside_others_is_judged_alone(monkeypatch, capsys, alone, status, said):
    """Three times; what is green each time is no failure, and is named."""
    asked = []

    def run_tests(log, arguments, **_):
        asked.append(arguments)
        (report,) = (text.partition("=")[2] for text in arguments if text.startswith("--junitxml="))
        case = RED if len(asked) == 1 else alone[len(asked) - 2]
        if "testcase" not in case:
            case = f"<testcase classname='tests.t' name='a'>{case}</testcase>"
        Path(report).write_text(f"<testsuite>{case}<testcase name='b'/></testsuite>", encoding="utf-8")
        return Run(status=int(case == RED), failed=["tests/t.py::a"] if case == RED else [])

    monkeypatch.setattr(check_all, "_step", lambda *_: True)
    monkeypatch.setattr(check_all, "run_tests", run_tests)
    monkeypatch.setattr(check_all, "_tree", lambda: "")

    assert check_all.check_all([]) == status

    assert [arguments[-1] for arguments in asked[1:]] == ["tests/t.py::a"] * 3
    lines = capsys.readouterr().out.splitlines()
    assert said[0] in lines and lines[-1].startswith(said[1])


@pytest.mark.parametrize(("number", "status"), [(check_all.FEW + 1, 1), (1, 3)], ids=["many", "and a crash"])
def test_what_is_no_accident_is_not_run_again(monkeypatch, number, status):
    """Many red tests, or a pytest that did not get to its end."""
    names = [f"t{one}" for one in range(number)]
    asked = []

    def run_tests(log, arguments, **_):
        asked.append(arguments)
        cases = "".join(f"<testcase name='{name}'><failure message='no'/></testcase>" for name in names)
        Path(arguments[0].partition("=")[2]).write_text(f"<testsuite>{cases}</testsuite>", encoding="utf-8")
        return Run(status=status, failed=names)

    monkeypatch.setattr(check_all, "_step", lambda *_: True)
    monkeypatch.setattr(check_all, "run_tests", run_tests)
    monkeypatch.setattr(check_all, "_tree", lambda: "")

    assert check_all.check_all([]) == 1
    assert len(asked) == 1


def test_the_site_is_not_built_once_more_after_all_tests(monkeypatch):
    """tests/site builds it in strict mode; only a choice of tests may leave that out."""
    steps = []

    def run(command, **_):
        steps.append(command[2])
        return subprocess.CompletedProcess(command, 0, stdout=b"")

    monkeypatch.setattr(check_all.subprocess, "run", run)
    monkeypatch.setattr(check_all, "run_tests", lambda *_, **__: steps.append("pytest") or Run(status=0))
    monkeypatch.setattr(check_all, "_tree", lambda: "")

    check_all.check_all([])

    assert steps == ["ruff", "ruff", "mypy", "pytest"]


def test_the_tests_are_given_the_rest_of_the_line(ready_course):
    """`test -- --co` reaches pytest; without git, that check is skipped and says why."""
    (ready_course.folder / "tests").mkdir(exist_ok=True)
    (ready_course.folder / "tests" / "test_one.py").write_text("def test_one(): pass\n", encoding="utf-8")
    (ready_course.folder / "pyproject.toml").write_text("[tool.mypy]\nfiles = ['docs']\n", encoding="utf-8")

    status, output = ready_course.run(
        "test", "--", "-p", "no:xdist", "-n0", "--version", PATH=str(Path(sys.executable).parent)
    )

    assert status == 1
    assert "git is not here" in output
    assert output.splitlines()[-1].endswith(" skipped")
