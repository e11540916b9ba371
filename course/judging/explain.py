"""Explains a failed behaviour: the request, the response, and the mistake if it is a known one.

The known mistakes are in mistakes.toml. Each has conditions, regular expressions that must all match, and a
sentence in both languages, which may contain a named group of a condition, `(?P<view>...)`.

    raised, line, file         the exceptions, including those that the application logged, the line of the
                               learner's code that raised them, and its file
    sent, received             the request and the response: status, type, body
    expected, got, message     what the test expected and got, or its own words
    test, state                the name of the test; see course/judging/results.py
    source, lacks              all of the learner's files: they contain this, or nowhere contain it
    blueprint                  `yes` if the requested version's blueprint exists but is not registered
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from course import messages
from course.judging.protocol import Finding
from course.judging.results import Result
from course.lessons.own_files import own_files
from course.messages import say

MISTAKES = Path(__file__).resolve().parent / "mistakes.toml"
PLACE_OF_HANG = re.compile(r'File "[^"]*?stages\d+[/\\][^/\\"]+-\d+[/\\]([^"]+)", line (\d+)')


def explain(result: Result, folder: Path) -> list[tuple[str, str]]:
    """Return the parts of an explanation in the learner's language, each with its label.

    Args:
        folder: the learner's folder, whose files are searched for known mistakes.
    """
    finding = result.finding or Finding()
    parts = [("sent", finding.sent), ("received", finding.received), ("expected", finding.expected)]
    parts += [("got", "" if _repeats_status(finding) else finding.got), ("message", finding.message)]
    if result.state == "hung":
        parts = [("raised", say("explain.hung", seconds=f"{finding.seconds:g}"))]
        found = PLACE_OF_HANG.search(finding.traceback)
        parts.append(("place", say("explain.line", file=found[1], line=found[2]) if found else ""))
    elif result.state == "ended":
        parts = [("raised", say("explain.ended"))]
    elif finding.interferes:
        parts = [("raised", say("explain.interferes", name=finding.interferes))]
    elif result.state == "unknown":
        return [("raised", say("explain.unknown"))]
    if not (finding.expected or finding.message):
        parts.append(("raised", finding.raised))
    elif finding.log:
        parts.append(("raised", finding.log[-1]))
    if finding.place:
        file, line, text = finding.place
        parts.append(("place", say("explain.line", file=file, line=line) + (f":  {text}" if text else "")))
    parts.append(("mistake", known_mistake(result, folder) or ""))
    return [(label, text) for label, text in parts if text]


def known_mistake(result: Result, folder: Path) -> str | None:
    """Return the sentence of the first known mistake that matches, or None."""
    facts = _facts(result, folder)
    for mistake in _mistakes():
        groups: dict[str, str] = {}
        if all(_matches(facts, name, pattern, groups) for name, pattern in mistake["if"].items()):
            text: str = mistake[messages.language()]
            for name, value in groups.items():
                text = text.replace(f"{{{name}}}", value)
            return text
    return None


def _matches(facts: dict[str, str], name: str, pattern: str, groups: dict[str, str]) -> bool:
    if name == "lacks":
        return re.search(pattern, facts["source"], re.M) is None
    found = re.search(pattern, facts[name], re.M)
    if found:
        groups.update({key: value for key, value in found.groupdict().items() if value is not None})
    return found is not None


def _facts(result: Result, folder: Path) -> dict[str, str]:
    """Return the text that each condition is matched against."""
    finding = result.finding or Finding()
    file, _, text = finding.place or ("", 0, "")
    source = "\n".join(
        path.read_text(encoding="utf-8", errors="replace")
        for name, path in own_files(folder).items()
        if name.endswith(".py") and not name.startswith("tests/")
    )
    version = re.match(r"\w+ /(v\d)\b", finding.sent)
    exists = version and re.search(rf"Blueprint\(\s*[\"']{version[1]}[\"']", source)
    unregistered = exists and version and version[1] not in finding.blueprints and finding.urls
    return {
        "raised": "\n".join([finding.raised, *finding.log]),
        "line": text,
        "file": file,
        "sent": finding.sent,
        "received": finding.received,
        "expected": finding.expected,
        "got": finding.got,
        "message": finding.message,
        "test": result.behaviour.function,
        "state": result.state,
        "source": source,
        "blueprint": "yes" if unregistered else "no",
    }


def _repeats_status(finding: Finding) -> bool:
    """Whether `got` only repeats the status of the response."""
    return bool(finding.got) and finding.received.startswith(f"{finding.got} ")


@cache
def _mistakes() -> list[dict[str, Any]]:
    mistakes: list[dict[str, Any]] = tomllib.loads(MISTAKES.read_text(encoding="utf-8"))["mistakes"]
    return mistakes
