"""`superseded`: what a later stage deliberately does in another way, read from the marks on the tests."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import NamedTuple

from course.paths import ROOT
from course.site.page import DOCS, Page, Piece

TESTS = ROOT / "tests"
WORDS = {
    "start": {"en": "one file", "ko": "파일 하나"},
    "chapter": {"en": "chapter {}", "ko": "{}장"},
    "ends": {"en": "What ends", "ko": "더는 지키지 않는 약속"},
    "instead": {"en": "The test that holds instead", "ko": "대신 확인하는 테스트"},
}


class Mark(NamedTuple):
    """One `@superseded`: the promise that ends, why, and the test that proves the new one."""

    reason: str
    by: str
    chapter: int
    promise: str


def superseded(page: Page, piece: Piece) -> str:
    """Return a part for each reason, with the promises that end for it and the test that holds instead."""
    korean = tomllib.loads((DOCS / "superseded.toml").read_text(encoding="utf-8"))
    marks = sorted(read_marks(), key=lambda mark: (mark.reason, mark.by))
    said = {text for mark in marks for text in (mark.reason, mark.promise)}
    for text in sorted(said ^ set(korean)):
        advice = "translate it" if text in said else "no test says that any more, delete it"
        raise page.error(piece.line, f"docs/superseded.toml and the tests differ in {text!r}: {advice}")
    lines = []
    for (reason, by), group in groupby(marks, key=lambda mark: (mark.reason, mark.by)):
        text = reason if page.lang == "en" else korean[reason]
        lines += [f"**{text[0].upper()}{text[1:]}.**", "", f"{WORDS['ends'][page.lang]}:", ""]
        for mark in sorted(group, key=lambda mark: mark.chapter):
            promise = mark.promise if page.lang == "en" else korean[mark.promise]
            lines.append(f"- {_chapter(mark.chapter, page.lang)}: {promise}")
        lines += ["", f"{WORDS['instead'][page.lang]}: `tests/{by}`{{.test}}", ""]
    return "\n".join(lines)


@cache  # asked for by both languages
def read_marks() -> tuple[Mark, ...]:
    """Return every mark of the shared suite."""
    return tuple(mark for file in sorted(TESTS.glob("test_0*.py")) for mark in _marks_of(file.name))


def _marks_of(name: str) -> Iterator[Mark]:
    module = ast.parse((TESTS / name).read_text(encoding="utf-8"))
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
                yield Mark(
                    text(call.args[1]), by, int(name[5:7]), (ast.get_docstring(test) or "").split("\n")[0]
                )


def _chapter(number: int, lang: str) -> str:
    return WORDS["chapter"][lang].format(number) if number else WORDS["start"][lang]
