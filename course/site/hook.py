"""The hook that mkdocs.yml names: hands each page to `expand`. The only module that knows mkdocs."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:  # `mkdocs build` does not put it there; `python -m mkdocs` does
    sys.path.insert(0, str(ROOT))

from mkdocs.exceptions import PluginError  # noqa: E402
from mkdocs.plugins import event_priority  # noqa: E402
from mkdocs.utils import meta  # noqa: E402

from course.site.expand import expand  # noqa: E402
from course.site.incremental import complete_index, fingerprint, made_from, mark, read_index  # noqa: E402
from course.site.lab import Lab, build_lab, open_doors, write_lab  # noqa: E402
from course.site.lab.bundle import NoLab  # noqa: E402
from course.site.page import Page, PageError  # noqa: E402
from course.site.policy import write_policy  # noqa: E402
from course.site.sharing import card_of, head, write_files, write_missing  # noqa: E402
from course.site.slides import write_deck  # noqa: E402

_ANSWER = re.compile(r'<div class="[^"]*\banswer\b.*?</div>', re.DOTALL)
_NOT_FOUND_BY_WORDS = re.compile(r'(<div class="(?:tabbed-set |[^"]*\banswer\b)[^"]*")')
_TEST = re.compile(r'<code class="test">[^<]*</code>')
_NAMES = re.compile(r"(?<!</span>)<code>[^<]*</code>")
_OPTION = re.compile(r"(?<![\w-])--?[a-zA-Z][\w-]*")
#: What the theme and mkdocs.yml write into Korean pages, and what it should be.
_KOREAN = {
    'title="Link to this section"': 'title="이 부분으로 가는 링크"',
    "맨위로": "맨 위로",
    '"언어설정"': '"언어 선택"',
    '"네비게이션"': '"내비게이션"',
    '"상단/헤더"': '"머리말"',
    '"하단/푸터"': '"꼬리말"',
}
_COMMA = re.compile(r'(<span class="p">[^<]*,</span>)')
_ALTERNATE = re.compile(r'\s*<link rel="alternate" href="[^"]*" hreflang="[^"]*">')
_CHAPTER = re.compile(r"chapters/0*(\d+)\.md$")


@dataclass
class _Build:
    """What is known of this build."""

    dirty: bool = False  # only what says something new
    index: list[dict[str, Any]] = field(default_factory=list)  # of the search, before a dirty build
    expanded: dict[str, str] = field(default_factory=dict)  # every page of the language at hand
    made_from: dict[str, str] = field(default_factory=dict)
    built: set[tuple[str, str]] = field(default_factory=set)  # language and path


_build = _Build()
_lab: Lab | None = None  # of this build; none where it cannot be had


def on_startup(dirty: bool, **_: Any) -> None:
    """Learn whether mkdocs was called with `--dirty`."""
    _build.dirty = dirty


def on_pre_build(config: Any, **_: Any) -> None:
    """Build the lab, once: the plugin of languages builds again inside of the build."""
    global _lab
    if config.plugins["i18n"].building:
        return
    if _build.dirty:
        _build.index = read_index(Path(config.site_dir))
    try:
        _lab = build_lab()
    except NoLab as error:
        _lab = None
        logging.getLogger("mkdocs.hooks").info("The site is built without the lab: %s.", error)


def on_nav(nav: Any, config: Any, files: Any, **_: Any) -> Any:
    """Expand what every page includes; a dirty build then leaves alone what says the same as it did."""
    pages = {file.src_uri: file for file in files.documentation_pages()}
    try:
        cards = {uri: card_of(*_place(file)) for uri, file in pages.items()}
        _build.expanded = {uri: _expand(file) for uri, file in pages.items()}
    except PageError as error:
        raise PluginError(str(error)) from None
    titles = {uri: str(_front(file).get("title", cards[uri].title)) for uri, file in pages.items()}
    for uri, file in pages.items():
        made = fingerprint(*titles.values(), head(cards[uri], config.site_url), _build.expanded[uri])
        _build.made_from[uri] = made
        if _build.dirty and made == made_from(Path(file.abs_dest_path)):
            file.is_modified = lambda: False
            file.page.title = titles[uri]  # mkdocs will not read it
        else:
            file.is_modified = lambda: True
            _build.built.add((cards[uri].lang, cards[uri].path))
    return nav


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the page with what it includes, and let it say in its head what it is about."""
    path, lang = _place(page.file)
    page.meta["description"] = escape(card_of(path, lang).description)  # the theme does not
    return _build.expanded[page.file.src_uri]


def _place(file: Any) -> tuple[str, str]:
    """Return the path of a page's file, which is the same in both languages, and its language."""
    lang, _, path = file.src_uri.partition("/")
    return path, lang


def _front(file: Any) -> dict[str, Any]:
    """Return what a page says above its text."""
    return dict(meta.get_data(file.content_string)[1])


def _expand(file: Any) -> str:
    markdown, _ = meta.get_data(file.content_string)
    # Blank lines for the front matter that is taken off, so that an error names the true line.
    missing = file.content_string.count("\n") - markdown.count("\n")
    return expand("\n" * missing + markdown, Page(*_place(file)))


def on_page_content(html: str, **_: Any) -> str:
    """Keep what a page says three times, a request for three programs, and its answer out of the search."""
    return _NOT_FOUND_BY_WORDS.sub(r"\1 data-search-exclude", html)


def on_env(env: Any, files: Any, **_: Any) -> Any:
    """Number the chapters in the navigation and in the title of the window."""
    for file in files.documentation_pages():
        chapter = _CHAPTER.search(file.src_uri)
        if chapter and file.page and not str(file.page.title).startswith(f"{chapter[1]}. "):
            file.page.title = f"{chapter[1]}. {file.page.title}"
    return env


def on_post_page(output: str, page: Any, config: Any, **_: Any) -> str:
    """Mend what the theme writes.

    Its script would ask every link to the other language for a sitemap that this lacks, and the switch of
    languages does not need them. Its search has no name for those who listen to the page, and its links to
    sections have one in English alone. What is one long word may break: the JSON of an answer after its
    commas, the name of a test after its underscores. And `--option` may not, after its hyphens.
    """
    path, lang = _place(page.file)
    in_head = head(card_of(path, lang), config.site_url) + mark(_build.made_from[page.file.src_uri])
    output = _ALTERNATE.sub("", output).replace("</head>", f"{in_head}</head>", 1)
    name = "검색" if lang == "ko" else "Search"
    output = output.replace('role="dialog">', f'role="dialog" aria-label="{name}">', 1)
    if lang == "ko":
        for written, meant in _KOREAN.items():
            output = output.replace(written, meant)
    output = open_doors(output, page.file.dest_uri, _lab)
    output = _NAMES.sub(lambda name: _OPTION.sub(r'<span class="whole">\g<0></span>', name[0]), output)
    output = _TEST.sub(lambda name: name[0].replace("_", "_<wbr>"), output)
    output = _ANSWER.sub(lambda answer: _COMMA.sub(r"\1<wbr>", answer[0]), output)
    if _CHAPTER.search(page.file.src_uri):
        write_deck(Path(config.site_dir), page.file.dest_uri, lang, page.title, output)
    return output


@event_priority(-200)
def on_post_build(config: Any, **_: Any) -> None:
    """Add what is made once, after the plugin of languages has built the others inside of the build."""
    if config.plugins["i18n"].building:
        return
    site = Path(config.site_dir)
    write_files(site, config.site_url, list(_paths(config.nav)))
    write_missing(site, config.site_url)
    if _lab is not None:
        write_lab(_lab, site)
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
