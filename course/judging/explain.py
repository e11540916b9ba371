"""Explains a failed behaviour: the request, the response, and the mistake if it is a known one."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

from course import messages
from course.judging.mistakes import Place, Work, recognise
from course.judging.protocol import Finding
from course.judging.results import Result
from course.messages import say

#: What the tests say, in both languages. A test sees to it that everything that they say is there.
SAID = Path(__file__).resolve().parent / "said.toml"
PLACE_OF_HANG = re.compile(r'File "[^"]*?stages\d+[/\\][^/\\"]+-\d+[/\\]([^"]+)", line (\d+)')


def explain(result: Result, folder: Path | Work) -> list[tuple[str, str]]:
    """Return the parts of an explanation in the learner's language, each with its label.

    Args:
        folder: the learner's folder, whose files are searched for known mistakes.
    """
    work = folder if isinstance(folder, Work) else Work(folder)
    finding = result.finding or Finding()
    if result.state == "unknown":
        return [("raised", say("explain.unknown"))]
    parts = [("sent", finding.sent), ("received", finding.received), ("expected", _expected(finding))]
    parts += [("got", "" if _repeats_status(finding) else finding.got), ("message", _message(finding))]
    if result.state == "hung":
        parts = [("raised", say("explain.hung", seconds=f"{finding.seconds:g}"))]
    elif result.state == "ended":
        parts = [("raised", say("explain.ended"))]
    elif finding.interferes:
        return [("raised", say("explain.interferes", name=finding.interferes))]
    elif finding.log and (finding.expected or finding.message or finding.ours or finding.lacks):
        parts.append(("raised", finding.log[-1]))
    elif not (finding.expected or finding.message or finding.ours or finding.lacks):
        parts.append(("raised", finding.raised))
    parts.append(("printed", finding.printed))
    if place := place_of(result, work):
        file, line, text = place
        parts.append(("place", say("explain.line", file=file, line=line) + (f":  {text}" if text else "")))
    mistake = recognise(result, work)
    parts.append(("mistake", mistake.text if mistake else ""))
    return [(label, text) for label, text in parts if text]


def place_of(result: Result, work: Work) -> Place | None:
    """Return the line to look at: the one that raised, the mistake's own, or the view that responded."""
    finding = result.finding or Finding()
    if found := PLACE_OF_HANG.search(finding.traceback):
        return found[1].replace("\\", "/"), int(found[2]), ""
    mistake = recognise(result, work)
    return (mistake and mistake.place) or finding.place or finding.view


def _expected(finding: Finding) -> str:
    """Return what was expected, `200 or 201` for example in the learner's language."""
    if re.fullmatch(r"\d{3}( or \d{3})+", finding.expected):
        return finding.expected.replace(" or ", say("explain.or"))
    return said(finding.expected)


def _message(finding: Finding) -> str:
    """Return the test's own words in the learner's language or, if it met something unforeseen, ours."""
    if finding.lacks:
        kind, name = finding.lacks
        return say("explain.no_" + kind, name=name)
    return said(finding.message)


def said(message: str) -> str:
    """Return the words of a test in the learner's language."""
    for pattern, entry in _said():
        if found := pattern.fullmatch(message):
            return str(entry[messages.language()]).format(**found.groupdict())
    return message


@cache
def _said() -> list[tuple[re.Pattern[str], dict[str, str]]]:
    entries = tomllib.loads(SAID.read_text(encoding="utf-8"))["said"]
    return [(pattern_of(entry.get("test", entry["en"])), entry) for entry in entries]


def pattern_of(template: str) -> re.Pattern[str]:
    """Return a pattern for a text in which each {name} stands for any text."""
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile("".join(f"(?P<{p}>.*)" if at % 2 else re.escape(p) for at, p in enumerate(parts)), re.S)


def _repeats_status(finding: Finding) -> bool:
    """Whether `got` only repeats the status of the response."""
    return bool(finding.got) and finding.received.startswith(f"{finding.got} ")
