"""`slides`: links to the decks, which course/site/slides.py writes."""

from __future__ import annotations

import re
from html import escape

from course.lessons.stages import find_stage
from course.site.page import DOCS, Page, Piece, say


def chapters_with_slides(lang: str = "en") -> list[str]:
    """Return the numbers of the chapters that have a lesson, and so a deck: 01, 02, ..."""
    return sorted(file.stem for file in (DOCS / lang / "chapters").glob("[0-9][0-9].md"))


def slides(page: Page, piece: Piece) -> str:
    """Return a link to the deck of this chapter; on other pages, the list of all decks."""
    words = say("slides", page.lang)
    if chapter := re.fullmatch(r"chapters/(\d\d)\.md", page.path):
        return f'<p class="slides"><a href="../slides/{chapter[1]}.html">{words}</a></p>'
    up = "../" * page.path.count("/")
    items = [
        f'<li><a href="{up}slides/{number}.html">{int(number)}. '
        f"{escape(find_stage(number).title[page.lang])}</a></li>"
        for number in chapters_with_slides(page.lang)
    ]
    return f'<ul class="slides">{"".join(items)}</ul>'
