"""Slides: for each chapter a deck, `slides/01.html`, in Korean `ko/slides/01.html`.

A deck is the finished page of the lesson in another frame; docs/assets/split-lesson.js splits it into slides
when it is opened. So it opens from a folder, and shows what the lesson shows.
"""

from __future__ import annotations

import re
from pathlib import Path
from string import Template

from course.site.page import DOCS, say

_LESSON = re.compile(r"<article\b.*</article>", re.DOTALL)
_STYLES = re.compile(r'<link rel="stylesheet" href="[^"]*">')
_LINK = re.compile(r'(<a [^>]*?href=")(?!\w+:|\.\./)([^"#]*)')


def write_deck(site: Path, url: str, lang: str, title: str, html: str) -> None:
    """Write the deck of a lesson into a built site.

    Args:
        url: of the lesson, below the root of the site: ``ko/chapters/01.html``.
        title: of the lesson, as HTML.
        html: the finished page of the lesson, as deep as its deck, so its relative links work there too.

    """
    number = Path(url).stem
    lesson = _LESSON.findall(html)[0]
    frame = Template((DOCS / "figures/deck.html").read_text(encoding="utf-8"))
    deck = frame.substitute(
        lang=lang,
        title=title,
        number=number,
        root="../" * url.count("/"),
        styles="\n    ".join(_STYLES.findall(html)),
        lesson=_LINK.sub(lambda link: f"{link[1]}../chapters/{link[2] or f'{number}.html'}", lesson),
        keys=say("slides-keys", lang),
        back=say("slides-lesson", lang),
    )
    file = site / url.replace("chapters/", "slides/")
    file.parent.mkdir(exist_ok=True)
    file.write_text(deck, encoding="utf-8", newline="\n")
