"""`glossary`: the words of the course in both languages, from docs/glossary.toml."""

from __future__ import annotations

import tomllib

from course.site.directives.drawings import relative
from course.site.page import DOCS, Page, Piece, say


def glossary(page: Page, piece: Piece) -> str:
    """Return a table with a row for each word, in the order of the page's language.

    Each word links to the page that teaches it.
    """
    terms = tomllib.loads((DOCS / "glossary.toml").read_text(encoding="utf-8"))["terms"]
    other = "ko" if page.lang == "en" else "en"
    rows = [say("glossary-head", page.lang), "|---|---|---|"]
    for term in sorted(terms, key=lambda term: str(term[page.lang]).lower()):
        link = f"[{term[page.lang]}]({relative(page, term['page'])})"
        rows.append(f"| {link} | {term[other]} | {term['means'][page.lang]} |")
    return "\n".join(rows)
