"""`step`: what a learner types in one step of a lesson, file by file, and what a check says then."""

from __future__ import annotations

from html import escape

from course.lessons.behaviours import all_behaviours
from course.lessons.stages import Stage, find_stage
from course.lessons.steps import checked_after, files_of_step, find_step, notes_of_step, state_after
from course.site.directives.changes import Change, counts, kind_badge, lines_of, make_change
from course.site.directives.listings import lexer_of, listing
from course.site.page import Page, Piece, say, split_page

LONG = 20  # lines from which a file is folded


def step(page: Page, piece: Piece) -> str:
    """Return the files of a step, or of `3 app/v1.py` that one.

    `3` alone shows all files of step 3 that the page does not show elsewhere, and what a check says after the
    step. Long files are folded; `3 folded` folds the short ones too.
    """
    words, _ = piece.options()
    folded = words[1:] == ["folded"]
    words = words[:1] if folded else words
    chapter = find_stage(page.path.removeprefix("chapters/").removesuffix(".md"))
    if len(words) not in (1, 2) or not words[0].isdigit():
        raise page.error(
            piece.line, "step takes a number and perhaps a file: write <!-- step: 3 app/v1.py -->"
        )
    number = find_step(chapter, int(words[0]))
    names = files_of_step(chapter, number)
    if len(words) == 2:
        if words[1] not in names:
            raise page.error(piece.line, f"step {number} does not change {words[1]}: {', '.join(names)}")
        shown = _file(chapter, number, words[1], page.lang, taught=True)
        return "\n\n".join([shown, *_translation(chapter, words[1], page.lang)])
    left = [name for name in names if name not in _shown(page, number)]
    files = [_file(chapter, number, name, page.lang, folded=folded) for name in left]
    return "\n\n".join([*files, _check(chapter, number, page, piece)])


def _shown(page: Page, number: int) -> set[str]:
    """Return the files of a step that its page shows by name."""
    pieces = split_page(page.file.read_text(encoding="utf-8"), page)
    asked = [piece.argument.split() for piece in pieces if piece.name == "step"]
    return {words[1] for words in asked if len(words) == 2 and words[0] == str(number)}


def _file(
    chapter: Stage, number: int, name: str, lang: str, *, folded: bool = False, taught: bool = False
) -> str:
    """Return what to type in one file: all of it if it is new, else what changes.

    Args:
        taught: whether the page asks for this file; then its lines are on the slides too.
    """
    change = change_of(chapter, number, name)
    length = len(change.new) if change.kind == "added" else sum(change.counts)
    opened = not folded and length <= LONG and change.kind != "removed"
    summary = (
        f"<summary><code>{escape(name)}</code> {kind_badge(change.kind, lang)} {counts(change)}</summary>"
    )
    attributes = f'class="file-diff typing" data-step="{number}" data-file="{escape(name)}"'
    attributes += f' data-kind="{change.kind}"' + (" data-taught" if taught else "")
    attributes += " open" if opened else " data-folded"
    if change.kind != "added":
        # One line of HTML, with &#10; for its line breaks: Markdown must not look for lists in it.
        lines = "&#10;".join(lines_of(change, lang))
        code = f'<pre class="diff highlight" tabindex="0"><code>{lines}</code></pre>'
        return f"<details {attributes} data-search-exclude>{summary}{code}</details>"
    text = state_after(chapter, number)[name].rstrip("\n").split("\n")
    return (
        f'<details {attributes} markdown="1">{summary}\n\n{listing(text, lexer_of(name), "")}\n\n</details>'
    )


def _translation(chapter: Stage, name: str, lang: str) -> list[str]:
    """Return the text of `steps/name.ko.md` for a file `name.md`, where there is one."""
    file = (chapter.path / "steps" / name).with_suffix(f".{lang}.md")
    if not file.is_file():
        return []
    text = file.read_text(encoding="utf-8").rstrip("\n").split("\n")
    shown = listing(text, "md", say("translated", lang, name))
    return [f'<div class="translation" markdown="1">\n\n{shown}\n\n</div>']


def change_of(chapter: Stage, number: int, name: str) -> Change:
    """Return what a step does to a file."""
    before, after = state_after(chapter, number - 1).get(name), state_after(chapter, number).get(name)
    kind = "added" if before is None else "removed" if after is None else "changed"
    return make_change(name, kind, before or "", after or "")


def _check(chapter: Stage, number: int, page: Page, piece: Piece) -> str:
    """Return a box with what a check says after a step: how many behaviours pass, and which are new."""
    try:
        checked = checked_after(chapter, number)
    except LookupError:
        command = f"python3 -m course step {chapter.number} --record"
        raise page.error(piece.line, f"nothing was recorded for step {number}: run {command}") from None
    by_test = {behaviour.test: behaviour for behaviour in all_behaviours(chapter)}
    key = "step-check" if checked.green else "step-check-same"
    title = say(key, page.lang, chapter.number, checked.passed, checked.total, len(checked.green))
    rows = [
        f"    - {by_test[test].sentence_in(page.lang)}"
        for test in sorted(checked.green, key=list(by_test).index)
    ]
    if checked.red:
        lost = "; ".join(by_test[test].sentence_in(page.lang) for test in checked.red)
        reason = notes_of_step(chapter, number).get(f"gives-up-{page.lang}", "")
        if not reason:
            raise page.error(
                piece.line, f"step {number} loses what worked: say why in its patch, gives-up-en: ..."
            )
        rows += ["", "    " + say("step-lost", page.lang, reason, lost)]
    return "\n".join([f'{"???" if rows else "!!!"} success "{title}"', *(rows or ["    "])])
