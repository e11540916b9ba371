"""The sections of a chapter's lesson: where a step begins, and which step writes a file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from course import messages
from course.lessons.stages import all_stages
from course.lessons.steps import steps_that_write
from course.paths import ROOT

HEADING = re.compile(r"^#+ (?P<title>.*?) \{#(?P<anchor>[\w-]+)\}$")


@dataclass(frozen=True)
class Section:
    """A section of a lesson: its title, its page as a file, and the {#id} of its heading."""

    title: str
    page: str
    anchor: str

    @property
    def path(self) -> str:
        """Where it is on the site, `ko/chapters/01.html#base-view` for example."""
        page = self.page.removeprefix("docs/").removeprefix("en/").removesuffix(".md")
        return f"{page}.html#{self.anchor}"

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
    return _read(f"docs/{messages.language()}/chapters/{max(1, number):02}.md")


def section_that_writes(number: int, file: str, names: tuple[str, ...] = ()) -> Section | None:
    """Return the step that writes ``file``; of several, the one that writes something called as in ``names``.

    Args:
        names: what surrounds the line that matters, innermost first: a function, its class.
    """
    writing = steps_that_write(all_stages()[max(1, number)], file, names)
    return next((found for found in sections(number) if writing and found.step == writing[0]), None)


@cache
def _read(page: str) -> tuple[Section, ...]:
    """Return the sections of a page."""
    text = (ROOT / page).read_text(encoding="utf-8") if (ROOT / page).is_file() else ""
    return tuple(
        Section(heading["title"], page, heading["anchor"])
        for line in text.splitlines()
        if (heading := HEADING.match(line))
    )
