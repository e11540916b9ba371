"""`test` tells how far the tests are, what is red as soon as it is, and ends tests that stand still."""

from __future__ import annotations

import runpy
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course.commands.run_tests import run_tests
from course.paths import ROOT

SAID = """
print("bringing up nodes...", flush=True)
print("tests/test_a.py::test_one ", flush=True)
print("tests/test_a.py::test_two[a b] ", flush=True)
print("[gw0] [ 50%] PASSED tests/test_a.py::test_one ", flush=True)
"""


def run(tmp_path: Path, program: str, **options: float) -> tuple[bool, list[str]]:
    """Run a program that speaks as pytest does; return whether it was content, and what was told."""
    told: list[str] = []
    command = [sys.executable, "-c", program]
    ran = run_tests(tmp_path / "log", [], command=command, tell=told.append, **options)
    return ran.content, told


def test_what_is_green_says_how_far_it_is(tmp_path):
    program = SAID + "import time; time.sleep(1.5)"
    content, told = run(tmp_path, program, every=1)

    assert content
    assert [line.split(" after ")[0] for line in told] == ["  50 %"]


def test_what_is_red_is_named_at_once_and_explained_at_the_end(tmp_path):
    program = SAID + (
        "print('[gw1] [100%] FAILED tests/test_a.py::test_two[a b] ')\n"
        "print('E   assert 1 == 2')\n"
        "raise SystemExit(1)"
    )
    content, told = run(tmp_path, program)

    assert not content
    assert told[0] == "  FAILED tests/test_a.py::test_two[a b]"
    assert told[1] == "bringing up nodes...\nE   assert 1 == 2\n"


#: Each test says in a file which process it is in.
SIX = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(6))
def test_it(number):
    pathlib.Path(f"{__file__}-{os.environ['PYTEST_XDIST_WORKER']}").touch()
"""


def test_a_file_whose_tests_share_something_is_run_by_one_process(tmp_path):
    ours = str(ROOT / "tests" / "conftest.py")
    hook = "pytest_xdist_make_scheduler"
    (tmp_path / "tests" / "final").mkdir(parents=True)
    (tmp_path / "conftest.py").write_text(
        f"import runpy\n{hook} = runpy.run_path({ours!r})[{hook!r}]\n", "utf-8"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for name in ("clock", "other"):
        (tmp_path / "tests" / "final" / f"test_{name}.py").write_text(SIX, encoding="utf-8")

    subprocess.run([sys.executable, "-m", "pytest", "-n2", "tests"], cwd=tmp_path, check=True, timeout=100)

    assert len(list(tmp_path.rglob("test_clock.py-*"))) == 1


def test_all_files_that_share_something_are_there():
    together = runpy.run_path(str(ROOT / "tests" / "conftest.py"))["TOGETHER"]
    assert [name for name in together if not (ROOT / name).is_file()] == []


def test_a_crash_without_a_last_line_is_shown(tmp_path):
    content, told = run(tmp_path, "import sys; sys.stdout.write('INTERNALERROR'); sys.exit(3)")

    assert (content, told) == (False, ["INTERNALERROR\n"])


def test_tests_that_stand_still_are_ended_and_named(tmp_path):
    began = time.monotonic()
    content, told = run(tmp_path, SAID + "import time; time.sleep(60)", silence=1)

    assert not content and time.monotonic() - began < 30
    assert "There ran:\n  tests/test_a.py::test_two[a b]" in told[0]


def test_where_a_process_was_ended_is_said_last(tmp_path):
    """Of all the stacks, the lines of our own files."""
    frames = [f"{ROOT}/tests/a.py", f"{ROOT}/.venv/lib/pytest.py", f"{ROOT}/tests/b.py"]
    stacks = "Timeout (0:06:00)!\nThread 0x1:\n" + "".join(
        f'  File "{file}", line 1 in f\n' for file in frames
    )
    _, told = run(tmp_path, f"print({stacks!r}); raise SystemExit(1)")

    files = [line.split('"')[1] for line in told[-1].splitlines()[1:] if line]
    assert files == [frames[0], frames[2]]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no groups of processes to end")
def test_what_they_started_ends_with_them(tmp_path):
    child = f"import time, pathlib; time.sleep(4); pathlib.Path({str(tmp_path / 'alive')!r}).touch()"
    program = (
        f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); time.sleep(60)"
    )
    run(tmp_path, program, silence=1)

    time.sleep(4)
    assert not (tmp_path / "alive").exists()


def test_a_program_that_a_test_left_behind_is_not_waited_for(tmp_path):
    program = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20)'])"
    )
    began = time.monotonic()
    content, told = run(tmp_path, program)

    assert content and told == []
    assert time.monotonic() - began < 10
