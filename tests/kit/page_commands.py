"""The commands that the pages give an operator, read from the pages, for the drills that run them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator

from course.paths import ROOT

PAGES = ROOT / "docs" / "en"
LISTS = ROOT / ".course" / "drills"
_SECTION = re.compile(r"^#+ .*\{#([\w-]+)\}$", re.M)
_FENCE = re.compile(r"^```console server\n(.*?)^```$", re.M | re.S)
_INLINE = re.compile(r"`((?:flask|python|docker|pg_\w+) [^`]*)`")
#: Where the page has an example, a drill has its own: an address, a time, the name of an image, a processor.
_EXAMPLE = re.compile(r"127\.0\.0\.1:\d+|\d{8}T\d{6}Z|(?<=--tag=)\S+")

_ran: list[str] = []  # the commands that ended with status 0 in this process


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


def ran(command: str) -> None:
    """Keep that a drill ran this command, which ended with status 0."""
    _ran.append(command)


def never_ran(drill: str, machine: str, commands: Iterable[str]) -> list[str]:
    """Return the commands of the page that no drill of this process has run, and list how often each ran.

    Args:
        drill: the name of the list, a file in `.course/drills`.
        machine: what they ran on.
        commands: as the page has them.
    """
    times = {
        command: sum(1 for one in _ran if re.search(rf"(^|\s){_as_run(command)}$", one))
        for command in commands
    }
    lines = [
        f"{command}\n    run on {machine}, {count} times with status 0\n" for command, count in times.items()
    ]
    LISTS.mkdir(parents=True, exist_ok=True)
    (LISTS / f"{drill}.txt").write_text("".join(lines), encoding="utf-8")
    return [command for command, count in times.items() if not count]


def _as_run(command: str) -> str:
    return r"\S+".join(map(re.escape, _EXAMPLE.split(command)))
