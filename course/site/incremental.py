"""Building only the pages that changed: `mkdocs build --dirty`, for `up`, while an author writes.

mkdocs looks at the dates of files, but what a page says comes from the stages too. So each built page carries
a fingerprint of what it was made from, and is built again when that differs. It covers what the page says and
the titles in its navigation; a change of mkdocs.yml or of the code of the site builds all of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_MARK = re.compile(r'<meta name="made-from" content="(\w+)">')
_HEAD = 20_000  # the mark is within this many characters of a page


def fingerprint(*parts: str) -> str:
    """Return a digest that changes when one of ``parts`` does."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def mark(made_from: str) -> str:
    """Return the element for the head of a page that says what it was made from."""
    return f'<meta name="made-from" content="{made_from}">'


def made_from(built: Path) -> str:
    """Return what a built page was made from, nothing if that is unknown."""
    if not built.is_file():
        return ""
    with built.open(encoding="utf-8") as page:
        found = _MARK.search(page.read(_HEAD))
    return found[1] if found else ""


def read_index(site: Path) -> list[dict[str, Any]]:
    """Return what the search of a built site knows, one entry for each section of each page."""
    file = site / "search" / "search_index.json"
    entries: list[dict[str, Any]] = (
        json.loads(file.read_text(encoding="utf-8"))["docs"] if file.is_file() else []
    )
    return entries


def complete_index(site: Path, before: Iterable[dict[str, Any]]) -> None:
    """Add to the search of a site what it knew ``before`` of the pages that were not built again."""
    file = site / "search" / "search_index.json"
    index = json.loads(file.read_text(encoding="utf-8"))
    rebuilt = {_page_of(entry) for entry in index["docs"]}
    kept = [entry for entry in before if _page_of(entry) not in rebuilt]
    # By location, because in a dirty build the plugins name some twice.
    index["docs"] = list({entry["location"]: entry for entry in [*kept, *index["docs"]]}.values())
    text = json.dumps(index, separators=(",", ":"))
    file.write_text(text, encoding="utf-8")
    file.with_suffix(".js").write_text(
        f"var __index = {text}", encoding="utf-8"
    )  # as the theme's plugin does


def _page_of(entry: dict[str, Any]) -> str:
    return str(entry["location"]).partition("#")[0]
