"""The page about the suite's score shows what docs/score.toml says, and the score is good enough."""

from __future__ import annotations

import pytest

from course.lessons.scores import FLOOR, FLOOR_OF_FINAL, read_scores
from course.lessons.solutions import SOLUTIONS
from course.lessons.stages import all_stages
from course.site.directives import scores
from course.site.expand import expand
from course.site.page import Page, PageError

KINDS = ("right", "wrong")
ROW = {
    "date": "2026-11-21",
    "faults": 6,
    "caught": 5,
    "mutants": 101,
    "every": 1,
    "killed": 94,
    "stopped": 2,
    "equivalent": 1,
    "survivors": ["app/v1.py top: a < b  ->  a <= b"],
}


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """The score of one chapter, in place of all scores."""
    planted = dict(ROW)
    monkeypatch.setattr(scores, "read_scores", lambda: {"01_views_and_blueprints": planted})
    return planted


def test_the_table_has_a_row_for_each_stage(row: dict[str, object]) -> None:
    """A stage that was not scored yet says so instead of being left out."""
    table = expand("<!-- score: numbers -->", Page("score.md", "en")).splitlines()

    assert len(table) == 2 + len([stage for stage in all_stages() if stage.number])
    assert table[2] == (
        "| 1. Views and blueprints | 5 of 6 | 101, less 1 equivalent | 96 | 96.0% | 2026-11-21 |"
    )
    assert "not scored yet" in table[3]


def test_a_sample_says_between_what_the_truth_is(row: dict[str, object]) -> None:
    """The share of a sample has its confidence interval: Wilson's, here for 96 of 100."""
    row["every"] = 5

    table = expand("<!-- score: numbers -->", Page("score.md", "ko"))

    assert "101개(5개마다 하나), 동등한 1개 제외 | 96 | 96.0% (90.2%~98.4% 사이)" in table


def test_survivors_are_shown_as_code(row: dict[str, object]) -> None:
    """Survivors are shown character by character, `<` too."""
    shown = expand("<!-- score: survivors -->", Page("score.md", "en"))

    assert "<code>app/v1.py top</code>: <code>a &lt; b</code> → <code>a &lt;= b</code>" in shown


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_solutions_are_counted_where_they_are(lang: str) -> None:
    """Each stage but `final` has a row with its right and wrong solutions, and the last row has the sums."""
    rows = expand("<!-- score: solutions -->", Page("score.md", lang)).splitlines()[2:]
    numbers = [[cell.strip(" *") for cell in row.strip("|").split("|")][1:] for row in rows]

    files = [
        [str(len(list(SOLUTIONS.glob(f"{kind}/{stage.name.partition('_')[0]}/*.patch")))) for kind in KINDS]
        for stage in all_stages()
        if stage.name != "final"
    ]
    assert numbers[:-1] == files
    assert numbers[-1] == [str(sum(int(row[kind]) for row in files)) for kind in (0, 1)]


def test_another_part_is_refused() -> None:
    """A directive that asks for an unknown part gets an error that names the known ones."""
    with pytest.raises(PageError, match="numbers, solutions, survivors, equivalent"):
        expand("<!-- score: everything -->", Page("score.md", "en"))


@pytest.mark.parametrize("stage", read_scores())
def test_what_is_published_is_good_enough(stage: str) -> None:
    """A score below what the course promises is not published."""
    found = read_scores()[stage]

    assert found["caught"] == found["faults"]
    floor = FLOOR_OF_FINAL if stage == "final" else FLOOR
    assert (found["killed"] + found["stopped"]) / (found["mutants"] - found["equivalent"]) >= floor
