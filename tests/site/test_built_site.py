"""The site as it is published: complete in both languages, with working links, usable without a network."""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from course.site.page import all_pages

ROOT = Path(__file__).resolve().parents[2]
#: What a browser fetches by itself, unlike the links that a reader may follow.
FETCHED_BY = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "link": "href"}
OURS = (
    "assets/extra.js",
    "assets/extra.css",
    "assets/search-on-demand.js",
    "assets/vendor/iframe-worker.js",
)


def test_strict_mode_has_nothing_to_say(site: BuiltSite) -> None:
    assert site.log.endswith("exit status 0"), site.log
    assert "WARNING" not in site.log, site.log


def test_every_page_is_there_in_both_languages(site: BuiltSite) -> None:
    pages = {path.replace(".md", ".html") for path in all_pages()}
    assert set(site.pages) - {"404.html"} == pages | {f"ko/{path}" for path in pages}


def test_every_page_says_its_language_and_links_to_the_other(site: BuiltSite) -> None:
    for path, page in site.pages.items():
        if path == "404.html":
            continue
        korean = path.startswith("ko/")
        other = path.removeprefix("ko/") if korean else f"ko/{path}"
        assert page.every("html")[0]["lang"] == ("ko" if korean else "en")
        switch = [a["href"] for a in page.every("a") if a.get("hreflang") == ("en" if korean else "ko")]
        assert [resolve(path, href)[0] for href in switch] == [other], path


def test_tool_tips_and_labels_speak_the_language_of_their_page(site: BuiltSite) -> None:
    """The theme, mkdocs and we ourselves each write some: all are in the page's language."""
    said = {"en": set[str](), "ko": set[str]()}
    for path, page in site.pages.items():
        words = (tag.get(name) for _, tag in page.tags for name in ("title", "aria-label", "placeholder"))
        said["ko" if path.startswith("ko/") else "en"] |= {word for word in words if word}
    korean = {word for word in said["ko"] if re.search("[가-힣]", word)}
    assert said["ko"] - korean == {"Effective Flask"}
    assert said["en"].isdisjoint(korean - {"한국어"})
    assert {"언어 선택", "내비게이션"} < korean  # the theme spells them wrong
    assert "맨 위로" in site.pages["ko/chapters/01.html"].text


def test_nothing_is_fetched_from_elsewhere(site: BuiltSite) -> None:
    for path, page in site.pages.items():
        for tag, attribute in FETCHED_BY.items():
            for element in page.every(tag):
                if element.get("rel") == "canonical":
                    continue  # for search engines, not fetched
                assert not is_foreign(element.get(attribute, "")), f"{path}: {element}"
        styles = "".join(re.findall(r"<style.*?</style>|style=\"[^\"]*\"", page.text, re.DOTALL))
        assert not re.search(r"url\(\s*['\"]?(https?:)?//|@import", styles), path
        assert "fetch(" not in page.text, path
    for file in site.folder.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(https?:)?//|@import", file.read_text(encoding="utf-8")), file
    for name in OURS:
        text = (site.folder / name).read_text(encoding="utf-8")
        assert not re.search(r"https?://", text.replace("http://www.w3.org/", "")), name


def test_the_theme_is_given_no_reason_to_fetch(site: BuiltSite) -> None:
    for path, page in site.pages.items():
        for sign in (
            'class="mermaid"',
            'data-md-component="source"',
            'rel="alternate"',
            "giscus",
            "analytics",
        ):
            assert sign not in page.text, f"{path}: {sign}"


def test_every_link_and_anchor_leads_somewhere(site: BuiltSite) -> None:
    for path, page in site.pages.items():
        if path == "404.html":
            continue  # served at any address, so its links are absolute
        for href in links(page):
            if is_foreign(href) or href.startswith(("mailto:", "data:", "javascript:")):
                continue
            target, anchor = resolve(path, href)
            assert (site.folder / target).is_file(), f"{path}: {href} leads nowhere"
            if anchor and target in site.pages:
                assert anchor in site.pages[target].ids, f"{path}: {href} has no such anchor"


def test_no_id_is_given_twice_on_a_page(site: BuiltSite) -> None:
    for path, page in site.pages.items():
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert sorted(ids) == sorted(set(ids)), path


def test_no_listing_is_empty(site: BuiltSite) -> None:
    for path, page in site.pages.items():
        assert all(listing.strip() for listing in page.listings), path


def test_no_directive_is_left(site: BuiltSite) -> None:
    for path, page in site.pages.items():
        assert not re.search(r"<!-- \w+:|&lt;!-- \w+:|(?<!\$)\{\{|```", page.text), path


def test_every_picture_has_words_for_those_who_do_not_see_it(site: BuiltSite) -> None:
    for path, page in site.pages.items():
        assert all("alt" in image for image in page.every("img")), path
        for svg in (svg for svg in page.every("svg") if svg.get("role") == "img"):
            assert set(svg["aria-labelledby"].split()) <= page.ids, path


def test_the_search_knows_both_languages(site: BuiltSite) -> None:
    index = json.loads((site.folder / "search/search_index.json").read_text(encoding="utf-8"))
    assert index["config"]["lang"] == ["en", "ko"]
    entries = {entry["location"].partition("#")[0]: entry["text"] for entry in index["docs"]}
    for page in set(site.pages) - {"404.html"}:
        assert page in entries, page
        if page.startswith("ko/"):
            texts = "".join(entry["text"] for entry in index["docs"] if entry["location"].startswith(page))
            assert re.search(r"[가-힣]{2}", texts), page
    assert (site.folder / "search/search_index.js").is_file()  # for a site opened from a folder


def is_foreign(url: str) -> bool:
    return bool(urlsplit(url).netloc)


def links(page) -> list[str]:
    found = [element.get(attribute) for tag, attribute in FETCHED_BY.items() for element in page.every(tag)]
    return [href for href in [*found, *(a.get("href") for a in page.every("a"))] if href]


def resolve(path: str, href: str) -> tuple[str, str]:
    """Return the file that ``href`` on the page ``path`` means, and the anchor in it."""
    parts = urlsplit(href)
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), unquote(parts.path)))
    if not parts.path:
        target = path
    elif parts.path.endswith(("/", ".", "..")):
        target = posixpath.join(target, "index.html")
    return target.removeprefix("./"), unquote(parts.fragment)


@dataclass
class Html(HTMLParser):
    """What the tests need to know about a built page."""

    text: str
    ids: set[str] = field(default_factory=set)
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    listings: list[str] = field(default_factory=list)
    _depth: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if "id" in attributes:
            self.ids.add(attributes["id"])
        if tag == "pre":
            self._depth += 1
            self.listings.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.listings[-1] += data

    def every(self, *tags: str) -> list[dict[str, str]]:
        """Return the attributes of every element of these kinds."""
        return [attributes for tag, attributes in self.tags if tag in tags]


@dataclass
class BuiltSite:
    """The folder that mkdocs wrote, and its output."""

    folder: Path
    log: str

    @cached_property
    def pages(self) -> dict[str, Html]:
        """Every page by its path in the folder; the slides are not pages."""
        files = sorted(file for file in self.folder.rglob("*.html") if file.parent.name != "slides")
        return {
            file.relative_to(self.folder).as_posix(): Html(file.read_text(encoding="utf-8")) for file in files
        }


@pytest.fixture(scope="session")
def site(built_site: tuple[Path, str]) -> BuiltSite:
    return BuiltSite(*built_site)


def test_addresses_of_others_are_listed_in_one_file(site: BuiltSite) -> None:
    """So that a maintainer can review them all, and none comes in unseen."""
    lines = (ROOT / "docs/external-links.txt").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if not line.startswith("#")]
    found = {
        element["href"]
        for page in site.pages.values()
        for element in page.every("a")
        if is_foreign(element.get("href", ""))
    }
    assert listed == sorted(found)
