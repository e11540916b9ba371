"""How the suite runs: no test stops it, what went wrong is named, and its progress measures work."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import execnet
import pytest

from course.commands import suite
from course.commands.suite import Progress
from course.judging.isolation import WITHOUT_PLUGINS
from course.paths import ROOT

#: A suite in which everything that can happen to a test happens.
TESTS = """
import os, signal, subprocess, sys, time
from pathlib import Path
import pytest

HERE = Path(__file__).parent


def test_passes():
    pass


def test_fails():
    assert 1 == 2, "one is not two"


def test_fails_at_first():
    tried = HERE / "tried"
    if not tried.exists():
        tried.touch()
        pytest.fail("a busy machine")


@pytest.mark.skip(reason="not on this system")
def test_is_skipped():
    pass


@pytest.mark.timeout(1)
def test_hangs():
    time.sleep(60)


def test_hangs_where_no_alarm_reaches_it():
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(60)


def test_ends_its_process():
    with (HERE / "ended").open("a") as file:
        file.write("once")
    os._exit(7)


def test_leaves_a_program_behind():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(150)"])
"""
#: The tests of a file that share something; each says in which process it is.
SHARING = """
import os, pathlib, pytest

@pytest.mark.parametrize("number", range(4))
def test_shares(number):
    pathlib.Path(f"{__file__}-{os.environ['PYTEST_XDIST_WORKER']}").touch()
"""
CONFTEST = f"""
import runpy, sys

sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
hook = "pytest_xdist_make_scheduler"
globals()[hook] = runpy.run_path({str(ROOT / "tests" / "conftest.py")!r})[hook]
"""
RUN = f"""
import sys
sys.path[:0] = ["강의 폴더", {str(ROOT)!r}]
from pathlib import Path
from course.commands.suite import run_pytest

results = run_pytest(["-n2", "-o", "faulthandler_timeout=2", "tests"], Path("pytest.log"))
print([int(results.status), *map(results.only, ("passed", "failed", "skipped")), results.rerun()])
"""


@dataclass
class Run:
    """The result of a run of the small suite."""

    folder: Path
    printed: str
    status: int
    passed: dict[str, str]
    failed: dict[str, str]
    skipped: dict[str, str]
    rerun: dict[str, str]

    @property
    def log(self) -> str:
        return (self.folder / "pytest.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the small suite in two processes, with the options of the real one.

    Its packages are in a folder with a Korean name, and it reads and prints as a Korean Windows does.
    """
    folder = tmp_path_factory.mktemp("suite")
    shutil.copytree(Path(execnet.__file__).parent, folder / "강의 폴더" / "execnet")
    for name, text in {
        "pytest.ini": f"[pytest]\ntimeout = 60\naddopts = {' '.join(WITHOUT_PLUGINS)}\n",
        "conftest.py": CONFTEST,
        "tests/test_all.py": TESTS,
        "tests/drills/test_clock.py": SHARING,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", RUN]
    korean = os.environ | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp949"}
    done = subprocess.run(
        command, cwd=folder, env=korean, capture_output=True, encoding="cp949", timeout=100
    )  # less than the program that the test left behind
    *_, results = done.stdout.splitlines() or ["[]"]
    assert results.startswith("[1,"), done.stdout + done.stderr
    status, *outcomes = ast.literal_eval(results)
    return Run(folder, done.stdout, status, *({_name(t): why for t, why in o.items()} for o in outcomes))


def _name(test: str) -> str:
    return test.rpartition("::test_")[2]


def test_what_became_of_each_test_is_known(run):
    assert set(run.passed) == {
        *("passes", "fails_at_first", "leaves_a_program_behind"),
        *(f"shares[{number}]" for number in range(4)),
    }
    assert set(run.failed) == {"fails", "hangs", "hangs_where_no_alarm_reaches_it", "ends_its_process"}
    assert run.skipped == {"is_skipped": "not on this system"}


def test_a_red_test_is_named_at_once_and_explained_at_the_end(run):
    assert "  FAILED tests/test_all.py::test_fails\n" in run.printed
    assert run.failed["fails"] == "AssertionError: one is not two assert 1 == 2"
    assert 'assert 1 == 2, "one is not two"' in run.log


def test_a_test_that_is_green_when_run_again_is_named(run):
    assert run.rerun == {"fails_at_first": "Failed: a busy machine"}
    assert "  run again: tests/test_all.py::test_fails_at_first\n" in run.printed


def test_few_tests_are_run_again():
    """If many are red, it is not an accident."""
    few, many = (
        suite.Results(
            print,
            outcomes={f"a.py::{n}": "failed" for n in range(count)},
            reasons={f"a.py::{n}": "" for n in range(count)},
        )
        for count in (5, 6)
    )
    assert len(few.run_again()) == 5
    assert many.run_again() == []
    assert len(many.only("failed")) == 6


@pytest.mark.skipif(sys.platform == "win32", reason="there a timeout ends the process")
def test_a_test_that_hangs_is_ended_and_shows_where_it_was(run):
    assert "Timeout" in run.failed["hangs"]
    assert ">       time.sleep(60)" in run.log


def test_a_test_that_no_timeout_ends_takes_its_process_with_it(run):
    """Its stacks are printed."""
    assert "crashed while running" in run.failed["hangs_where_no_alarm_reaches_it"]
    assert "Timeout (0:00:02)!" in run.log and "in test_hangs_where_no_alarm_reaches_it" in run.log


def test_a_test_that_ends_its_process_is_named_and_not_run_again(run):
    assert "crashed while running" in run.failed["ends_its_process"]
    assert (run.folder / "tests" / "ended").read_text(encoding="utf-8") == "once"


def test_a_file_whose_tests_share_something_is_run_by_one_process(run):
    assert len(list(run.folder.rglob("test_clock.py-*"))) == 1


def test_all_files_that_share_something_are_there():
    from kit.scheduling import OF_THE_SITE, TOGETHER

    assert [name for name in TOGETHER | OF_THE_SITE if not (ROOT / name).is_file()] == []


def test_the_progress_counts_work_and_not_tests():
    """A slow file is most of the work, however few its tests are, and says how long the rest will take."""
    told: list[str] = []
    progress = Progress(told.append, {"slow.py": {"mean": 90.0}, "quick.py": {"mean": 0.1}})
    slow, quick = ["slow.py::a", "slow.py::b"], [f"quick.py::{number}" for number in range(200)]
    for _ in range(2):  # both processes collect all tests
        progress.pytest_xdist_node_collection_finished([*slow, *quick])

    for test in quick:
        progress.pytest_runtest_logfinish(test)
    assert progress.describe(elapsed=10) == "10 %, about 1 min 30 s to go"
    progress.pytest_runtest_logfinish(slow[0])
    assert progress.describe(elapsed=60) == "55 %, about 0 min 50 s to go"
    assert told == []  # no line has been due yet


def test_a_test_that_is_not_known_counts_little():
    progress = Progress(print, {})
    progress.pytest_xdist_node_collection_finished(["new.py::a", "new.py::b"])
    progress.pytest_runtest_logfinish("new.py::a")
    assert progress.describe(elapsed=0).startswith("50 %")


def test_durations_are_kept_by_file(monkeypatch, tmp_path):
    monkeypatch.setattr(suite, "DURATIONS", tmp_path / "durations.json")
    assert suite.read_durations() == {}

    suite.write_durations({"b.py::one": 1.0, "a.py::one[x::y]": 0.5, "b.py::two": 2.0})

    assert suite.read_durations() == {
        "a.py": {"mean": 0.5, "longest": 0.5},
        "b.py": {"mean": 1.5, "longest": 2.0},
    }
