"""The program behind `python3 -m course step N --record`: which behaviours each step turns green."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import click
from strength.harness import Harness, chapter_tests

from course.lessons.stages import Stage, find_chapter
from course.lessons.steps import RECORD, build_step, patches_of


def judge_step(stage: Stage, step: int, harness: Harness, files: Iterable[Path]) -> tuple[set[str], set[str]]:
    """Return the behaviours that the state after a step has, and those that it has not, by their tests."""
    cases = [case for file in files for case in harness.tests_in(file, stage.name)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch).resolve() / stage.name
        build_step(stage, step, folder)
        reports = harness.run(folder, cases).reports
    lacking = {behaviour_of(report.test) for report in reports if report.failed}
    return {behaviour_of(case) for case in cases} - lacking, lacking


def behaviour_of(case: str) -> str:
    """Return what the course calls the test of a case: `file.py::function`."""
    return case.partition("[")[0].rpartition("/")[2]


def record(stage: Stage) -> None:
    """Run the suite on the state after each step of a chapter, and write what it says."""
    lines = [f"# Recorded by `python3 -m course step {stage.number} --record`: do not edit."]
    files = chapter_tests(stage)
    with Harness(files) as harness:
        judged = [judge_step(stage, step, harness, files) for step in range(len(patches_of(stage)) + 1)]
    for (before, _), (after, lacking) in pairwise(judged):
        lines += ["", "[[steps]]", f"passed = {len(after)}", f"total = {len(after | lacking)}"]
        for name, tests in (("green", after - before), ("red", before - after)):
            rows = "".join(f"    {json.dumps(test)},\n" for test in sorted(tests))
            lines += [f"{name} = [\n{rows}]"] if tests else [f"{name} = []"]
        new, lost = len(after - before), len(before - after)
        click.echo(f"{len(after)} of {len(after | lacking)}, new: {new}, lost: {lost}")
    (stage.path / "steps" / RECORD).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    record(find_chapter(sys.argv[1]))
