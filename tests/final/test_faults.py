"""These tests bite: each named fault, planted in a copy of final/, turns the test that names it red.

A fault takes out one cure of a trap. Its file has the form of those of the chapters, see course/faults.py.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from course.faults import Fault
from course.stages import find_stage

HERE = Path(__file__).resolve().parent


def read(file: Path) -> Fault:
    """Return the fault that ``file`` describes."""
    head, mark, patch = file.read_text(encoding="utf-8").partition("--- ")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    text = {"en": fields["en"], "ko": fields["ko"]}
    return Fault(file.stem, find_stage("final"), text, fields["caught by"], mark + patch)


FAULTS = [read(file) for file in sorted((HERE / "faults").glob("*.patch"))]


class Verdicts:
    """A plugin of pytest that keeps what became of each test."""

    def __init__(self) -> None:
        self.reports: list[pytest.TestReport] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            self.reports.append(report)


@pytest.fixture(autouse=True)
def log() -> None:
    """In place of the watch over the log: a service with a fault may log what it likes."""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_caught(fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test that a fault names fails on it: fails, not stumbles over code that cannot run."""
    folder = tmp_path / "final"
    shutil.copytree(fault.stage.path, folder, ignore=shutil.ignore_patterns("__pycache__", "instance"))
    fault.plant(folder)
    monkeypatch.setenv("COURSE_FINAL", str(folder))
    verdicts = Verdicts()

    apart = ["-p", "no:xdist", "-p", "no:cacheprovider", "-o", "timeout=0", "-x", "-q", "-s"]
    pytest.main(
        [str(HERE.parent / fault.caught_by), *apart, "--basetemp", str(tmp_path / "inner")], [verdicts]
    )

    assert verdicts.reports, f"{fault.caught_by} is no test"
    broken = [report for report in verdicts.reports if report.failed and report.when == "setup"]
    assert [report.longreprtext for report in broken] == []
    assert any(report.failed for report in verdicts.reports), f"{fault.name}: {fault.caught_by} stays green"


def test_every_fault_is_told_in_both_languages() -> None:
    """A sentence in English and one in Korean."""
    assert len(FAULTS) >= 30
    for fault in FAULTS:
        assert fault.text["en"].endswith("."), fault.name
        assert fault.text["ko"].endswith("다."), fault.name
