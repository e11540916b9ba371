"""The page on the article names every test that shows one of its lines beside the line of today."""

from __future__ import annotations

import ast
import re

import pytest

from course.paths import ROOT
from course.site.page import DOCS, LANGUAGES


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_test_of_the_article_is_on_the_page_and_no_other(lang: str) -> None:
    module = ast.parse((ROOT / "tests" / "course" / "test_article.py").read_text(encoding="utf-8"))
    tests = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    tests = {name for name in tests if name.startswith("test_")}

    page = (DOCS / lang / "article.md").read_text(encoding="utf-8")

    assert tests
    assert set(re.findall(r"`(test_\w+)`", page)) == tests
