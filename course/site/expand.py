"""`expand`: from a page as its author wrote it to plain Markdown. It runs nothing and knows no mkdocs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from course.lessons.stages import UnknownStage
from course.site import lab, reading
from course.site.directives import (
    changes,
    drawings,
    glossary,
    include,
    listings,
    overview,
    promises,
    scores,
    steps,
    superseded,
    tree,
)
from course.site.directives.slides import slides
from course.site.page import Page, PageError, Piece, split_page, stage_of
from course.site.transcripts import console, http

#: Pages that say how long they take, as chapters do.
TIMED = ("before.md", "bridge.md", "final.md", "final-code.md", "final-threats.md")

_CHAPTER = re.compile(r"chapters/0*(\d+)\.md")

DIRECTIVES: dict[str, Callable[[Page, Piece], str]] = {
    "code": listings.code,
    "diff": changes.diff,
    "step": steps.step,
    "tree": tree.tree,
    "figure": drawings.figure,
    "stages": drawings.stages,
    "lab": lab.opener,
    "slides": slides,
    "glossary": glossary.glossary,
    "superseded": superseded.superseded,
    "score": scores.score,
    "promises": promises.promises,
    "include": include.include,
    "pages": overview.pages,
    "minutes": overview.minutes,
    "stage": lambda page, piece: "",
}
FENCES: dict[str, Callable[[Page, Piece], str]] = {
    "http": http.render_http,
    "console": console.render_console,
}


def expand(markdown: str, page: Page) -> str:
    """Return ``markdown`` with every directive and transcript expanded.

    Raises:
        PageError: one no longer matches what it is about.
    """
    pieces = list(split_page(markdown, page))
    page = replace(page, stage=stage_of(pieces))
    expanded = []
    for piece in pieces:
        if piece.name == "stage":
            page = replace(page, stage=piece.argument)
        expanded.append(_expand_piece(piece, page))
        if piece.name == "http":
            page = replace(page, used=page.used | http.fields_used(piece))
    return finish_title("\n".join(expanded), page)


def finish_title(markdown: str, page: Page) -> str:
    """Give a chapter's title its number, for the style sheet to draw, and say how long a page takes."""
    chapter = _CHAPTER.fullmatch(page.path)
    if not chapter and page.path not in TIMED:
        return markdown
    title, attributes = r"# \1", r"{\2}"
    if chapter:
        attributes = rf'{{\2 data-chapter="{chapter[1]}" }}'
    pattern = r"(?m)^# (?:\d+\. )?(.+?)\s*(?:\{(.*)\})?$"
    markdown = re.sub(pattern, f"{title} {attributes}", markdown, count=1)
    minutes = reading.line_of(markdown, page.lang, chapter[1] if chapter else "")
    return re.sub(r"(?m)^(# .*)$", lambda found: f"{found[1]}\n\n{minutes}\n", markdown, count=1)


def _expand_piece(piece: Piece, page: Page) -> str:
    if piece.kind == "text":
        for line, text in enumerate(piece.lines, piece.line):
            if text.lstrip().startswith("<!--"):
                raise page.error(
                    line, "this comment is not a directive: write <!-- name: argument --> on one line"
                )
        return "\n".join(piece.lines)
    known = DIRECTIVES if piece.kind == "directive" else FENCES
    if piece.name not in known:
        names = ", ".join(known)
        advice = "show code by <!-- code: ... -->" if piece.kind == "fence" else "correct its name"
        raise page.error(
            piece.line, f"there is no {piece.kind} {piece.name or 'without a name'!r} ({names}): {advice}"
        )
    try:
        expanded = known[piece.name](page, piece)
    except UnknownStage as error:
        raise page.error(piece.line, str(error)) from None
    except PageError:
        raise
    except ValueError as error:  # an open quotation mark, for one
        raise page.error(piece.line, f"this cannot be read ({error}): close its quotation marks") from None
    if piece.indent and expanded.startswith("<"):
        raise page.error(piece.line, f"{piece.name} cannot be inside a list or box: move it out")
    return "\n".join(piece.indent + line if line else line for line in expanded.split("\n"))
