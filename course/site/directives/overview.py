"""`pages` and `minutes`: what the site has, and how long each chapter takes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html import escape
from typing import Any

import yaml  # type: ignore[import-untyped]  # mkdocs brings it, without its types

from course.lessons.stages import find_stage
from course.paths import ROOT
from course.site import reading
from course.site.directives.drawings import relative
from course.site.directives.slides import chapters_with_slides
from course.site.page import Page, Piece, say
from course.site.sharing import card_of


def pages(page: Page, piece: Piece) -> str:
    """Return a link to every other page, in the groups of the navigation."""
    items = []
    for group, paths in _groups(page.lang):
        links = "".join(f"<li>{_link(page, path)}</li>" for path in paths if path != page.path)
        items.append(f"<li><b>{escape(group)}</b><ul>{links}</ul></li>")
    return f'<ul class="pages">{"".join(items)}</ul>'


def minutes(page: Page, piece: Piece) -> str:
    """Return a table of the chapters: how long they take, and how much there is to type."""
    from course.site.expand import expand  # which imports this module

    rows = [say("minutes-head", page.lang), "|---|---:|---:|---:|"]
    for number in chapters_with_slides(page.lang):
        lesson = Page(f"chapters/{number}.md", page.lang)
        text = expand(lesson.file.read_text(encoding="utf-8"), lesson)
        read = reading.amount_of(text).minutes(page.lang)
        lines = reading.lines_to_type(number)
        title = escape(find_stage(number).title[page.lang])
        link = f"[{int(number)}. {title}]({relative(page, lesson.path)})"
        rows.append(f"| {link} | {read} | {reading.minutes_to_type(read, lines)} | {lines} |")
    return "\n".join(rows)


def _link(page: Page, path: str) -> str:
    card = card_of(path, page.lang)
    number = f"{card.number}. " if card.number else ""
    url = relative(page, path).removesuffix(".md") + ".html"
    return f'<a href="{url}">{number}{escape(card.title)}</a>'


@cache
def _settings() -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    return settings


def _groups(lang: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the groups of the navigation in their order: the name in a language, and the pages."""
    plugins = (plugin for plugin in _settings()["plugins"] if isinstance(plugin, dict))
    languages = next(plugin["i18n"] for plugin in plugins if "i18n" in plugin)["languages"]
    names = next(one for one in languages if one["locale"] == lang).get("nav_translations", {})
    for group in _settings()["nav"]:
        for name, paths in group.items():
            yield names.get(name, name), paths
