"""The sections of a chapter's lesson: where a step begins, and which step shows a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from course import messages
from course.paths import ROOT

HEADING = re.compile(r"^#+ (?P<title>.*?) \{#(?P<anchor>[\w-]+)\}$")
LISTING = re.compile(r"^\s*<!-- code: chapters/(?P<stage>\w+)/(?P<file>[^#\s]+)(#(?P<symbol>[\w.]+))? -->")


@dataclass(frozen=True)
class Section:
    """A section of a lesson: its title, its page as a file, its line there, and the {#id} of its heading."""

    title: str
    page: str
    line: int
    anchor: str

    @property
    def step(self) -> int | None:
        """The number of the step that it is, if it is one: the heading says so in every language."""
        found = re.match(r"Step (\d+)\b|(\d+)단계", self.title)
        return int(found[1] or found[2]) if found else None


def section(number: int, anchor: str) -> Section | None:
    """Return a section of a chapter's lesson by the {#id} of its heading, in the learner's language."""
    return next((found for found in sections(number) if found.anchor == anchor), None)


def sections(number: int) -> tuple[Section, ...]:
    """Return the sections of a chapter's lesson in the learner's language; `start` is chapter 1's."""
    return _read(f"docs/{messages.language()}/chapters/{max(1, number):02}.md")[0]


def section_that_shows(number: int, file: str, names: tuple[str, ...] = ()) -> Section | None:
    """Return the step that shows ``file``; of several, the one that shows something called as in ``names``.

    Args:
        names: what surrounds the line that matters, innermost first: a function, its class.
    """
    page = _read(f"docs/{messages.language()}/chapters/{max(1, number):02}.md")
    shown = [
        (place, symbol)
        for place, stage, name, symbol in page[1]
        if name == file and stage.startswith(f"{number:02}_") and place.step
    ]
    for wanted in names:
        for place, symbol in shown:
            if symbol.rpartition(".")[2] == wanted:
                return place
    return shown[0][0] if shown else None


@cache
def _read(page: str) -> tuple[tuple[Section, ...], tuple[tuple[Section, str, str, str], ...]]:
    """Return the sections of a page, and its listings: section, stage, file, and what of it is shown."""
    found: list[Section] = []
    listings = []
    text = (ROOT / page).read_text(encoding="utf-8") if (ROOT / page).is_file() else ""
    for number, line in enumerate(text.splitlines(), 1):
        if heading := HEADING.match(line):
            found.append(Section(heading["title"], page, number, heading["anchor"]))
        elif found and (listing := LISTING.match(line)):
            listings.append((found[-1], listing["stage"], listing["file"], listing["symbol"] or ""))
    return tuple(found), tuple(listings)
