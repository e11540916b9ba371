"""A learner who types what the built page shows, and nothing else, has the service of each step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import NamedTuple

import pytest

from course.lessons.stages import Stage, chapters
from course.lessons.steps import checked_after, patches_of, state_after
from course.site.page import LANGUAGES

every_page = pytest.mark.parametrize("lang", LANGUAGES)
every_chapter = pytest.mark.parametrize("stage", chapters(), ids=lambda stage: stage.name)

_FILE = re.compile(
    r"<details (?=[^>]*\btyping\b)(?P<attributes>[^>]*)>.*?<pre\b.*?<code>(?P<code>.*?)</code>.*?</details>",
    re.DOTALL,
)
_SKIPPED = re.compile(r'<span class="skip">\D*(\d+)')
_CHECK = re.compile(
    r'(?:<summary>|admonition-title">)\w* ?<code>python3 .*?course check (\d)</code>(?P<rest>[^<]*)<'
)


class Typed(NamedTuple):
    """One file to type: its step, its name, what becomes of it, and the HTML of its lines."""

    step: int
    name: str
    kind: str
    lines: list[str]


def page_of(stage: Stage, lang: str, site: Path) -> str:
    """Return the HTML of a lesson."""
    folder = site if lang == "en" else site / lang
    return (folder / "chapters" / f"{stage.number:02}.html").read_text(encoding="utf-8")


def read_typed(html: str) -> Iterator[Typed]:
    """Yield the files to type, in the order of the page."""
    for found in _FILE.finditer(html):
        values = dict(re.findall(r'data-(\w+)="([^"]*)"', found["attributes"]))
        lines = found["code"].replace("&#10;", "\n").rstrip("\n").split("\n")
        yield Typed(int(values["step"]), unescape(values["file"]), values["kind"], lines)


def plain(html: str) -> str:
    """Return the text of a line."""
    return unescape(re.sub(r"<[^>]*>", "", html))


def type_file(typed: Typed, before: str | None) -> str | None:
    """Return what a file is after a learner has done what the page says."""
    if typed.kind == "added":
        assert before is None, f"{typed.name} is shown as new, and is there"
        return "\n".join(map(plain, typed.lines)) + "\n"
    assert before is not None, f"{typed.name} is shown as changed, and is not there"
    old = before.split("\n")
    new: list[str] = []
    at = 0
    for line in typed.lines:
        if skipped := _SKIPPED.match(line):
            new += old[at : at + int(skipped[1])]
            at += int(skipped[1])
            continue
        if not line.startswith("<ins>"):
            assert old[at] == plain(line), f"{typed.name}: the page shows a line that is not there"
            at += 1
        if not line.startswith("<del>"):
            new.append(plain(line))
    assert old[at:] == [""], f"{typed.name}: the page does not say what becomes of its end"
    return "\n".join([*new, ""]) if new else None


@every_page
@every_chapter
def test_typing_the_page_makes_each_step(stage: Stage, lang: str, built_site: tuple[Path, str]) -> None:
    """Every file of a step is shown once, whole or as a diff that leaves nothing out."""
    files = state_after(stage, 0)
    typed = list(read_typed(page_of(stage, lang, built_site[0])))
    assert [one.step for one in typed] == sorted(one.step for one in typed), (
        "the steps are not in their order"
    )
    for step, _ in enumerate(patches_of(stage), 1):
        for one in (one for one in typed if one.step == step):
            text = type_file(one, files.pop(one.name, None))
            if text is not None:
                files[one.name] = text
        assert files == state_after(stage, step), f"after step {step}"


@every_page
@every_chapter
def test_the_page_says_what_check_says(stage: Stage, lang: str, built_site: tuple[Path, str]) -> None:
    shown = [found["rest"] for found in _CHECK.finditer(page_of(stage, lang, built_site[0]))]
    recorded = [checked_after(stage, step) for step, _ in enumerate(patches_of(stage), 1)]

    assert len(shown) == len(recorded)
    for text, checked in zip(shown, recorded, strict=True):
        numbers = {int(number) for number in re.findall(r"\d+", text)}
        assert {checked.passed, checked.total} <= numbers, text


@every_page
@every_chapter
def test_a_step_that_turns_nothing_green_shows_that_it_works(
    stage: Stage, lang: str, built_site: tuple[Path, str]
) -> None:
    """By a request and its response, or by a command and its output."""
    html = page_of(stage, lang, built_site[0])
    sections = re.split(r'<h[23] id="', html)
    for step, _ in enumerate(patches_of(stage), 1):
        if not checked_after(stage, step).green:
            (section,) = [
                one
                for one in sections
                if re.search(rf'typing[^>]*data-step="{step}"|data-step="{step}"[^>]*typing', one)
            ]
            assert "language-console" in section or "answer" in section, f"step {step} shows nothing"
