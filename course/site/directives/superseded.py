"""`superseded`: what a later stage deliberately does differently, read from the marks on the tests."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from course.lessons.behaviours import Behaviour, behaviours_of
from course.paths import ROOT
from course.site.page import DOCS, Page, Piece, say

TESTS = ROOT / "tests"


class Mark(NamedTuple):
    """One `@superseded`: why a behaviour ends, the test of the new one, and the behaviour."""

    reason: str
    by: str
    behaviour: Behaviour


def superseded(page: Page, piece: Piece) -> str:
    """Return a section for each reason, with the behaviours that end and the test that replaces them."""
    korean = tomllib.loads((DOCS / "superseded.toml").read_text(encoding="utf-8"))
    marks = sorted(read_marks(), key=lambda mark: (mark.reason, mark.by))
    reasons = {mark.reason for mark in marks}
    for text in sorted(reasons ^ set(korean)):
        advice = "translate it" if text in reasons else "no test has that reason any more, delete it"
        raise page.error(piece.line, f"docs/superseded.toml and the tests differ in {text!r}: {advice}")
    lines = []
    for (reason, by), group in groupby(marks, key=lambda mark: (mark.reason, mark.by)):
        text = reason if page.lang == "en" else korean[reason]
        lines += [f"**{text[0].upper()}{text[1:]}.**", "", say("ends", page.lang), ""]
        for behaviour in sorted((mark.behaviour for mark in group), key=lambda behaviour: behaviour.number):
            lines.append(f"- {_chapter(behaviour.number, page.lang)}: {behaviour.sentence_in(page.lang)}")
        lines += ["", f"{say('holds-instead', page.lang)} `tests/{by}`{{.test}}", ""]
    return "\n".join(lines)


@cache  # both languages ask for them
def read_marks() -> tuple[Mark, ...]:
    """Return every mark of the shared suite."""
    return tuple(mark for file in sorted(TESTS.glob("test_0*.py")) for mark in _marks_of(file))


def _marks_of(file: Path) -> Iterator[Mark]:
    module = ast.parse(file.read_text(encoding="utf-8"))
    behaviours = {behaviour.function: behaviour for behaviour in behaviours_of(int(file.name[5:7]))}
    constants = {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    def text(node: ast.expr) -> str:
        return str(ast.literal_eval(constants[node.id] if isinstance(node, ast.Name) else node))

    for test in module.body:
        if not isinstance(test, ast.FunctionDef):
            continue
        for call in test.decorator_list:
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "superseded":
                by = next(text(keyword.value) for keyword in call.keywords if keyword.arg == "by")
                yield Mark(text(call.args[1]), by, behaviours[test.name])


def _chapter(number: int, lang: str) -> str:
    return say("chapter", lang, number) if number else say("start", lang)
