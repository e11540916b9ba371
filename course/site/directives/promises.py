"""`promises`: what the final service promises, with standard and proof, from docs/promises.toml."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from html import escape

from course.lessons.faults import Fault, all_faults
from course.lessons.stages import FINAL_NUMBER
from course.paths import ROOT
from course.site.page import DOCS, Page, Piece, say


def promises(page: Page, piece: Piece) -> str:
    """Return a part of the promises, `tokens` for example, as a list."""
    parts = tomllib.loads((DOCS / "promises.toml").read_text(encoding="utf-8"))["part"]
    part = next((part for part in parts if part["id"] == piece.argument), None)
    if part is None:
        names = ", ".join(part["id"] for part in parts)
        raise page.error(piece.line, f"there is no part {piece.argument!r} of promises: name one of {names}")
    faults = _faults()
    items = []
    for promise in part["promise"]:
        fault = faults.get(promise.get("fault", ""))
        if "fault" in promise and fault is None:
            raise page.error(piece.line, f"there is no fault {promise['fault']}: correct docs/promises.toml")
        items.append(_item(page, piece, promise, fault))
    return f'<ul class="promises">{"".join(items)}</ul>'


@cache  # every part is asked for in both languages
def _faults() -> dict[str, Fault]:
    return {fault.name: fault for fault in all_faults() if fault.stage.number == FINAL_NUMBER}


def _item(page: Page, piece: Piece, promise: dict[str, str], fault: Fault | None) -> str:
    tests = dict.fromkeys(name for name in (promise.get("test"), fault and fault.caught_by) if name)
    if not tests:
        raise page.error(piece.line, f"nothing proves {promise['en']!r}: name a test in docs/promises.toml")
    for test in tests:
        _check(page, piece, test)
    names = " ".join(f'<code class="test">{escape(test)}</code>' for test in tests)
    sentence = f" {say('turns-red', page.lang)} <em>{_marked(fault.text[page.lang])}</em>" if fault else ""
    held = say("held-by", page.lang)
    text = f"<strong>{_marked(promise[page.lang])}</strong>"
    return f"<li>{text}<p>{escape(promise['standard'])}. {held}: {names}.{sentence}</p></li>"


def _check(page: Page, piece: Piece, test: str) -> None:
    path, _, function = test.partition("[")[0].partition("::")
    file = ROOT / "tests" / path
    if not file.is_file() or f"def {function}(" not in file.read_text(encoding="utf-8"):
        raise page.error(piece.line, f"there is no test {test}: correct docs/promises.toml")


def _marked(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
