"""The commands that the pages give an operator, read from the pages, for the drills that run them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from course.paths import ROOT

PAGES = ROOT / "docs" / "en"
_SECTION = re.compile(r"^#+ .*\{#([\w-]+)\}$", re.M)
_FENCE = re.compile(r"^```console server\n(.*?)^```$", re.M | re.S)
_INLINE = re.compile(r"`((?:flask|python|docker|pg_\w+) [^`]*)`")


def server_commands(page: str, section: str) -> list[str]:
    """Return the commands of the `console server` fences below a heading, in their order."""
    return [
        line.removeprefix("$ ")
        for fence in _FENCE.findall(dict(sections(page))[section])
        for line in fence.splitlines()
    ]


def inline_commands(page: str, section: str) -> list[list[str]]:
    """Return the commands in the text and the tables below a heading, as words."""
    text = _FENCE.sub("", dict(sections(page))[section])
    return [shlex.split(command) for command in _INLINE.findall(text)]


def sections(page: str) -> Iterator[tuple[str, str]]:
    """Yield each heading's id with the text below it."""
    text = (PAGES / page).read_text(encoding="utf-8")
    found = list(_SECTION.finditer(text))
    ends = [one.start() for one in found[1:]] + [len(text)]
    for one, end in zip(found, ends, strict=True):
        yield one[1], text[one.end() : end]
