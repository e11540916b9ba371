"""The judge is as wide as Flask: it takes the right solutions in other styles, and catches the wrong ones."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from kit.changed import only_if_changed
from strength.harness import Harness, Report, chapter_tests

from course import messages
from course.judging.explain import explain
from course.judging.runner import judge
from course.lessons.own_files import copy_own_files
from course.lessons.solutions import Solution, all_solutions
from course.lessons.stages import all_stages
from course.messages import LANGUAGES

LEAST = 6  # right solutions of a stage, and wrong ones
EVERY = 3  # of how many earlier tests a right solution is judged by one
PIPELINE = 7  # the chapter whose work is files of a pipeline, not a service


def cases(right: bool) -> list[Any]:
    return [
        pytest.param(
            solution,
            id=f"{solution.stage.name.split('_')[0]}-{solution.name}",
            marks=only_if_changed(solution.stage, *_judges(solution), f"/{solution.name}.patch"),
        )
        for solution in all_solutions()
        if solution.right == right
    ]


def _judges(solution: Solution) -> list[str]:
    """Return the files of the tests that judge a solution."""
    if solution.caught_by:
        return [solution.caught_by.partition("::")[0]]
    return [file.name for file in chapter_tests(solution.stage)]


@pytest.mark.timeout(300)  # hundreds of tests in one
@pytest.mark.parametrize("solution", cases(right=True))
def test_a_right_solution_is_complete(solution: Solution, harness: Harness) -> None:
    """All tests of its chapter pass, and every third of the earlier; the next solution gets others."""
    stage = solution.stage
    *earlier, own = chapter_tests(stage)
    turn = [one.name for one in all_solutions() if one.stage == stage and one.right].index(solution.name)
    # What an earlier test takes as right is asked above all by the solutions of its own chapter.
    tests = [
        case
        for file in earlier
        for function in by_function(harness.tests_in(file, stage.name))[turn % EVERY :: EVERY]
        for case in function
    ]

    with harness.copy(stage.path) as folder:
        solution.plant(folder)
        reports = harness.run(folder, [*tests, *harness.tests_in(own, stage.name)]).reports

    failed = failures(reports)
    assert not failed, f"{solution.text['en']}\n{failed}"


def by_function(cases: list[str]) -> list[list[str]]:
    """Return the cases of each test, in their order."""
    return [list(group) for _, group in groupby(cases, lambda case: case.partition("[")[0])]


def failures(reports: list[Report]) -> str:
    """Return the cases that failed, each with the end of its traceback."""
    failed = [report for report in reports if report.failed]
    return "\n".join(f"{report.test}\n" + "\n".join(report.text.splitlines()[-4:]) for report in failed)


@pytest.mark.parametrize("solution", cases(right=False))
def test_a_wrong_solution_is_caught_and_explained(
    solution: Solution, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The named test fails, and says what was expected instead of an exception of its own."""
    monkeypatch.setattr(messages, "_chosen", [])
    folder = tmp_path / solution.stage.name
    copy_own_files(solution.stage.path, folder, but=("steps",))
    solution.plant(folder)
    test = str(solution.caught_by)

    result = judge(folder, solution.stage, tests=(test,), limit=100).results[test]

    assert result.state == "failed", f"{test}: {result.state}"
    finding = result.finding
    assert finding
    kind = finding.lacks[0] if finding.lacks else ""  # what the test looked for and did not find
    assert not finding.ours or kind not in ("", "shape"), finding.raised
    for lang in LANGUAGES:
        messages.choose(lang)
        told = "\n".join(text for _, text in explain(result, folder))
        assert told.strip()
        assert "Traceback" not in told


def test_every_solution_is_told_in_both_languages() -> None:
    """A solution says in an English and in a Korean sentence what is different in it."""
    for solution in all_solutions():
        assert solution.text["en"].endswith("."), solution.name
        assert solution.text["ko"].endswith("다."), solution.name
        assert any("가" <= letter <= "힣" for letter in solution.text["ko"]), solution.name


def test_every_stage_has_six_of_each() -> None:
    """At least six right and six wrong solutions judge the tests of each service."""
    counted = Counter((solution.stage.name, solution.right) for solution in all_solutions())
    stages = [stage.name for stage in all_stages() if stage.number < PIPELINE]

    assert [name for name in stages for right in (True, False) if counted[name, right] < LEAST] == []


#: Solutions that remember, outside of their applications, what requests have done.
REMEMBERING = ("list_grows_with_each_request", "emails_of_all_applications", "counters_of_all_applications")


@pytest.mark.parametrize(
    "solution", [case for case in cases(right=False) if case.values[0].name in REMEMBERING]
)
def test_a_verdict_depends_on_the_code_alone(solution: Solution, harness: Harness) -> None:
    """The same tests fail in the usual order, backwards, in any order, and when each is run alone."""
    stage = solution.stage
    tests = harness.tests_in(Path(str(solution.caught_by).partition("::")[0]), stage.name)
    mixed = random.Random(7).sample(tests, len(tests))  # noqa: S311 -- an order that is the same each time

    def failing(order: Sequence[str]) -> set[str]:
        with harness.copy(stage.path) as folder:
            solution.plant(folder)
            return {report.test for report in harness.run(folder, order).reports if report.failed}

    failed = failing(tests)

    assert failed
    assert failing(tests[::-1]) == failed
    assert failing(mixed) == failed
    some = {*sorted(failed)[:4], *mixed[:4]}
    assert {test for test in some if failing([test])} == failed & some
