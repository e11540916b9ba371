"""The last page covers everything that was announced, and is as new as what the course installs."""

from __future__ import annotations

import re

import pytest

from course.paths import ROOT
from course.site.page import DOCS, LANGUAGES

NAMED = {
    "the article": (
        "Django",
        "GraphQL",
        "MongoDB",
        "MySQL",
        "Sanic",
        "JoMingyu",
        "libsora",
        "Explore Flask",
        "Snippets Archive",
        "Flask-RESTful",
        "flasgger",
        "Flask-JWT-Extended",
        "Flask-Validation",
        "ujson",
        "Travis CI",
        "Coveralls",
        "Heroku",
    ),
    "the study project": ("Flask-RESTX", "Flask-SQLAlchemy", "gRPC", "Protocol Buffers", "GraphQL", "Redis"),
}
ROW = re.compile(r"^\| \*\*([\w-]+)\*\*[^|]*\|\s*(\d+(?:\.\d+)+)", re.MULTILINE)


def page(lang: str) -> str:
    return (DOCS / lang / "next.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_that_was_named_is_left_out(lang: str) -> None:
    assert [name for names in NAMED.values() for name in names if name not in page(lang)] == []


def test_both_languages_name_the_same_versions() -> None:
    english, korean = (sorted(re.findall(r"\d+\.\d+(?:\.\d+)+", page(lang))) for lang in LANGUAGES)
    assert english == korean


def test_the_page_is_not_older_than_the_lock() -> None:
    """A maintainer who updates one of these has to read its row again."""
    locks = "".join((ROOT / name / "requirements.txt").read_text(encoding="utf-8") for name in ("", "tests"))
    locked: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w-]+)==([\d.]+)", locks, re.MULTILINE):
        locked.setdefault(name.lower(), []).append(version)
    rows = {name: version for name, version in ROW.findall(page("en")) if name.lower() in locked}
    assert set(rows) >= {"Flask-RESTX", "Flask-JWT-Extended", "Flask-SQLAlchemy", "ujson", "Quart"}
    assert {name: version for name, version in rows.items() if version not in locked[name.lower()]} == {}
