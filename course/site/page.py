"""A page as its author wrote it, split into text, directives and fences; and what the site says around it."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from course.paths import ROOT

DOCS = ROOT / "docs"
LANGUAGES = ("en", "ko")
WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))

_DIRECTIVE = re.compile(r"(?P<indent> *)<!-- (?P<name>[a-z]+)(?::(?P<argument>.*?))? *-->\s*")
_FENCE = re.compile(r"(?P<indent> *)(?P<mark>`{3,}|~{3,})\s*(?P<name>\S*)\s*(?P<argument>.*)")


class PageError(Exception):
    """A page that is wrong or out of date: one sentence that names the place and says what to do."""


@dataclass(frozen=True)
class Page:
    """One page in one language; ``path`` is the same in both, for example `chapters/01.md`."""

    path: str
    lang: str
    stage: str = ""  # what `<!-- stage: ... -->` says
    used: frozenset[str] = frozenset()  # the fields of earlier responses that its requests used so far

    @property
    def file(self) -> Path:
        return DOCS / self.lang / self.path

    def error(self, line: int, sentence: str) -> PageError:
        """Return the error to raise for a mistake at ``line``."""
        return PageError(f"docs/{self.lang}/{self.path}:{line}: {sentence}")


@dataclass(frozen=True)
class Piece:
    """Lines of a page that belong together: `text`, a `directive` or a `fence`."""

    kind: str
    line: int  # of its first line, from 1
    lines: tuple[str, ...]  # as they are in the page
    name: str = ""
    argument: str = ""
    indent: str = field(default="", repr=False)

    @property
    def body(self) -> list[str]:
        """The lines inside a fence, less its indentation."""
        return [line.removeprefix(self.indent) for line in self.lines[1:-1]]

    def options(self) -> tuple[list[str], list[tuple[str, str]]]:
        """Return the words of the argument, and its `name="value"` pairs."""
        words: list[str] = []
        pairs: list[tuple[str, str]] = []
        for word in shlex.split(self.argument):
            name, equals, value = word.partition("=")
            if equals and name.isidentifier():
                pairs.append((name, value))
            else:
                words.append(word)
        return words, pairs


@lru_cache(maxsize=128)  # a build asks for the same page for its card, its text and the lab
def split_page(text: str, page: Page) -> tuple[Piece, ...]:
    """Return the pieces of ``text`` in their order.

    Raises:
        PageError: a fence is not closed.
    """
    return tuple(_pieces(text, page))


def read_page(path: str, lang: str) -> tuple[Page, tuple[Piece, ...]]:
    """Return a page and its pieces."""
    page = Page(path, lang)
    pieces = split_page(page.file.read_text(encoding="utf-8"), page)
    return replace(page, stage=stage_of(pieces)), pieces


def stage_of(pieces: Iterable[Piece]) -> str:
    """Return the stage that the page's transcripts are run against, or an empty string."""
    return next((p.argument for p in pieces if p.kind == "directive" and p.name == "stage"), "")


def all_pages(lang: str = "en") -> list[str]:
    """Return the path of every page of a language."""
    folder = DOCS / lang
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.md"))


def say(key: str, lang: str, *values: object) -> str:
    """Return the text called ``key`` in words.toml, in a language, with ``values`` in its placeholders."""
    return str(WORDS[key][lang]).format(*values)


def _pieces(text: str, page: Page) -> Iterator[Piece]:
    lines = text.split("\n")
    plain: list[str] = []
    at = 0
    while at < len(lines):
        fence = _FENCE.fullmatch(lines[at])
        found = fence or _DIRECTIVE.fullmatch(lines[at])
        if not found:
            plain.append(lines[at])
            at += 1
            continue
        if plain:
            yield Piece("text", at + 1 - len(plain), tuple(plain))
            plain = []
        end = at + 1
        if fence:
            closing = re.compile(rf" *{fence['mark']}\s*")
            while end < len(lines) and not closing.fullmatch(lines[end]):
                end += 1
            if end == len(lines):
                raise page.error(at + 1, f"this fence is never closed: end it with {fence['mark']}")
            end += 1
        yield Piece(
            "fence" if fence else "directive",
            at + 1,
            tuple(lines[at:end]),
            found["name"],
            (found["argument"] or "").strip(),
            found["indent"],
        )
        at = end
    if plain:
        yield Piece("text", at + 1 - len(plain), tuple(plain))
