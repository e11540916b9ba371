"""`diff`: what a stage changed, drawn from its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, cached_property
from html import escape
from itertools import groupby
from pathlib import PurePosixPath

from pygments.lexers import get_lexer_for_filename
from pygments.token import STANDARD_TYPES, Token, _TokenType
from pygments.util import ClassNotFound

from course.lessons.stages import Stage, find_stage
from course.lessons.steps import texts_of
from course.paths import ROOT
from course.site.page import Page, Piece, say

CONTEXT = 3  # unchanged lines shown around a change

Spans = list[tuple[str, str]]  # a line as (class of its colour, text)


@dataclass(frozen=True)
class Change:
    """What became of one file between two stages."""

    path: str
    kind: str  # added, changed or removed
    old: list[Spans]
    new: list[Spans]

    @property
    def counts(self) -> tuple[int, int]:
        """How many lines were added and how many removed."""
        plus = sum(j2 - j1 for tag, _, _, j1, j2 in self.operations if tag in ("insert", "replace"))
        minus = sum(i2 - i1 for tag, i1, i2, _, _ in self.operations if tag in ("delete", "replace"))
        return plus, minus

    @cached_property
    def operations(self) -> Sequence[tuple[str, int, int, int, int]]:
        """The steps from the old lines to the new, as difflib names them."""
        old, new = ([_text(line) for line in lines] for lines in (self.old, self.new))
        return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def diff(page: Page, piece: Piece) -> str:
    """Return the changes from one stage to another, `01 02`, or those of one file, `01 02 app/v1.py`.

    Two paths from the folder of the course are two files to lay side by side.
    """
    words, _ = piece.options()
    if len(words) == 2 and all("/" in word for word in words):
        return _diff_of_files(page, piece, *words)
    if len(words) not in (2, 3):
        raise page.error(piece.line, "diff takes two stages and perhaps a file: write <!-- diff: 01 02 -->")
    before, after = find_stage(words[0]), find_stage(words[1])
    changes = find_changes(before, after)
    if len(words) == 3:
        changes = tuple(change for change in changes if change.path == words[2])
        if not changes:
            raise page.error(
                piece.line, f"{after.name} does not change {words[2]}: name a file that it changes"
            )
        return _details(changes[0], _label(after), page.lang, opened=True)
    if not changes:
        raise page.error(piece.line, f"{before.name} and {after.name} are the same: name two that differ")
    return "\n".join(
        [_summary(changes, page.lang), *(_details(change, _label(after), page.lang) for change in changes)]
    )


def _diff_of_files(page: Page, piece: Piece, before: str, after: str) -> str:
    texts = []
    for path in (before, after):
        if not (ROOT / path).is_file():
            raise page.error(piece.line, f"there is no file {path}: name two that are there")
        texts.append((ROOT / path).read_text(encoding="utf-8"))
    name = f"{PurePosixPath(before).name} → {PurePosixPath(after).name}"
    change = Change(name, "changed", _coloured(before, texts[0]), _coloured(after, texts[1]))
    return _details(change, "files", page.lang, opened=True)


def find_changes(before: Stage, after: Stage) -> tuple[Change, ...]:
    """Return each file that differs between two stages."""
    old, new = texts_of(before.path), texts_of(after.path)
    return tuple(
        make_change(path, kind, old.get(path, ""), new.get(path, ""))
        for path, kind in find_kinds(before, after).items()
    )


def find_kinds(before: Stage, after: Stage) -> dict[str, str]:
    """Return what became of each file that differs between two stages: added, changed or removed."""
    old, new = texts_of(before.path), texts_of(after.path)
    return {
        path: "added" if path not in old else "removed" if path not in new else "changed"
        for path in sorted(old.keys() | new.keys(), key=folders_first)
        if old.get(path) != new.get(path)
    }


@cache  # both languages show it
def make_change(path: str, kind: str, was: str, now: str) -> Change:
    """Return what became of a file, with both texts coloured."""
    return Change(path, kind, _coloured(path, was), _coloured(path, now))


def folders_first(path: str) -> tuple[bool, list[str]]:
    """Return by what to sort paths as a reader opens them: `app/` first, then the files beside it."""
    return "/" not in path, [part.lower() for part in path.split("/")]


def _label(stage: Stage) -> str:
    return stage.name.split("_")[0]


def _anchor(change: Change, label: str) -> str:
    return f"diff-{label}-" + "".join(c if c.isalnum() else "-" for c in change.path)


def _summary(changes: Sequence[Change], lang: str) -> str:
    """Return one line: how many files and lines, by what became of them."""
    kinds = Counter(change.kind for change in changes)
    badges = [kind_badge(kind, lang, kinds[kind]) for kind in ("added", "changed", "removed") if kinds[kind]]
    plus, minus = (sum(numbers) for numbers in zip(*(change.counts for change in changes), strict=True))
    return f'<p class="changes">{" ".join(badges)} {_counts(plus, minus)}</p>'


def kind_badge(kind: str, lang: str, number: int | None = None) -> str:
    """Return what became of one file, or of a number of files, as a label."""
    words = [say(kind, lang)]
    if number is not None:
        words.insert(0 if lang == "en" else 1, str(number))
    return f'<span class="badge {kind}">{" ".join(words)}</span>'


def counts(change: Change) -> str:
    """Return how many lines a file gained and lost, as labels."""
    return _counts(*change.counts)


def _counts(plus: int, minus: int) -> str:
    return f'<span class="plus">+{plus}</span> <span class="minus">−{minus}</span>'


def _details(change: Change, label: str, lang: str, *, opened: bool = False) -> str:
    badge = kind_badge(change.kind, lang)
    summary = f"<summary><code>{escape(change.path)}</code> {badge} {counts(change)}</summary>"
    # One line of HTML, with &#10; for its line breaks: Markdown must not look for lists in it.
    lines = "&#10;".join(lines_of(change, lang))
    pre = f'<pre class="diff highlight" tabindex="0"><code>{lines}</code></pre>'
    attributes = f'class="file-diff" id="{_anchor(change, label)}"' + (" open" if opened else " data-folded")
    return f"<details {attributes} data-search-exclude>{summary}{pre}</details>"


def lines_of(change: Change, lang: str) -> Iterator[str]:
    """Yield each line of a diff as HTML; where a line was changed, the changed words are marked."""
    operations = change.operations
    for position, (tag, i1, i2, j1, j2) in enumerate(operations):
        if tag == "equal":
            same = [_line("span", line) for line in change.old[i1:i2]]
            above = CONTEXT if position else 0
            below = CONTEXT if position < len(operations) - 1 else 0
            hidden = len(same) - above - below
            if hidden > 1:
                same[above : above + hidden] = [
                    f'<span class="skip">{say("unchanged-lines", lang, hidden)}</span>'
                ]
            yield from same
            continue
        olds, news = change.old[i1:i2], change.new[j1:j2]
        pairs = [_mark_words(old, new) for old, new in zip(olds, news, strict=False)]
        for number, line in enumerate(olds):
            yield _line("del", pairs[number][0] if number < len(pairs) else line)
        for number, line in enumerate(news):
            yield _line("ins", pairs[number][1] if number < len(pairs) else line)


def _mark_words(old: Spans, new: Spans) -> tuple[Spans, Spans]:
    """Return both lines with what differs marked, if they have enough in common for that to help."""
    matcher = SequenceMatcher(None, [text for _, text in old], [text for _, text in new], autojunk=False)
    same = sum(
        len(text) for block in matcher.get_matching_blocks() for _, text in old[block.a :][: block.size]
    )
    if same * 2 < max(len(_text(old)), len(_text(new))):
        return old, new
    marked = ([*old], [*new])
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            for spans, start, end in ((marked[0], i1, i2), (marked[1], j1, j2)):
                spans[start:end] = [(f"{name} word".strip(), text) for name, text in spans[start:end]]
    return marked


def _line(element: str, spans: Spans) -> str:
    inside = ""
    for kind, group in groupby(spans, key=lambda span: span[0]):
        text = escape("".join(text for _, text in group), quote=False)
        inside += f'<span class="{kind}">{text}</span>' if kind else text
    return f"<{element}>{inside}</{element}>"


@cache  # what one chapter adds, the next one changes
def _coloured(path: str, text: str) -> list[Spans]:
    """Return the lines of a file, coloured as the name of the file says."""
    try:
        tokens = list(get_lexer_for_filename(path).get_tokens(text))
    except ClassNotFound:
        tokens = [(Token.Text, text)]
    lines: list[Spans] = [[]]
    for kind, value in tokens:
        for number, part in enumerate(value.split("\n")):
            if number:
                lines.append([])
            if part:
                lines[-1].append((_colour(kind), part))
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _colour(kind: _TokenType) -> str:
    """Return the class that the style sheet colours, nothing for what has the colour of text."""
    while kind not in STANDARD_TYPES and kind.parent:
        kind = kind.parent
    name = str(STANDARD_TYPES.get(kind, ""))
    return "" if name in ("n", "w") else name


def _text(spans: Spans) -> str:
    return "".join(text for _, text in spans)
