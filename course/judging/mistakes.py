"""The known mistakes, in mistakes.toml: recognised by what a failure and the learner's files look like.

A mistake has conditions, regular expressions that must all match, and a sentence in both languages. A
condition can name a group, `(?P<view>...)`; later conditions, `at` and the sentences can use it, as `{view}`.

    raised, line, file         the exceptions, including those that the application logged, the line of the
                               learner's code that raised them, and its file
    sent, received             the request and the response: status, type, body
    view                       the line with `def` of the view, or of the wrapper, that had to respond
    expected, got, message     what the test expected and got, or its own words
    wanted                     what it expected, or its own words
    printed                    what the learner's code printed
    test, state                the name of the test; see course/judging/results.py
    needed                     what a test looked for: `command flask create-admin`, `name app.create_app`
    meant                      a name like the one that does not exist
    unreadable                 the first file that is not UTF-8
    source, lacks              all of the learner's files: they contain this, or nowhere contain it
    files, misplaced           the names of all files; of one that is where Python does not look for it
    unwritten                  the name of a file that is imported and is not there
    urls                       if the requested one is unknown: those that exist, each with its endpoint
    unregistered, ruleless     the blueprint for the requested URL, if it is not registered or has no rule

`at` finds the line to look at, if it is another than the one that failed. `first = true` marks what other
behaviours need.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from course import messages
from course.judging.blame import CLOSE
from course.judging.protocol import Finding
from course.judging.results import Result
from course.lessons.own_files import own_files

MISTAKES = Path(__file__).resolve().parent / "mistakes.toml"
BLUEPRINT = re.compile(
    r"Blueprint\(\s*[\"'](?P<name>\w+)[\"'](?:[^()]*url_prefix\s*=\s*[\"'](?P<prefix>[^\"']*)[\"'])?"
)

NOT_THERE = re.compile(
    r"ImportError: cannot import name '(\w+)' from (?:partially initialized module )?'([\w.]+)'"
)

Place = tuple[str, int, str]  # file, line, text


@dataclass(frozen=True)
class Mistake:
    """A mistake that was recognised; ``first`` if other behaviours cannot pass before it is repaired."""

    name: str
    text: str
    first: bool
    place: Place | None


class Work:
    """The files of a learner, as far as mistakes are recognised by them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def files(self) -> dict[str, str]:
        """The Python code by the names of the files."""
        return {
            name: path.read_text(encoding="utf-8", errors="replace")
            for name, path in own_files(self.folder).items()
            if name.endswith(".py") and not name.startswith("tests/")
        }

    @cached_property
    def source(self) -> str:
        """All of the code."""
        return "\n".join(self.files.values())

    @cached_property
    def unreadable(self) -> str:
        """The first file that is not UTF-8, as Python reads it."""
        return next((name for name, text in self.files.items() if re.search("[\0\ufffd]", text)), "")

    def find(self, pattern: str) -> Place | None:
        """Return the first line in which ``pattern`` is found."""
        for name, text in self.files.items():
            if found := re.search(pattern, text, re.M):
                number = text.count("\n", 0, found.start()) + 1
                line = text.splitlines()[number - 1].strip()
                return name, number, line if line.isprintable() and "\ufffd" not in line else ""
        return None


def recognise(result: Result, work: Work) -> Mistake | None:
    """Return the first known mistake that matches, told in the learner's language, or None."""
    facts = _facts(result, work)
    for mistake in _mistakes():
        groups: dict[str, str] = {}
        if all(_matches(facts, name, pattern, groups) for name, pattern in mistake["if"].items()):
            text = _fill(mistake[messages.language()], groups)
            place = work.find(_fill(mistake["at"], groups)) if "at" in mistake else None
            return Mistake(mistake["name"], text, mistake.get("first", False), place)
    return None


def _matches(facts: dict[str, str], name: str, pattern: str, groups: dict[str, str]) -> bool:
    pattern = _fill(pattern, groups)
    if name == "lacks":
        return re.search(pattern, facts["source"], re.M) is None
    found = re.search(pattern, facts[name], re.M)
    if found:
        groups.update({key: value for key, value in found.groupdict().items() if value is not None})
    return found is not None


def _fill(text: str, groups: dict[str, str]) -> str:
    for name, value in groups.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _facts(result: Result, work: Work) -> dict[str, str]:
    """Return the text that each condition is matched against."""
    finding = result.finding or Finding()
    file, _, text = finding.place or ("", 0, "")
    responsible = _blueprint_for(finding, work)
    registered = responsible in finding.blueprints
    return {
        "raised": "\n".join([finding.raised, *finding.log]),
        "line": text,
        "file": file,
        "sent": finding.sent,
        "received": finding.received,
        "view": (finding.view or ("", 0, ""))[2],
        "expected": finding.expected,
        "got": finding.got,
        "message": finding.message,
        "wanted": f"{finding.expected}\n{finding.message}",
        "printed": finding.printed,
        "test": result.behaviour.function,
        "state": result.state,
        "meant": finding.meant or _meant(finding, work),
        "unreadable": work.unreadable,
        "needed": " ".join(finding.lacks or ()),
        "source": work.source,
        "files": "\n".join(work.files),
        "misplaced": _misplaced(finding, work),
        "unwritten": _unwritten(finding, work),
        "urls": "\n".join(finding.urls),
        "unregistered": "" if registered else responsible,
        "ruleless": responsible if registered and not _has_rules(responsible, finding) else "",
    }


def _blueprint_for(finding: Finding, work: Work) -> str:
    """Return the name of the learner's blueprint that should have the requested URL, if that is unknown."""
    if not finding.urls:
        return ""
    path = finding.request.partition(" ")[2].partition("?")[0]
    found = [
        (match["prefix"] or f"/{match['name']}", match["name"]) for match in BLUEPRINT.finditer(work.source)
    ]
    return max(
        ((len(prefix), name) for prefix, name in found if f"{path}/".startswith(f"{prefix}/")),
        default=(0, ""),
    )[1]


def _has_rules(blueprint: str, finding: Finding) -> bool:
    return any(url.split()[1].startswith(f"{blueprint}.") for url in finding.urls)


def _misplaced(finding: Finding, work: Work) -> str:
    """Return where a file or a folder is that Python looked for elsewhere."""
    found = re.search(r"(?:No module named|failed for) '([\w.]+)'|([\w.-]+\.py)\b", finding.raised)
    name = Path(_unwritten(finding, work)).stem
    if found and re.match("ModuleNotFoundError|FileNotFoundError|ImportStringError", finding.raised):
        # Of an import by its text, `config.Class`, the last part is what the module has.
        place = 0 if finding.raised.startswith("ImportStringError") else -1
        name = found[2] or found[1].split(".")[place]
    if not name:
        return ""
    parts = [(part, file.split("/")) for file in work.files for part in file.split("/")]
    wanted = (name, f"{name.removesuffix('.py')}.py")
    return next(("/".join(path[: path.index(part) + 1]) for part, path in parts if part in wanted), "")


def _meant(finding: Finding, work: Work) -> str:
    """Return what the learner's files define under a name like that of an import, or of a decorator."""
    imported, (kind, name) = NOT_THERE.match(finding.raised), finding.lacks or ("", "")
    wanted = imported[1] if imported else name if kind == "decorator" else ""
    defined = set(re.findall(r"^(?:def|class) (\w+)", work.source, re.M)) - {wanted}
    return next(iter(get_close_matches(wanted, sorted(defined), 1, CLOSE)), "")


def _unwritten(finding: Finding, work: Work) -> str:
    """Return which file of the learner's package is imported from it and is not there."""
    found = NOT_THERE.match(finding.raised)
    if not found:
        return ""
    name, package = found[1], found[2].replace(".", "/")
    module = work.files.get(f"{package}/__init__.py")
    names = (f"{package}/{name}.py", f"{package}/{name}/")
    if module is None or any(file.startswith(names) for file in work.files):
        return ""
    defined = rf"^ *(def|class) {name}\b|^ *{name}\b.*=|^ *from \.*\w+.* import .*\b{name}\b"
    return "" if re.search(defined, module, re.M) else f"{package}/{name}.py"


@cache
def _mistakes() -> list[dict[str, Any]]:
    mistakes: list[dict[str, Any]] = tomllib.loads(MISTAKES.read_text(encoding="utf-8"))["mistakes"]
    return mistakes
