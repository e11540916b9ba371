"""Says in words why a behaviour is not there: what was sent, what came, and the mistake, if it is known.

The known mistakes are in mistakes.toml. Each gives conditions, regular expressions that must all be found,
and a sentence in both languages, which may use a group that a condition names, `(?P<view>...)`.

    raised, line, file         the exceptions, also those that the application logged, the line of the
                               learner's code that they came up in, and its file
    sent, came                 the request and the answer: status, type, body
    wanted, got, said          what the test expected and got, or says in its own words
    test, state                the name of the test; see course/judging/results.py
    source, lacks              text of the learner's files, all joined: there, or nowhere
    blueprint                  `yes` where a version is asked for whose blueprint is there, and not registered
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
from course.messages import say

MISTAKES = Path(__file__).resolve().parent / "mistakes.toml"
PLACE_OF_HANG = re.compile(r'File "[^"]*?stages\d+[/\\][^/\\"]+-\d+[/\\]([^"]+)", line (\d+)')


def explain(result: Result, folder: Path) -> list[tuple[str, str]]:
    """Return the parts of an explanation, each with its label, in the learner's language.

    Args:
        folder: the learner's, whose files are looked through for known mistakes.
    """
    finding = result.finding or Finding()
    parts = [("sent", finding.sent), ("came", finding.came), ("wanted", finding.wanted)]
    parts += [("got", finding.got if not _same(finding) else ""), ("said", finding.said)]
    if result.state == "hung":
        parts = [("raised", say("explain.hung", seconds=f"{finding.seconds:g}"))]
        found = PLACE_OF_HANG.search(finding.traceback)
        parts.append(("place", say("explain.line", file=found[1], line=found[2]) if found else ""))
    elif result.state == "ended":
        parts = [("raised", say("explain.ended"))]
    elif result.state == "unknown":
        return [("raised", say("explain.unknown"))]
    if not (finding.wanted or finding.said):
        parts.append(("raised", finding.raised))
    elif finding.log:
        parts.append(("raised", finding.log[-1]))
    if finding.place:
        file, line, text = finding.place
        parts.append(("place", say("explain.line", file=file, line=line) + (f":  {text}" if text else "")))
    parts.append(("mistake", known_mistake(result, folder) or ""))
    return [(label, text) for label, text in parts if text]


def known_mistake(result: Result, folder: Path) -> str | None:
    """Return the sentence for the first known mistake that fits, None if none does."""
    seen = _seen(result, folder)
    for mistake in _mistakes():
        groups: dict[str, str] = {}
        if all(_holds(seen, name, pattern, groups) for name, pattern in mistake["if"].items()):
            text: str = mistake[messages.language()]
            for name, value in groups.items():
                text = text.replace(f"{{{name}}}", value)
            return text
    return None


def _holds(seen: dict[str, str], name: str, pattern: str, groups: dict[str, str]) -> bool:
    if name == "lacks":
        return re.search(pattern, seen["source"], re.M) is None
    found = re.search(pattern, seen[name], re.M)
    if found:
        groups.update({key: value for key, value in found.groupdict().items() if value is not None})
    return found is not None


def _seen(result: Result, folder: Path) -> dict[str, str]:
    """Return all that a condition may ask for, as text."""
    finding = result.finding or Finding()
    file, _, text = finding.place or ("", 0, "")
    source = "\n".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in sorted([*folder.glob("*.py"), *folder.glob("app/**/*.py")])
    )
    version = re.match(r"\w+ /(v\d)\b", finding.sent)
    made = version and re.search(rf"Blueprint\(\s*[\"']{version[1]}[\"']", source)
    lost = bool(made and version and version[1] not in finding.blueprints and finding.urls)
    return {
        "raised": "\n".join([finding.raised, *finding.log]),
        "line": text,
        "file": file,
        "sent": finding.sent,
        "came": finding.came,
        "wanted": finding.wanted,
        "got": finding.got,
        "said": finding.said,
        "test": result.behaviour.function,
        "state": result.state,
        "source": source,
        "blueprint": "yes" if lost else "no",
    }


def _same(finding: Finding) -> bool:
    """Whether `got` only repeats the status of what came."""
    return bool(finding.got) and finding.came.startswith(f"{finding.got} ")


@cache
def _mistakes() -> list[dict[str, Any]]:
    mistakes: list[dict[str, Any]] = tomllib.loads(MISTAKES.read_text(encoding="utf-8"))["mistakes"]
    return mistakes
