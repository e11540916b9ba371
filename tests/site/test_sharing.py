"""What others see of a page before they open it."""

from __future__ import annotations

import re
import struct
from html import unescape
from pathlib import Path

import pytest
from kit.browser import HOW

from course import messages
from course.setup.browser import find_chromium
from course.site import sharing
from course.site.page import LANGUAGES, PageError, all_pages
from course.site.picture import PICTURE, draw_check

URL = "https://effective-flask.github.io/"
PAGES = [(path, lang) for path in all_pages() for lang in LANGUAGES]


@pytest.mark.parametrize(("path", "lang"), PAGES)
def test_a_page_says_what_it_is_about(built_site: tuple[Path, str], path: str, lang: str) -> None:
    """Its own first sentences, once for search engines and once for messages."""
    card = sharing.card_of(path, lang)
    html = (built_site[0] / card.url).read_text(encoding="utf-8")

    for name in ('name="description"', 'property="og:description"'):
        [description] = re.findall(f'<meta {name} content="([^"]*)">', html)
        assert unescape(description) == card.description
    assert 40 < len(card.description) < 300 and "](" not in card.description
    assert f'<meta property="og:url" content="{URL}{card.url}">' in html


def test_the_picture_in_the_readme_shows_what_check_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Line by line, with the lesson's current place; it fetches no font."""
    monkeypatch.setattr(messages, "_chosen", [])  # and restore the language that drawing chooses
    drawn = PICTURE.read_text(encoding="utf-8")

    assert drawn == draw_check(), "draw it again: python3 -m course.site picture"
    assert "https://" not in re.sub(r"<!--.*?-->|xmlns=\S+", "", drawn)


def test_no_two_pages_say_the_same() -> None:
    descriptions = [sharing.card_of(path, lang).description for path, lang in PAGES]
    assert len(set(descriptions)) == len(descriptions)


def test_machines_find_every_page_and_its_translation(built_site: tuple[Path, str]) -> None:
    """llms.txt lists the pages in the order of the course, sitemap.xml both languages of each."""
    site, _ = built_site
    listed = re.findall(r"^- \[.+\]\((.+?)\): .+", (site / "llms.txt").read_text(encoding="utf-8"), re.M)
    assert sorted(listed) == sorted(URL + sharing.card_of(path, lang).url for path, lang in PAGES)
    assert listed[:3] == [f"{URL}index.html", f"{URL}before.html", f"{URL}chapters/01.html"]
    sitemap = (site / "sitemap.xml").read_text(encoding="utf-8")
    for path, lang in PAGES:
        url = URL + sharing.card_of(path, lang).url
        assert f'<xhtml:link rel="alternate" hreflang="{lang}" href="{url}"/>' in sitemap


def test_a_page_without_a_first_sentence_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Otherwise a message with its address would show nothing."""
    monkeypatch.setattr("course.site.page.DOCS", tmp_path)
    (tmp_path / "en").mkdir()
    for text, sentence in (("text\n", "has no title"), ("# Title\n\n## Part {#part}\n", "has no paragraph")):
        (tmp_path / "en" / "page.md").write_text(text, encoding="utf-8")
        with pytest.raises(PageError, match=sentence):
            sharing.card_of("page.md", "en")


def test_a_first_sentence_may_begin_with_a_link(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("course.site.page.DOCS", tmp_path)
    (tmp_path / "en").mkdir()
    text = "# Title {#title}\n\n[The service](final.md) answers.\n\nAnd so on.\n"
    (tmp_path / "en" / "page.md").write_text(text, encoding="utf-8")
    assert sharing.card_of("page.md", "en").description == "The service answers."


def test_a_card_is_drawn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Once, in the size that messengers need, and its page names it from then on."""
    if find_chromium() is None:
        pytest.skip(HOW)
    monkeypatch.setattr(sharing, "CARDS", tmp_path / "cards")
    monkeypatch.setattr(sharing, "all_pages", lambda: ["chapters/03.md"])
    monkeypatch.setattr(sharing, "LANGUAGES", ("ko",))
    card = sharing.card_of("chapters/03.md", "ko")
    assert "og:image" not in sharing.head(card, URL)

    assert [sharing.draw_cards(), sharing.draw_cards()] == [1, 0]

    picture = card.picture.read_bytes()
    assert picture.startswith(b"\x89PNG") and struct.unpack(">II", picture[16:24]) == sharing.SIZE
    assert f'content="{URL}cards/{card.picture.name}"' in sharing.head(card, URL)
