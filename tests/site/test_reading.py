"""How much there is to read: a lesson in one sitting, and no listing typed by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from course.site.directives.slides import chapters_with_slides
from course.site.expand import expand
from course.site.page import LANGUAGES, Page
from course.site.reading import amount_of

SITTING = 45  # minutes, as a lesson at school; 25 is the aim

LESSONS = [f"chapters/{number}.md" for number in chapters_with_slides()]

_LISTING = re.compile(r"<pre.*?</pre>", re.DOTALL)
#: A listing as this site makes it: it has a name, or is in tabs, or is a response, a terminal, a diff, or a
#: file to type.
_OURS = re.compile(
    r'<div class="[^"]*highlight"><span class="filename">'
    r'|<div class="tabbed-block">\s*<div class="[^"]*highlight"><pre>'
    r'|<div class="[^"]*(?:language-console|answer)[^"]*"[^>]*><pre>'
    r'|<pre class="diff highlight"'
    r'|<details class="file-diff typing"[^>]*>\s*<summary>(?:(?!</summary>).)*</summary>'
    r'\s*<div class="[^"]*highlight"><pre>'
)


def article(site: Path, path: str) -> str:
    html = (site / path).read_text(encoding="utf-8")
    return html[html.index("<article") : html.index("</article>")]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", LESSONS)
def test_a_lesson_is_read_in_one_sitting(path: str, lang: str) -> None:
    page = Page(path, lang)
    markdown = expand(page.file.read_text(encoding="utf-8"), page)
    assert amount_of(markdown).minutes(lang) < SITTING


def test_no_listing_was_typed_into_a_page(built_site: tuple[Path, str]) -> None:
    """A fence stops the build; this finds listings indented by four spaces, or in HTML."""
    for file in built_site[0].rglob("*.html"):
        if file.parent.name != "slides" and file.name != "404.html":
            html = article(built_site[0], file.relative_to(built_site[0]).as_posix())
            assert len(_LISTING.findall(html)) == len(_OURS.findall(html)), file
