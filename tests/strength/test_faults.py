"""The suite bites: each named fault, planted in a copy of its stage, turns the test that it names red."""

from __future__ import annotations

import shutil
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from strength.harness import Report, run_inner

from course.lessons.faults import Fault, StaleFault, all_faults
from course.lessons.stages import FINAL_NUMBER, all_stages, ignore_generated

TESTS = Path(__file__).resolve().parent.parent


def judge(fault: Fault, folder: Path, scratch: Path) -> list[Report]:
    """Run the test that should catch ``fault`` on ``folder``."""
    test = f"{TESTS / fault.caught_by}"
    if fault.stage.number == FINAL_NUMBER and fault.caught_by.startswith(("final/", "drills/")):
        # Its own tests know one stage, see kit/service.py.
        reports = run_inner(scratch, test, "-x", COURSE_FINAL=str(folder))
    else:
        # With "=": pytest would take a path of its own for one of tests, and load the conftest.py there.
        reports = run_inner(scratch, test, "-x", f"--stage={folder}", f"--stage-as={fault.stage.name}")
    return [report for report in reports if report.when == "call" or report.outcome != "passed"]


@pytest.mark.parametrize(
    "fault", all_faults(), ids=lambda fault: f"{fault.stage.name.split('_')[0]}-{fault.name}"
)
def test_a_fault_is_caught(fault: Fault, tmp_path: Path) -> None:
    """The test that a fault names fails on it: fails, not stumbles over code that cannot run."""
    folder = tmp_path / fault.stage.name
    shutil.copytree(fault.stage.path, folder, ignore=ignore_generated)
    fault.plant(folder)

    reports = judge(fault, folder, tmp_path / "inner")

    assert reports, f"{fault.caught_by} is no test"
    if all(report.skipped for report in reports):
        pytest.skip(f"{fault.caught_by} is skipped on this machine")
    assert [report.text for report in reports if report.failed and report.when == "setup"] == []
    assert any(report.failed for report in reports), f"{fault.name}: {fault.caught_by} stays green"


def test_every_fault_is_told_in_both_languages() -> None:
    """A fault says what is wrong in an English and in a Korean sentence."""
    for fault in all_faults():
        assert fault.text["en"].endswith("."), fault.name
        assert fault.text["ko"].endswith("다."), fault.name
        assert any("가" <= letter <= "힣" for letter in fault.text["ko"]), fault.name


def test_every_stage_has_faults() -> None:
    """Every chapter there is has at least six, and the service that is made of them thirty."""
    counted = Counter(fault.stage.number for fault in all_faults())
    wanted = {stage.number: 6 for stage in all_stages() if stage.number} | {FINAL_NUMBER: 30}

    assert {number for number, least in wanted.items() if counted[number] < least} == set()


def test_a_stale_fault_says_so(tmp_path: Path) -> None:
    """A patch whose code is gone is reported by name, not half applied."""
    fault = all_faults()[0]
    folder = tmp_path / "app"
    folder.mkdir()
    for name in ("v1", "v2", "views", "accounts", "__init__"):
        (folder / f"{name}.py").write_text("# rewritten\n", encoding="utf-8")

    with pytest.raises(StaleFault, match=fault.name):
        fault.plant(tmp_path)


#: Waits where no alarm of pytest's reaches it, and has started a program that would outlive it.
WAITS = """
import signal, subprocess, sys, time

def test_it():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3); open('alive', 'w')"])
    time.sleep(60)
"""


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no alarms, and no groups of processes to end"
)
def test_a_fault_that_hangs_is_ended_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test_waits.py").write_text(WAITS, encoding="utf-8")

    with pytest.raises(AssertionError, match="no report within 2 s") as told:
        run_inner(tmp_path / "inner", "test_waits.py", limit=2)

    assert "test_waits.py" in str(told.value) and "in test_it" in str(told.value)
    time.sleep(3)
    assert not (tmp_path / "alive").exists()
