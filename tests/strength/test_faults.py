"""The suite bites: each named fault, planted in a copy of its stage, turns the test that it names red."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import kit.changed
import pytest
from kit.changed import only_if_changed
from strength.harness import CAN_FORK, WINDOWS, Harness, NotEnded

from course.lessons.faults import Fault, StaleFault, all_faults
from course.lessons.stages import FINAL_NUMBER, all_stages, find_stage

CASES = [
    pytest.param(
        fault,
        id=f"{fault.stage.name.split('_')[0]}-{fault.name}",
        marks=only_if_changed(fault.stage, fault.caught_by.partition("::")[0], f"/{fault.name}.patch"),
    )
    for fault in all_faults()
]


@pytest.mark.parametrize("fault", CASES)
def test_a_fault_is_caught(fault: Fault, harness: Harness) -> None:
    """The test that a fault names fails on it, and not because the code cannot run."""
    with harness.copy(fault.stage.path) as folder:
        fault.plant(folder)
        tests = harness.find(fault.caught_by, fault.stage.name)
        assert tests, f"{fault.caught_by} is not a test"
        reports = harness.run(folder, tests, first_only=True).reports

    assert reports, f"{fault.caught_by} did not run"
    if all(report.skipped for report in reports if report.when == "call" or report.outcome != "passed"):
        pytest.skip(f"{fault.caught_by} is skipped on this machine")
    assert [report.text for report in reports if report.failed and report.when == "setup"] == []
    assert any(report.failed for report in reports), f"{fault.name}: {fault.caught_by} stays green"


def test_every_fault_is_told_in_both_languages() -> None:
    """A fault says what is wrong, in an English and in a Korean sentence."""
    for fault in all_faults():
        assert fault.text["en"].endswith("."), fault.name
        assert fault.text["ko"].endswith("다."), fault.name
        assert any("가" <= letter <= "힣" for letter in fault.text["ko"]), fault.name


def test_every_stage_has_faults() -> None:
    """Each chapter has at least six, and the final service thirty."""
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


#: Waits where pytest's timeout cannot reach it, and starts a program that would outlive it.
WAITS = """
import signal, subprocess, sys, time

def test_it():
    signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGALRM}})
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(2); open({alive!r}, 'w')"])
    time.sleep(60)
"""


@pytest.mark.skipif(not CAN_FORK, reason=WINDOWS)
def test_a_fault_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """The watchdog ends the run, and with it what the test has started."""
    waits = WAITS.format(alive=str(tmp_path / "alive"))
    (tmp_path / "test_waits.py").write_text(waits, encoding="utf-8")
    stage = tmp_path / "stage"
    stage.mkdir()

    with Harness([tmp_path / "test_waits.py"]) as harness, harness.copy(stage) as folder:
        (test,) = [test.id for test in harness.tests]
        with pytest.raises(NotEnded, match="in test_it"):
            harness.run(folder, [test], limits={test: 1})

    time.sleep(2)
    assert not (tmp_path / "alive").exists()


@pytest.mark.parametrize(
    ("changed", "chosen"),
    [
        ([], False),
        (["docs/en/index.md", "chapters/02_factory_and_config/app/auth.py"], False),
        (["chapters/01_views_and_blueprints/app/v1.py"], True),
        (["tests/test_01_views_and_blueprints.py"], True),
        (["tests/strength/faults/01/last_page_has_a_next.patch"], True),
        (["tests/kit/adapter.py"], True),
    ],
)
def test_a_fault_is_judged_when_what_it_concerns_has_changed(
    monkeypatch: pytest.MonkeyPatch, changed: list[str], chosen: bool
) -> None:
    """By `course test`; `--all` judges every fault."""
    monkeypatch.setattr(kit.changed, "_changed", lambda: changed)

    marks = only_if_changed(find_stage("1"), "test_01_views_and_blueprints.py", "/last_page_has_a_next.patch")

    assert (marks == []) == chosen
