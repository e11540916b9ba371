"""`include`: a fragment that another program wrote, docs/<name>.en.md, as a part of the page."""

from __future__ import annotations

from course.site.page import DOCS, Page, Piece


def include(page: Page, piece: Piece) -> str:
    """Return the fragment in the page's language."""
    name = f"{piece.argument}.{page.lang}.md"
    if not (DOCS / name).is_file():
        raise page.error(piece.line, f"there is no docs/{name}: name a fragment that is there")
    return (DOCS / name).read_text(encoding="utf-8").rstrip("\n")
