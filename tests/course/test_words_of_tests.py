"""What the shared tests say is told in both languages, never in the words of Python or the code of a test."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from course import messages
from course.judging.explain import SAID, explain, pattern_of, said
from course.judging.protocol import Finding
from course.judging.results import Result
from course.lessons.behaviours import behaviours_of
from course.messages import LANGUAGES
from course.paths import ROOT

TESTS = sorted((ROOT / "tests").glob("test_0*.py"))
#: What a test says may be what a program has written, or a value: that is no sentence of ours.
WORDS = re.compile(r"[a-z]{2,} [a-z]{2,}")


@pytest.fixture(autouse=True)
def korean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "_chosen", ["ko"])


def template(node: ast.expr) -> str:
    """Return the text of a constant or an f-string, with ``x`` for each value in it."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def words_in(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the texts of assertions and of `require`, each with its line."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        text: ast.expr | None = None
        if isinstance(node, ast.Assert):
            text = node.msg
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("require", "AssertionError"):
            text = node.args[-1]
        if isinstance(text, ast.Name):
            text = constants.get(text.id)
        if text is not None:
            yield text.lineno, template(text)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_what_a_test_says_is_told_in_korean_too(file: Path) -> None:
    untold = [(line, text) for line, text in words_in(file) if WORDS.search(text) and said(text) == text]

    assert untold == [], f"{SAID.name} lacks these"


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.stem)
def test_an_assertion_is_a_comparison_or_says_what_it_expects(file: Path) -> None:
    """Otherwise a learner would read the code of the test."""
    silent = [
        (node.lineno, ast.unparse(node.test))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert) and node.msg is None and not isinstance(node.test, ast.Compare)
    ]

    assert silent == []


def test_what_is_filled_in_is_told_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {}
    for lang in LANGUAGES:
        monkeypatch.setattr(messages, "_chosen", [lang])
        told[lang] = said("expected 10 attempts a minute to be allowed, but 12 were")

    assert told == {
        "en": "expected 10 attempts a minute to be allowed, but 12 were",
        "ko": "1분에 10번까지 허용해야 하는데 12번 허용했습니다",
    }
    assert said("something that no test says") == "something that no test says"
    assert pattern_of("{a} (b)").fullmatch("x\ny (b)")


@pytest.mark.parametrize(
    ("finding", "told"),
    [
        (Finding(raised="KeyError: 'items'", ours=True, lacks=("key", "items")), "응답에 `items`"),
        (Finding(raised="StopIteration", ours=True, lacks=("shape", "")), "형식이 예상과 달라서"),
        (Finding(expected="201 or 202", received="200 text/html"), "201 또는 202"),
    ],
)
def test_python_is_not_quoted_for_the_code_of_a_test(finding: Finding, told: str, tmp_path: Path) -> None:
    parts = explain(Result(behaviours_of(0)[0], "failed", finding), tmp_path)

    assert any(text.startswith(told) for _, text in parts)
    assert "Error" not in str(parts) and "Iteration" not in str(parts)
