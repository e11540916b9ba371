"""`figure` and `stages`: pictures that take their colours from the page and their words from its language."""

from __future__ import annotations

import re
from html import escape

from course.lessons.stages import all_stages
from course.site.page import DOCS, Page, Piece

_TEXT = re.compile(r"\{\{(.*?)\|(.*?)\}\}", re.DOTALL)


def figure(page: Page, piece: Piece) -> str:
    """Return docs/figures/<name>.svg, inline, with its texts in the page's language."""
    file = DOCS / "figures" / f"{piece.argument}.svg"
    if not file.is_file():
        raise page.error(piece.line, f"docs/figures/{piece.argument}.svg is not there: draw it")
    svg = file.read_text(encoding="utf-8")
    if "<title>" not in svg or "<desc>" not in svg:
        raise page.error(piece.line, f"{file.name} has no text alternative: give it <title> and <desc>")
    svg = _TEXT.sub(lambda text: text[1 if page.lang == "en" else 2].strip(), svg)
    name = f"figure-{piece.argument}"
    svg = svg.replace("<svg ", f'<svg role="img" aria-labelledby="{name}-title {name}-desc" ', 1)
    svg = svg.replace("<title>", f'<title id="{name}-title">', 1).replace(
        "<desc>", f'<desc id="{name}-desc">', 1
    )
    return f'<figure class="figure">{" ".join(svg.split())}</figure>'


def stages(page: Page, piece: Piece) -> str:
    """Return the map of the course: every stage in its order, with a link if it has a page."""
    items = []
    for stage in all_stages():
        number = "" if stage.number in (0, 8) else str(stage.number)
        target = "final.md" if stage.number == 8 else f"chapters/{stage.number:02}.md"
        title = escape(stage.title[page.lang])
        written = (DOCS / page.lang / target).is_file()
        inside = f"[{title}]({relative(page, target)})" if written else title
        kind = "stage" if written else "stage unwritten"
        items.append(f'<li class="{kind}" data-number="{number}" markdown="span">{inside}</li>')
    return f'<ol class="stages" markdown="1">\n{chr(10).join(items)}\n</ol>'


def relative(page: Page, target: str) -> str:
    """Return the link from ``page`` to another one, ``chapters/03.md`` for example."""
    return "../" * page.path.count("/") + target
