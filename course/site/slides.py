"""Slides of each chapter, made from its lesson: what it shows is projected, what it says are the notes.

A deck is `slides/01.html`, in Korean `ko/slides/01.html`: one file beside the style sheets of the site, so
that it opens from a folder. docs/assets/slides.css and slides.js are all that it needs besides.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

import markdown

from course.lessons.stages import find_stage
from course.site.directives import changes
from course.site.directives.slides import chapters_with_slides
from course.site.expand import expand_part
from course.site.page import Page, Piece, take_apart
from course.site.pairs import Block, read_blocks
from course.site.transcripts import fences

LINES = 18  # of a listing on one slide; a longer one goes on on the next
ROWS = 4  # of a table
FILES = 18  # of a chapter's change
LEAD = {"en": 110, "ko": 70}  # characters of a sentence that is short enough to stand above a listing
WORDS = {
    "notes": {"en": "For the instructor", "ko": "강사 노트"},
    "more": {"en": "continued", "ko": "이어서"},
    "keys": {
        "en": "← → turn · N notes · P presenter's window · D dark · print: Ctrl-P, with N the notes too",
        "ko": "← → 넘기기 · N 노트 · P 발표자 창 · D 어둡게 · 인쇄: Ctrl-P, N을 켜면 노트까지",
    },
    "lesson": {"en": "the lesson", "ko": "강의"},
}
SHOWN = ("fence", "directive")  # kinds of blocks that are projected; prose is for the notes
#: What else is projected, by the section that it stands in.
PROJECTED = {"#try-it": "list", "#key-points": "list", "#article": "table"}

_HEADING = re.compile(r"(#+) (.*?)\s*(?:\{(#[^}]*)\})?\s*")
_LISTING = re.compile(
    r'(?P<head>`{3,}\w+) title="(?P<title>[^"]*)" linenums="(?P<first>\d+)"(?: hl_lines="(?P<hl>[^"]*)")?'
)
_LINK = re.compile(r'href="(?!\w+:)([^"#]*)(#[^"]*)?"')


@dataclass
class Slide:
    """What is projected, as HTML, and what the instructor reads, as Markdown."""

    title: str
    section: str = ""
    shown: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kind: str = ""


def write_decks(
    site: Path, extensions: Sequence[str], configs: Mapping[str, Any], built: Container[tuple[str, str]]
) -> None:
    """Write the decks of the lessons that were built, each in its language.

    Args:
        extensions, configs: those of Markdown that the pages of the site are made with.
        built: the language and the path of each page that this build has made.
    """
    styles = sorted(file.name for file in (site / "assets" / "stylesheets").glob("*.css"))
    for lang, prefix in (("en", ""), ("ko", "ko/")):
        for number in chapters_with_slides(lang):
            if (lang, f"chapters/{number}.md") not in built:
                continue
            target = site / prefix / "slides" / f"{number}.html"
            target.parent.mkdir(parents=True, exist_ok=True)
            made = markdown.Markdown(
                extensions=[name for name in extensions if name != "toc"], extension_configs=dict(configs)
            )
            html = deck(number, lang, made, styles)
            target.write_text(html, encoding="utf-8", newline="\n")


def deck(number: str, lang: str, made: markdown.Markdown, styles: Sequence[str]) -> str:
    """Return the deck of a chapter as a page of HTML."""
    found = read_slides(f"chapters/{number}.md", lang, made)
    sections = [
        _SLIDE.format(
            kind=slide.kind, at=at, all=len(found), section=escape(slide.section), title=slide.title,
            shown="\n".join(slide.shown), notes=_html(made, "\n\n".join(slide.notes), number),
            label=WORDS["notes"][lang],
        )
        for at, slide in enumerate(found, 1)
    ]  # fmt: skip
    up = "../" if lang == "en" else "../../"
    sheets = [f"{up}assets/stylesheets/{name}" for name in styles]
    sheets += [f"{up}assets/extra.css", f"{up}assets/slides.css"]
    links = "\n".join(f'<link rel="stylesheet" href="{sheet}">' for sheet in sheets)
    return _DECK.format(
        lang=lang, title=escape(re.sub("<[^>]*>", "", found[0].title)), links=links, up=up, number=number,
        keys=WORDS["keys"][lang], lesson=WORDS["lesson"][lang], slides="\n".join(sections),
    )  # fmt: skip


def read_slides(path: str, lang: str, made: markdown.Markdown) -> list[Slide]:
    """Return the slides of a lesson in their order; prose goes to the notes of what it stands before."""
    page, blocks = read_blocks(path, lang)
    number = Path(path).stem
    title = re.sub(r"^# (\d+\. )?|\s*\{.*\}$", "", blocks[0].text)
    found = [Slide(_inline(made, title, number), str(int(number)), kind="first")]
    found[0].notes = [_undent(block.text) for block in _section(blocks, "#instructors")[1:]]
    section = heading = part = ""
    waiting: list[str] = []  # prose since the last thing that is shown
    for block in blocks[1:]:
        if above := _HEADING.fullmatch(block.text):
            found[-1].notes += waiting
            waiting = []
            heading = above[2]
            if len(above[1]) == 2:
                section, part = above[2], str(above[3])
        elif block.kind.startswith("directive stage"):
            page = replace(page, stage=block.kind.removeprefix("directive stage "))
        elif not part:
            found[0].shown.append(_html(made, block.text, number))
        elif part == "#instructors":
            continue
        elif question := re.match(r'\?\?\? question "(.*)"', block.text):
            found[-1].notes += waiting
            found.append(Slide(_inline(made, question[1], number), _plain(section), kind="question"))
            waiting = [_undent(block.text.partition("\n")[2])]
        elif block.kind.startswith(SHOWN) or block.kind.startswith(PROJECTED.get(part, "fence")):
            shown = list(_show(page, block, made, number))
            if waiting and len(waiting[-1]) <= LEAD[lang] and "\n" not in waiting[-1]:
                shown[:1] = [
                    f'<div class="lead">{_html(made, waiting[-1], number)}</div>{one}' for one in shown[:1]
                ]
            for at, one in enumerate(shown):
                more = f" <small>{WORDS['more'][lang]}</small>" if at else ""
                above_it = _plain(section) if heading != section else ""
                found.append(Slide(_inline(made, heading, number) + more, above_it, [one], [*waiting]))
            waiting = []
        else:
            waiting.append(_undent(block.text))
    found[-1].notes += waiting
    return found


def _show(page: Page, block: Block, made: markdown.Markdown, number: str) -> Iterator[str]:
    """Yield what a block looks like, in as many parts as it needs."""
    piece = replace(next(iter(take_apart(block.text, page))), indent="")
    if piece.name == "console":
        yield _html(made, "\n".join(["```console", *piece.body, "```"]), number)
    elif piece.name == "http":
        yield _html(made, _exchange(page, piece), number)
    elif piece.name == "diff" and "/" not in piece.argument:
        yield from _changed_files(page, piece)
    elif block.kind.startswith("table"):
        yield from (_html(made, rows, number) for rows in _rows(block.text))
    elif piece.name not in ("slides", "lab"):  # the doors to both stand in the lesson
        expanded = expand_part(f"<!-- stage: {page.stage} -->\n{_undent(block.text)}", page)
        yield from (_html(made, text, number) for text in _parts(expanded.strip()))


def _exchange(page: Page, piece: Piece) -> str:
    """Return a request and its answer, without the tabs that a reader copies from."""
    exchange = fences.read_http(page, piece)
    return "\n".join(
        [
            "```http",
            *fences.as_http(exchange),
            "```",
            "",
            "```{ .http .answer }",
            *exchange.recorded,
            "```",
        ]
    )


def _changed_files(page: Page, piece: Piece) -> Iterator[str]:
    """Yield which files a stage changes, as many as fit a slide; the lines are in the lesson."""
    words, _ = piece.options()
    found = changes.find_changes(find_stage(words[0]), find_stage(words[1]))
    rows = []
    for change in found:
        plus, minus = change.counts
        badge = f'<span class="badge {change.kind}">{changes.WORDS[change.kind][page.lang]}</span>'
        numbers = f'<span class="plus">+{plus}</span> <span class="minus">−{minus}</span>'
        rows.append(f"<tr><td><code>{escape(change.path)}</code></td><td>{badge}</td><td>{numbers}</td></tr>")
    for at in range(0, len(rows), FILES):
        yield f'<table class="changed"><tbody>{"".join(rows[at : at + FILES])}</tbody></table>'


def _parts(text: str) -> Iterator[str]:
    """Yield a listing in parts that fit a slide, cut at an empty line where there is one."""
    lines = text.split("\n")
    head = _LISTING.fullmatch(lines[0])
    if not head or len(lines) - 2 <= LINES:
        yield text
        return
    body, first = lines[1:-1], int(head["first"])
    marked = {int(number) for number in (head["hl"] or "").split()}
    start = 0
    while start < len(body):
        left = len(body) - start
        even = -(-left // -(-left // LINES))  # lines of a part, if all that are left were as long
        end = start + even
        if even < left:
            gaps = [at for at in range(start + even // 2, start + LINES) if not body[at].strip()]
            end = min(gaps, key=lambda at: abs(at - start - even), default=end)
        hits = " ".join(str(number - start) for number in sorted(marked) if start < number <= end)
        hl = f' hl_lines="{hits}"' if hits else ""
        title = f'{head["head"]} title="{head["title"]}" linenums="{first + start}"{hl}'
        yield "\n".join([title, *body[start:end], lines[-1]])
        start = end
        while start < len(body) and not body[start].strip():
            start += 1


def _rows(table: str) -> list[str]:
    """Return a table in parts of about the same length that fit a slide."""
    head, rows = table.split("\n")[:2], table.split("\n")[2:]
    even = -(-len(rows) // -(-len(rows) // ROWS))
    return ["\n".join([*head, *rows[at : at + even]]) for at in range(0, len(rows), even)]


def _section(blocks: Sequence[Block], name: str) -> list[Block]:
    """Return the blocks of the section with this id, its heading first."""
    starts = [at for at, block in enumerate(blocks) if block.kind.startswith("heading 2")]
    for at, end in zip(starts, [*starts[1:], len(blocks)], strict=True):
        if f"{{{name}}}" in blocks[at].text:
            return [block for block in blocks[at:end] if not block.kind.startswith("directive")]
    return []


def _undent(text: str) -> str:
    """Return the inside of a box as text of its own."""
    lines = [line for line in text.split("\n") if not line.startswith("??? ")]
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:] for line in lines)


def _plain(text: str) -> str:
    return re.sub(r"[`*]", "", text)


def _inline(made: markdown.Markdown, text: str, number: str) -> str:
    return _html(made, text, number).removeprefix("<p>").removesuffix("</p>")


def _html(made: markdown.Markdown, text: str, number: str) -> str:
    """Return Markdown as HTML, with links that hold beside the folder of the chapters."""

    def mend(link: re.Match[str]) -> str:
        path = link[1].replace(".md", ".html") or f"{number}.html"
        return f'href="{path if path.startswith("../") else f"../chapters/{path}"}{link[2] or ""}"'

    return _LINK.sub(mend, made.reset().convert(text))


_SLIDE = """\
<article class="page {kind}" id="{at}">
<section class="slide md-typeset"><header>{section}</header><h2>{title}</h2>
<div class="shown">
{shown}
</div>
<footer>{at} / {all}</footer></section>
<aside class="notes md-typeset"><h3>{label}</h3>
{notes}</aside>
</article>"""

_DECK = """\
<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title} · Effective Flask</title>
{links}
</head>
<body class="deck" dir="ltr" data-md-color-scheme="default" data-md-color-primary="custom">
<main>
{slides}
</main>
<p class="keys">{keys} · <a href="../chapters/{number}.html">{lesson}</a></p>
<script src="{up}assets/slides.js"></script>
</body>
</html>
"""
