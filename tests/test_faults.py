"""The suite bites: each named fault, planted in a copy of its stage, turns the test that it names red."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from inner_pytest import run_inner

from course.faults import Fault, StaleFault, all_faults
from course.stages import FINAL_NUMBER, all_stages, ignore_left_behind

TESTS = Path(__file__).resolve().parent


class Verdicts:
    """A plugin of pytest that keeps what became of each test."""

    def __init__(self) -> None:
        self.reports: list[pytest.TestReport] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed or report.skipped:
            self.reports.append(report)


def judge(fault: Fault, folder: Path, scratch: Path) -> list[pytest.TestReport]:
    """Run the test that should catch ``fault`` on ``folder``, by a pytest inside this one."""
    verdicts = Verdicts()
    arguments = [f"{TESTS / fault.caught_by}", "-x"]
    with pytest.MonkeyPatch.context() as patch:
        if fault.stage.number == FINAL_NUMBER and fault.caught_by.startswith("final/"):
            patch.setenv("COURSE_FINAL", str(folder))  # its own tests know one stage, see final/conftest.py
        else:
            # With "=": pytest would take a path of its own for one of tests, and load the conftest.py there.
            arguments += [f"--stage={folder}", f"--stage-as={fault.stage.name}"]
        run_inner(verdicts, scratch, *arguments)
    return verdicts.reports


@pytest.mark.parametrize(
    "fault", all_faults(), ids=lambda fault: f"{fault.stage.name.split('_')[0]}-{fault.name}"
)
def test_a_fault_is_caught(fault: Fault, tmp_path: Path) -> None:
    """The test that a fault names fails on it: fails, not stumbles over code that cannot run."""
    folder = tmp_path / fault.stage.name
    shutil.copytree(fault.stage.path, folder, ignore=ignore_left_behind)
    fault.plant(folder)

    reports = judge(fault, folder, tmp_path / "inner")

    assert reports, f"{fault.caught_by} is no test"
    if all(report.skipped for report in reports):
        pytest.skip(f"{fault.caught_by} is skipped on this machine")
    assert [report.longreprtext for report in reports if report.failed and report.when == "setup"] == []
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
