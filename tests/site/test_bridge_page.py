"""The page that leads from chapter 7 to final: what it names is there, and it is read in one sitting."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from course.lessons.solutions import all_solutions
from course.lessons.stages import find_stage
from course.paths import ROOT
from course.site.expand import expand
from course.site.page import DOCS, LANGUAGES, Page
from course.site.reading import amount_of

CHAPTER, FINAL = find_stage("07").path, ROOT / "final"
LONGEST = 25  # minutes


def rows(lang: str) -> list[list[str]]:
    """Return the tables of the page whose first column is chapter 7: the paths in each cell of each row."""
    text = (DOCS / lang / "bridge.md").read_text(encoding="utf-8")
    tables = re.findall(r"^\| (?:in chapter 7|7장) \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)
    lines = [line for table in tables for line in table.splitlines()]
    return [
        [" ".join(re.findall(r"`(app/[\w/.]+)`", cell)) for cell in line.split("|")[1:-1]] for line in lines
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_is_read_in_one_sitting(lang: str) -> None:
    page = Page("bridge.md", lang)
    assert amount_of(expand(page.file.read_text(encoding="utf-8"), page)).minutes(lang) <= LONGEST


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_file_in_its_tables_is_there(lang: str) -> None:
    """The first column names files of chapter 7, the others those of `final` or of the first step's patch."""
    found = rows(lang)
    patch = next(one.patch for one in all_solutions() if one.name == "rooms")
    after = {FINAL / path for path in re.findall(r"^diff -u \S+ (\S+)$", patch, re.M)}

    assert len(found) > 20
    for first, *others in found:
        missing = [path for path in first.split() if not (CHAPTER / path).exists()]
        for path in " ".join(others).split():
            if not ((FINAL / path).exists() or any(one.is_relative_to(FINAL / path) for one in after)):
                missing.append(path)
        assert missing == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_test_that_it_runs_is_there(lang: str) -> None:
    """Each step from the second on names its tests."""
    text = (DOCS / lang / "bridge.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ python3 -m course test (.+)$", text, re.M)

    assert len(commands) == len(re.findall(r"^## (?:Step \d|\d단계): ", text, re.M)) - 1
    assert [file for line in commands for file in line.split() if not (ROOT / file).is_file()] == []


@pytest.mark.parametrize(
    ("folder", "forbidden"), [("services", "flask.request"), ("models", "services"), ("services", "api")]
)
def test_imports_go_one_way(folder: str, forbidden: str) -> None:
    """In `final`: no service reads the request or knows a view, and no model knows a service."""
    for file in sorted((FINAL / "app" / folder).glob("*.py")):
        assert forbidden not in imported_by(file), file.name


def imported_by(file: Path) -> set[str]:
    """Return what a module imports, without the dots in front: modules, their parts, and names of them."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names |= {module.split(".")[0], *(f"{module}.{name.name}".strip(".") for name in node.names)}
    return names
