"""How much there is to read: a lesson in one sitting, and no listing typed by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from course.site.directives.slides import chapters_with_slides

SITTING = 25  # minutes
WORDS = {"": 200, "ko/": 150}  # a minute, of prose that explains; Korean words carry more each
LINES = 25  # of code a minute, which readers partly skim

LESSONS = [f"{prefix}chapters/{number}.html" for prefix in WORDS for number in chapters_with_slides()]

_OTHER_TAB = re.compile(
    r'(?<=</div>\n)<div class="tabbed-block">.*?</div>\n(?=</div>|<div class="tabbed-block">)', re.DOTALL
)
_FOLDED = re.compile(
    r'<details class="(?:example|file-diff"[^>]*data-folded).*?</details>'
    r'|<svg.*?</svg>|<a class="headerlink".*?</a>',
    re.DOTALL,
)
_LISTING = re.compile(r"<pre.*?</pre>", re.DOTALL)
#: A listing as this site makes it: it has a name, or is in tabs, or is a response, a terminal or a diff.
_OURS = re.compile(
    r'<div class="[^"]*highlight"><span class="filename">'
    r'|<div class="tabbed-block">\s*<div class="[^"]*highlight"><pre>'
    r'|<div class="[^"]*(?:language-console|answer)[^"]*"[^>]*><pre>'
    r'|<pre class="diff highlight"'
)


def article(site: Path, path: str) -> str:
    html = (site / path).read_text(encoding="utf-8")
    return html[html.index("<article") : html.index("</article>")]


def minutes(html: str, words_a_minute: int) -> float:
    """Return how long a reader takes: prose, and listings that are not folded, in one tab of each."""
    html = _OTHER_TAB.sub("", _FOLDED.sub("", html))
    lines = sum(listing.count("\n") + listing.count("&#10;") for listing in _LISTING.findall(html))
    words = re.sub(r"<[^>]*>", " ", _LISTING.sub("", html)).split()
    return len(words) / words_a_minute + lines / LINES


@pytest.mark.parametrize("path", LESSONS)
def test_a_lesson_is_read_in_one_sitting(built_site: tuple[Path, str], path: str) -> None:
    speed = WORDS["ko/" if path.startswith("ko/") else ""]
    assert minutes(article(built_site[0], path), speed) < SITTING


def test_no_listing_was_typed_into_a_page(built_site: tuple[Path, str]) -> None:
    """A fence stops the build; this finds listings indented by four spaces, or in HTML."""
    for file in built_site[0].rglob("*.html"):
        if file.parent.name != "slides" and file.name != "404.html":
            html = article(built_site[0], file.relative_to(built_site[0]).as_posix())
            assert len(_LISTING.findall(html)) == len(_OURS.findall(html)), file
