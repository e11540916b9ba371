"""`test` adds up what every tool found, says what it left out, and ends with a line for programs."""

from __future__ import annotations

import pytest

from course import cli
from course.commands import test as command
from course.commands.suite import Results
from course.commands.test import LEFT_OUT, STEPS, Tally, choose

DEFAULT = ["--ignore=tests/drills", "-m", "not unaffected"]


class Program:
    """Stands in for a step's program: it fails if its command names one that is broken."""

    def __init__(self, line: list[str], broken: str) -> None:
        self.returncode = int(broken in " ".join(line)) if broken else 0
        self.output = f"{broken} said this".encode()

    def communicate(self) -> tuple[bytes, None]:
        return self.output, None


def results_of(failed: dict[str, str], status: int) -> Results:
    outcomes = {"a": "passed", "b": "passed", "c": "skipped"} | dict.fromkeys(failed, "failed")
    reasons = {"c": "no Chromium here"} | failed
    return Results(
        print, outcomes, reasons, {"b": "a busy machine"} | failed, {"a": 0.1, "b": 3.0}, status=status
    )


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run `test` with stand-ins for all it starts; return its status and the lines it printed."""

    def run(
        *arguments: str, broken: str = "", failed: dict[str, str] | None = None, status: int = 0, trees=""
    ):
        asked: list[list[str]] = []

        def run_pytest(arguments, log):
            asked.append(list(arguments))
            log.write_text("what pytest said", encoding="utf-8")
            return results_of(failed or {}, status)

        answers = iter(trees or ["", ""])
        monkeypatch.setattr(command.subprocess, "Popen", lambda line, **_: Program(line, broken))
        monkeypatch.setattr(command, "run_pytest", run_pytest)
        monkeypatch.setattr(command, "git", lambda *_: next(answers))
        code = cli.run_command_line(["test", *arguments])
        return code, capsys.readouterr().out.splitlines(), asked

    return run


STEADY = 5 + 2  # the steps and the folder as it was; the tests a and b


@pytest.mark.parametrize(
    ("broken", "named"),
    [("ruff check", "lint"), ("ruff format", "format"), ("importlinter", "imports"), ("mypy", "types")],
)
def test_a_step_that_fails_stops_none_after_it(run, broken, named):
    """Its output is shown, it is named, and the last line is the sum alone."""
    code, lines, asked = run(broken=broken)

    assert code == 1 and len(asked) == 1
    assert f"{broken} said this" in lines
    assert lines[-2:] == [f"failed: {named}", f"{STEADY - 1} passed, 1 failed, 1 skipped"]


def test_all_is_well(run):
    code, lines, asked = run()

    assert code == 0 and asked == [DEFAULT]
    assert lines[: len(STEPS)] == [line for line in lines if " passed in " in line][: len(STEPS)]
    assert "    3.0 s  b" in lines and lines.index("    3.0 s  b") < lines.index("    0.1 s  a")
    assert "what pytest said" not in lines
    assert lines[-4:] == [
        "skipped 1: no Chromium here",
        LEFT_OUT["default"],
        "red at first, green when run again: b: a busy machine",
        f"{STEADY} passed, 0 failed, 1 skipped",
    ]


def test_a_red_test_is_named_at_the_end(run):
    """A few of them; what pytest said about all of them is above."""
    failed = {f"t{number}": "1 == 2" for number in range(10)}
    code, lines, _ = run(failed=failed, status=1)

    assert code == 1 and "what pytest said" in lines
    assert [line for line in lines if line.startswith("failed: ")] == [
        f"failed: t{n}: 1 == 2" for n in range(8)
    ]
    assert lines[-1] == f"{STEADY} passed, 10 failed, 1 skipped"


def test_a_pytest_that_fails_without_a_test_is_a_failure(run):
    """pytest found no test, or it crashed."""
    code, lines, _ = run(status=5)

    assert code == 1
    assert lines[-2:] == ["failed: pytest: exit status 5", f"{STEADY} passed, 1 failed, 1 skipped"]


def test_tests_that_change_the_folder_fail(run):
    code, lines, _ = run(trees=["", " M a file"])

    assert code == 1 and " M a file" in lines
    assert lines[-1] == f"{STEADY - 1} passed, 1 failed, 1 skipped"


def test_without_git_that_check_is_skipped(run):
    code, lines, _ = run(trees=[None])

    assert code == 0 and any("git is not here" in line for line in lines)
    assert lines[-1] == f"{STEADY - 1} passed, 0 failed, 2 skipped"


@pytest.mark.parametrize(
    ("given", "chosen", "left_out"),
    [
        ([], DEFAULT, "default"),
        (["-x"], [*DEFAULT, "-x"], "default"),
        (["--all"], [], None),
        (["tests/course", "-k", "x"], ["tests/course", "-k", "x"], "chosen"),
        (
            ["--", "tests/test_00_start.py::test_it", "-n0"],
            ["tests/test_00_start.py::test_it", "-n0"],
            "chosen",
        ),
    ],
)
def test_a_size_says_what_it_leaves_out_and_pytest_gets_the_rest_of_the_line(run, given, chosen, left_out):
    _, lines, asked = run(*given)

    assert asked == [chosen]
    assert [line for line in lines if line.startswith("not run: ")] == (
        [LEFT_OUT[left_out]] if left_out else []
    )


def test_quick_runs_no_test_where_nothing_has_changed(monkeypatch, run):
    monkeypatch.setattr(command, "changed_files", list)
    code, lines, asked = run("--quick")

    assert (code, asked) == (0, [])
    assert lines[-2:] == [LEFT_OUT["quick"], f"{len(STEPS) + 1} passed, 0 failed, 0 skipped"]


def test_quick_runs_what_has_changed(monkeypatch):
    monkeypatch.setattr(command, "changed_files", lambda: ["course/commands/changed.py"])
    assert choose(["-x"], False, quick=True) == (["tests/course/test_changed.py", "-x"], LEFT_OUT["quick"])


def test_a_failure_without_a_reason_is_named_alone():
    tally = Tally()
    tally.add("lint", False)
    assert tally.closing_lines("")[0] == "failed: lint"
