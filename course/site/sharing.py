"""What others see of a page before they open it: its description, its card in a message, and llms.txt.

And the page that they see for a wrong address.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from course.paths import ROOT
from course.setup.browser import find_chromium
from course.site.page import DOCS, LANGUAGES, PageError, all_pages, read_page, say

CARDS = ROOT / ".course" / "cards"
SIZE = (1200, 630)  # pixels: what messengers and networks cut least from
LONGEST = 220  # characters of a description

_TITLE = re.compile(r"(?m)^# (?:(\d+)\. )?(.+?)\s*(?:\{.*\})?$")
_MARKUP = re.compile(r"\[([^\]]+)\]\([^)]*\)(?:\{[^}]*\})?|[*`]")


@dataclass(frozen=True)
class Card:
    """What a page is about."""

    path: str  # chapters/01.md
    lang: str
    number: str  # of its chapter, or nothing
    title: str
    description: str

    @property
    def url(self) -> str:
        """Its address below that of the site."""
        return ("" if self.lang == "en" else f"{self.lang}/") + self.path.replace(".md", ".html")

    @property
    def html(self) -> str:
        """The page that is photographed."""
        return Template((DOCS / "figures/card.html").read_text(encoding="utf-8")).substitute(
            lang=self.lang,
            logo=(DOCS / "assets/logo.svg").read_text(encoding="utf-8"),
            number=f"<b>{self.number}</b> " if self.number else "",
            title=escape(self.title),
            description=escape(self.description),
        )

    @property
    def picture(self) -> Path:
        """Where its picture is kept once it is drawn: another text has another name."""
        return CARDS / f"{hashlib.sha256(self.html.encode()).hexdigest()[:16]}.png"


def card_of(path: str, lang: str) -> Card:
    """Return what a page is about: its title, and as many sentences of its first paragraph as fit.

    Raises:
        PageError: it has no title, or no paragraph below it.
    """
    page, pieces = read_page(path, lang)
    text = "\n".join("\n".join(piece.lines) if piece.kind == "text" else "" for piece in pieces)
    title = _TITLE.search(text)
    if not title:
        raise page.error(1, "this page has no title: write # and a title")
    paragraphs = (" ".join(part.split()) for part in text[title.end() :].split("\n\n"))
    first = next((part for part in paragraphs if part and not part.startswith(("#", "<"))), "")
    if not first:
        raise page.error(1, "this page has no paragraph below its title: say what it is about")
    return Card(path, lang, title[1] or "", _plain(title[2]), _shorten(_plain(first)))


def head(card: Card, site_url: str) -> str:
    """Return what goes into the head of the page: the properties of Open Graph (https://ogp.me)."""
    properties = {
        "og:type": "article",
        "og:site_name": "Effective Flask",
        "og:locale": {"en": "en_US", "ko": "ko_KR"}[card.lang],
        "og:title": card.title,
        "og:description": card.description,
        "og:url": site_url + card.url,
    }
    if card.picture.is_file():
        properties |= {"og:image": f"{site_url}cards/{card.picture.name}"}
        properties |= {"og:image:width": str(SIZE[0]), "og:image:height": str(SIZE[1])}
    tags = [f'<meta property="{name}" content="{escape(value)}">' for name, value in properties.items()]
    if "og:image" in properties:
        tags.append('<meta name="twitter:card" content="summary_large_image">')
    return "".join(tags)


def write_files(site: Path, site_url: str, pages: list[str]) -> None:
    """Write llms.txt (https://llmstxt.org), with ``pages`` in that order, and the cards that are drawn."""
    cards = {lang: [card_of(path, lang) for path in pages] for lang in LANGUAGES}
    lines = ["# Effective Flask", "", f"> {say('summary', 'en')}", "", f"> {say('summary', 'ko')}"]
    for lang, name in (("en", "English"), ("ko", "한국어")):
        lines += ["", f"## {name}", ""]
        lines += [f"- [{card.title}]({site_url}{card.url}): {card.description}" for card in cards[lang]]
    (site / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for card in (*cards["en"], *cards["ko"]):
        if card.picture.is_file():
            (site / "cards").mkdir(exist_ok=True)
            (site / "cards" / card.picture.name).write_bytes(card.picture.read_bytes())


def write_missing(site: Path, site_url: str) -> None:
    """Write the page for a wrong address: the theme makes one only, in one language."""
    template = Template((DOCS / "figures/missing.html").read_text(encoding="utf-8"))
    (site / "404.html").write_text(template.substitute(root=urlsplit(site_url).path), encoding="utf-8")


def draw_cards() -> int:
    """Draw the cards that are missing, by this machine's Chromium; return how many.

    Raises:
        PageError: there is no Chromium, or it drew nothing.
    """
    chromium = find_chromium()
    if chromium is None:
        raise PageError("cards are drawn by a Chromium, and there is none: install one, or set CHROMIUM")
    CARDS.mkdir(parents=True, exist_ok=True)
    missing = [
        card
        for lang in LANGUAGES
        for path in all_pages()
        if not (card := card_of(path, lang)).picture.is_file()
    ]
    for card in missing:
        _photograph(chromium, card)
    return len(missing)


def _photograph(chromium: str, card: Card) -> None:
    with tempfile.TemporaryDirectory() as folder:
        page, picture = Path(folder, "card.html"), Path(folder, "card.png")
        page.write_text(card.html, encoding="utf-8")
        command = [chromium, "--headless", "--hide-scrollbars", f"--user-data-dir={folder}/profile"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # root may not use its sandbox
        command += [f"--window-size={SIZE[0]},{SIZE[1]}", f"--screenshot={picture}", page.as_uri()]
        done = subprocess.run(command, capture_output=True, timeout=60)
        if not picture.is_file():
            raise PageError(
                f"Chromium drew no card of {card.url}: {done.stderr.decode(errors='replace')[-300:]}"
            )
        picture.replace(card.picture)


def _plain(text: str) -> str:
    """Return ``text`` without its markup."""
    return _MARKUP.sub(lambda found: found[1] or "", text).strip()


def _shorten(text: str) -> str:
    """Return as many whole sentences as fit, at least one."""
    sentences = re.split(r"(?<=[.?!]) ", text)
    shortened = sentences[0]
    for sentence in sentences[1:]:
        if len(shortened) + len(sentence) >= LONGEST:
            break
        shortened += f" {sentence}"
    return shortened
