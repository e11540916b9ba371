"""The schedules add up, and give each chapter the minutes that its own page gives."""

from __future__ import annotations

import re

import pytest

from course.site.page import DOCS, LANGUAGES

ROW = re.compile(r"^\s*\| (\d+) \| ([^|]*)\|(?: ([^|]*)\|)?", re.M)


def minutes(text: str) -> int:
    return sum(int(row[0]) for row in ROW.findall(text))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_schedule_takes_what_its_heading_says(lang: str) -> None:
    """The number at the end of its id is the sum of its rows."""
    page = (DOCS / lang / "instructors.md").read_text(encoding="utf-8")
    parts = re.split(r"^#+ .*\{#([\w-]+)\}$", page, flags=re.M)
    schedules = {name: text for name, text in zip(parts[1::2], parts[2::2], strict=True) if ROW.search(text)}

    assert set(schedules) == {"minutes-90", "minutes-210", "minutes-360", "minutes-day-2-360"}
    for name, text in schedules.items():
        assert minutes(text) == int(name.rsplit("-", 1)[1]), name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_chapter_takes_the_minutes_of_its_page(lang: str) -> None:
    """Where a schedule says "as its page says", it gives the same minutes; and the page adds up too."""
    said = {"en": "as its page says", "ko": "그 장의 강사 노트대로"}[lang]
    page = (DOCS / lang / "instructors.md").read_text(encoding="utf-8")
    whole = [
        (int(number), int(time))
        for time, part, what in ROW.findall(page)
        if said in what
        for number in re.findall(r"\d+", part)
    ]

    assert {number for number, _ in whole} >= {1, 2, 3, 4, 5, 6}
    for number, time in whole:
        chapter = (DOCS / lang / "chapters" / f"{number:02}.md").read_text(encoding="utf-8")
        notes = chapter.split("{#instructors}")[1]
        assert re.search(r'\?\?\? info "(\d+)', notes)[1] == str(minutes(notes)) == str(time), number
