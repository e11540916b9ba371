"""The suite bites: each named fault, planted in a copy of its chapter, turns the test that names it red."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from course.faults import FAULTS, Fault, StaleFault, all_faults

TESTS = Path(__file__).resolve().parent


class Verdicts:
    """A plugin of pytest that keeps what became of each test."""

    def __init__(self) -> None:
        self.reports: list[pytest.TestReport] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            self.reports.append(report)


def judge(fault: Fault, folder: Path, scratch: Path) -> list[pytest.TestReport]:
    """Run the test that should catch ``fault`` on ``folder``, by a pytest inside this one."""
    verdicts = Verdicts()
    # With "=": pytest would take a path of its own for one of tests, and load the conftest.py it finds there.
    which = [f"{TESTS / fault.caught_by}", f"--stage={folder}", f"--stage-as={fault.stage.name}"]
    apart = [
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
        "-o",
        "timeout=0",
        "--basetemp",
        f"{scratch}",
        "-s",
        "-q",
    ]
    pytest.main([*which, *apart], plugins=[verdicts])
    return verdicts.reports


@pytest.mark.parametrize("fault", all_faults(), ids=lambda fault: f"{fault.stage.name[:2]}-{fault.name}")
def test_a_fault_is_caught(fault: Fault, tmp_path: Path) -> None:
    """The test that a fault names fails on it: fails, not stumbles over code that cannot run."""
    folder = tmp_path / fault.stage.name
    shutil.copytree(fault.stage.path, folder, ignore=shutil.ignore_patterns("__pycache__", "instance"))
    fault.plant(folder)

    reports = judge(fault, folder, tmp_path / "inner")

    assert reports, f"{fault.caught_by} is no test"
    assert [report.longreprtext for report in reports if report.failed and report.when != "call"] == []
    assert any(report.failed for report in reports), f"{fault.name}: {fault.caught_by} stays green"


def test_every_fault_is_told_in_both_languages() -> None:
    """A fault says what is wrong in an English and in a Korean sentence."""
    for fault in all_faults():
        assert fault.text["en"].endswith("."), fault.name
        assert fault.text["ko"].endswith("다."), fault.name
        assert any("가" <= letter <= "힣" for letter in fault.text["ko"]), fault.name


def test_every_chapter_has_faults() -> None:
    """Every chapter there is has at least six."""
    counted = {
        folder.name: len(list(folder.glob("*.patch"))) for folder in FAULTS.iterdir() if folder.is_dir()
    }
    chapters = {path.name[:2] for path in (TESTS.parent / "chapters").glob("0*")}

    assert {chapter for chapter in chapters if counted.get(chapter, 0) < 6} == set()


def test_a_stale_fault_says_so(tmp_path: Path) -> None:
    """A patch whose code is gone is reported by name, not half applied."""
    fault = all_faults()[0]
    folder = tmp_path / "app"
    folder.mkdir()
    for name in ("v1", "v2", "views", "accounts", "__init__"):
        (folder / f"{name}.py").write_text("# rewritten\n", encoding="utf-8")

    with pytest.raises(StaleFault, match=fault.name):
        fault.plant(tmp_path)
