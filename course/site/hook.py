"""The hook that mkdocs.yml names: hands each page to `expand`. The only module that knows mkdocs."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # `mkdocs build` does not put it there; `python -m mkdocs` does
    sys.path.insert(0, str(ROOT))

from mkdocs.exceptions import PluginError  # noqa: E402
from mkdocs.plugins import event_priority  # noqa: E402
from mkdocs.utils import meta  # noqa: E402

from course.site import theme  # noqa: E402
from course.site.expand import expand  # noqa: E402
from course.site.incremental import complete_index, fingerprint, made_from, mark, read_index  # noqa: E402
from course.site.lab import Lab, add_openers, build_lab, write_lab  # noqa: E402
from course.site.lab.bundle import NoLab, is_built  # noqa: E402
from course.site.page import Page, PageError  # noqa: E402
from course.site.policy import write_policy  # noqa: E402
from course.site.search import separator  # noqa: E402
from course.site.sharing import Card, card_of, head, write_files, write_missing  # noqa: E402
from course.site.slides import write_deck  # noqa: E402

_CHAPTER = re.compile(r"chapters/0*(\d+)\.md$")


@dataclass
class _Source:
    """A page, read and expanded once, before mkdocs renders it."""

    card: Card
    title: str
    markdown: str
    made_from: str = ""
    listings: list[str] = field(default_factory=list)  # kept aside until the page is finished


@dataclass
class _Build:
    """What is known of this build."""

    dirty: bool = False  # only the pages that changed
    index: list[dict[str, Any]] = field(default_factory=list)  # of the search, before a dirty build
    sources: dict[str, _Source] = field(default_factory=dict)  # the pages of one language
    lab: Lab | Literal["coming"] | None = None  # None if it cannot be built


_build = _Build()


def on_startup(dirty: bool, **_: Any) -> None:
    """Learn whether mkdocs was called with `--dirty`."""
    _build.dirty = dirty


def on_config(config: Any, **_: Any) -> Any:
    """Let the search cut the terms of two words as the rest of Korean."""
    search = config.plugins["material/search"].config
    search.separator = separator(search.separator)
    return config


def on_pre_build(config: Any, **_: Any) -> None:
    """Build the lab, once: the plugin of languages builds again inside the build."""
    if config.plugins["i18n"].building:
        return
    if _build.dirty:
        _build.index = read_index(Path(config.site_dir))
    log = logging.getLogger("mkdocs.hooks")
    when = os.environ.get("COURSE_LAB", "now")  # `up` builds the pages first, then the lab
    _build.lab = None
    try:
        if when == "later" and not is_built():
            _build.lab = "coming"
            log.info("The lab is still to come.")
        elif when != "none":
            _build.lab = build_lab()
    except NoLab as error:
        log.info("The site is built without the lab: %s.", error)


def on_nav(nav: Any, config: Any, files: Any, **_: Any) -> Any:
    """Expand every page; a dirty build then leaves out those that say what they said before."""
    pages = {file.src_uri: file for file in files.documentation_pages()}
    try:
        _build.sources = {uri: _read(file) for uri, file in pages.items()}
    except PageError as error:
        raise PluginError(str(error)) from None
    titles = [source.title for source in _build.sources.values()]
    for uri, file in pages.items():
        source = _build.sources[uri]
        lab = type(_build.lab).__name__ if "data-lab=" in source.markdown else ""
        source.made_from = fingerprint(*titles, head(source.card, config.site_url), source.markdown, lab)
        same = _build.dirty and source.made_from == made_from(Path(file.abs_dest_path))
        file.is_modified = lambda modified=not same: modified
        if same:
            file.page.title = source.title  # mkdocs will not read it
    return nav


def _read(file: Any) -> _Source:
    markdown, front = meta.get_data(file.content_string)
    # Blank lines replace the front matter, so that an error names the true line.
    missing = file.content_string.count("\n") - markdown.count("\n")
    lang, _, path = file.src_uri.partition("/")
    card = card_of(path, lang)
    return _Source(
        card, str(front.get("title", card.title)), expand("\n" * missing + markdown, Page(path, lang))
    )


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the expanded page, with what it is about in its head."""
    source = _build.sources[page.file.src_uri]
    page.meta["description"] = escape(source.card.description)  # the theme does not
    return theme.keep_diffs(source.markdown, source.listings)


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Prepare what the search reads."""
    return theme.prepare_search(html, _build.sources[page.file.src_uri].listings)


def on_env(env: Any, files: Any, **_: Any) -> Any:
    """Number the chapters in the navigation and in the title of the window."""
    for file in files.documentation_pages():
        chapter = _CHAPTER.search(file.src_uri)
        if chapter and file.page and not str(file.page.title).startswith(f"{chapter[1]}. "):
            file.page.title = f"{chapter[1]}. {file.page.title}"
    return env


def on_post_page(output: str, page: Any, config: Any, **_: Any) -> str:
    """Finish a page, and write the deck of a lesson."""
    source = _build.sources[page.file.src_uri]
    in_head = head(source.card, config.site_url) + mark(source.made_from)
    output = theme.put_back(output, source.listings).replace("</head>", f"{in_head}</head>", 1)
    output = add_openers(theme.correct(output, source.card.lang), page.file.dest_uri, _build.lab)
    if _CHAPTER.search(page.file.src_uri):
        write_deck(Path(config.site_dir), page.file.dest_uri, source.card.lang, page.title, output)
    return output


@event_priority(-200)
def on_post_build(config: Any, **_: Any) -> None:
    """Add what is made once, after the plugin of languages has built the others inside the build."""
    if config.plugins["i18n"].building:
        return
    site = Path(config.site_dir)
    write_files(site, config.site_url, list(_paths(config.nav)))
    write_missing(site, config.site_url)
    if isinstance(_build.lab, Lab):
        write_lab(_build.lab, site)
    if _build.dirty:
        complete_index(site, _build.index)
    write_policy(site)


def _paths(nav: Any) -> Iterator[str]:
    """Yield the pages of the navigation in their order."""
    for entry in nav.values() if isinstance(nav, dict) else nav:
        if isinstance(entry, str):
            yield entry
        else:
            yield from _paths(entry)


def on_serve(server: Any, **_: Any) -> Any:
    """Build again when a stage changes, not only when a page does."""
    for name in ("chapters", "final", "course/site"):
        server.watch(str(ROOT / name))
    return server
