"""The files of requests for an editor: made from the lessons, and answered as their titles say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from course.lessons.stages import Stage, chapters
from course.site.page import Page, split_page
from course.site.requests import file_of, page_of, requests_of
from course.site.transcripts.replay import replay

TITLE = re.compile(r"python3 -m course run (\S+)(?: --step (\d))? -> (.+)")
PARTS = re.compile(
    r"(?P<again># Stop it.*\n)?(?P<request>[A-Z]+ \{\{host\}\}/.*\n(?:[\w-]+: .*\n)*(?:\n.+\n)?)\n?"
)


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)
def test_the_file_is_what_the_lesson_says(chapter: Stage) -> None:
    said = file_of(chapter).read_text(encoding="utf-8")
    assert said == requests_of(chapter), f"python3 -m course.site update {page_of(chapter)} makes it again"


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)
def test_the_requests_are_answered_as_their_titles_say(chapter: Stage, tmp_path: Path) -> None:
    """As a learner does it: start what the title names, send the request, paste a token where one is used."""
    _, *parts = file_of(chapter).read_text(encoding="utf-8").split("### ")
    markdown, stage, promised = "", "", []
    for part in parts:
        title, _, rest = part.partition("\n")
        named, found = TITLE.fullmatch(title), PARTS.fullmatch(rest)
        assert named and found, part
        key, step, status = named.groups()
        if stage != (stage := f"{key} step {step}" if step else key):
            markdown += f"<!-- stage: {stage} -->\n"
        request = found["request"].replace("{{host}}", "").replace("\n\n", "\n")
        markdown += f"```http{' fresh' if found['again'] else ''}\n{request}```\n"
        promised.append(f"HTTP/1.1 {status}")
    page = Page("requests.http", "en")
    results = list(replay(page, split_page(markdown, page), tmp_path))
    assert [result.actual[0] for result in results] == promised != []
