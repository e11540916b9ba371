"""`score`: how much the suite notices, from docs/score.toml, and how many solutions judge the judge.

`course score --write` makes that file. The solutions are counted where they are, in tests/course/solutions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from html import escape
from math import sqrt
from typing import Any

from course.lessons.scores import read_scores, reasons
from course.lessons.solutions import all_solutions
from course.lessons.stages import FINAL_NUMBER, Stage, all_stages
from course.site.page import Page, Piece, say


def score(page: Page, piece: Piece) -> str:
    """Return a table of numbers, the mutants that survived, or those that change nothing."""
    parts: dict[str, Callable[[str], str]] = {
        "numbers": _numbers,
        "solutions": _solutions,
        "survivors": _survivors,
        "equivalent": _equivalent,
    }
    if piece.argument not in parts:
        raise page.error(piece.line, f"there is no score of {piece.argument!r}: write {', '.join(parts)}")
    return parts[piece.argument](page.lang)


def interval(hits: int, of: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of the share: Wilson's interval."""
    z = 1.96
    share, spread = hits / of, z * z / of
    middle, width = share + spread / 2, z * sqrt(share * (1 - share) / of + spread / of / 4)
    return (middle - width) / (1 + spread), (middle + width) / (1 + spread)


def _numbers(lang: str) -> str:
    scores = read_scores()
    rows = [say("score-head", lang), "|---|---|---|---|---|---|"]
    for stage in all_stages():
        if stage.number:
            rows.append(_row(_name(stage, lang), scores.get(stage.name), lang))
    return "\n".join(rows)


def _row(name: str, found: dict[str, Any] | None, lang: str) -> str:
    if found is None:
        return f"| {name} | {say('score-missing', lang)} | | | | |"
    noticed, of = found["killed"] + found["stopped"], found["mutants"] - found["equivalent"]
    mutants = say("score-mutants", lang, found["mutants"], found["equivalent"])
    share = f"{noticed / of:.1%}"
    if found["every"] > 1:
        mutants = say("score-sample", lang, found["mutants"], found["every"], found["equivalent"])
        share = say("score-between", lang, share, *(f"{one:.1%}" for one in interval(noticed, of)))
    faults = say("score-caught", lang, found["caught"], found["faults"])
    return f"| {name} | {faults} | {mutants} | {noticed} | {share} | {found['date']} |"


def _solutions(lang: str) -> str:
    counted = Counter((solution.stage.name, solution.right) for solution in all_solutions())
    rows = [say("score-solutions-head", lang), "|---|---|---|"]
    for stage in all_stages():
        if stage.number < FINAL_NUMBER:
            right, wrong = counted[stage.name, True], counted[stage.name, False]
            rows.append(f"| {_name(stage, lang)} | {right} | {wrong} |")
    totals = [
        sum(number for (_, right), number in counted.items() if right == kind) for kind in (True, False)
    ]
    return "\n".join([*rows, say("score-solutions-total", lang, *totals)])


def _survivors(lang: str) -> str:
    scores, lines = read_scores(), []
    for stage in all_stages():
        survivors = scores.get(stage.name, {}).get("survivors", [])
        if survivors:
            lines += [f"**{_name(stage, lang)}**", "", *(_item(key) for key in survivors), ""]
    return "\n".join(lines) or say("score-none", lang)


def _equivalent(lang: str) -> str:
    names = {stage.name: _name(stage, lang) for stage in all_stages()}
    names["chapters"] = say("score-chapters", lang)
    lines = []
    for reason in reasons():
        lines += [f"**{reason.text[lang]}** ({names[reason.stage]})", ""]
        lines += [*(_item(key) for key in reason.mutants), ""]
    return "\n".join(lines) or say("score-none", lang)


def _item(key: str) -> str:
    place, change = key.split(": ", 1)
    old, new = change.split("  ->  ", 1)
    return f"- {_code(place)}: {_code(old)} → {_code(new)}"


def _code(text: str) -> str:
    plain = escape(text).replace("_", "&#95;").replace("*", "&#42;")  # Markdown would make __init__ bold
    return f"<code>{plain}</code>"


def _name(stage: Stage, lang: str) -> str:
    title = stage.title[lang]
    has_number = 0 < stage.number < FINAL_NUMBER
    return say("score-chapter", lang, stage.number, title) if has_number else title
