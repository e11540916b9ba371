"""`tree`: the files of a stage, each with its comment from docs/trees.toml."""

from __future__ import annotations

import tomllib
from functools import cache
from html import escape
from pathlib import PurePosixPath
from typing import Any

from course.lessons.stages import Stage, find_stage, stage_before
from course.lessons.steps import names_of
from course.site.directives.changes import find_kinds, folders_first, kind_badge
from course.site.page import DOCS, Page, Piece, say


def tree(page: Page, piece: Piece) -> str:
    """Return the files of a stage, each with its comment from docs/trees.toml; what is new is marked.

    A comment of a folder, `benchmarks/`, replaces those of all files in it.
    """
    stage = find_stage(piece.argument)
    comments = tree_comments(stage)
    closed = tuple(path for path in comments if path.endswith("/"))  # a folder shown as one line
    files = {
        next((folder for folder in closed if path.startswith(folder)), path) for path in names_of(stage.path)
    }
    gone = sorted(set(comments) - files - {""})
    silent = sorted(files - set(comments))
    if gone:
        raise page.error(piece.line, f"{stage.name} has no {gone[0]}: delete its comment in docs/trees.toml")
    if silent:
        raise page.error(piece.line, f"{stage.name}/{silent[0]} has no comment: write one in docs/trees.toml")
    marks = {} if stage.number in (0, 8) else find_kinds(stage_before(stage), stage)
    rows, folders = [], set()
    for path in sorted(files, key=folders_first):
        parts = PurePosixPath(path).parts
        folder = "/" if path in closed else ""
        for depth in range(1, len(parts)):
            if parts[:depth] not in folders:
                folders.add(parts[:depth])
                name = f"<code>{escape(parts[depth - 1])}/</code>"
                rows.append(f'<li class="folder" style="--depth:{depth - 1}">{name}</li>')
        kind = marks.get(path, "")
        badge = kind_badge(kind, page.lang) if kind else ""
        comment = escape(comments[path][page.lang])
        name = f"<code>{escape(parts[-1])}{folder}</code>"
        rows.append(f'<li style="--depth:{len(parts) - 1}">{name}{badge}<span>{comment}</span></li>')
    label = say("files", page.lang, stage.name)
    root = f'<p class="tree-root"><code>{stage.path.name}/</code></p>'
    return f'<div class="tree">{root}<ul aria-label="{label}">{"".join(rows)}</ul></div>'


def tree_comments(stage: Stage) -> dict[str, dict[str, str]]:
    """Return the comment of each file in both languages; a chapter inherits those before it."""
    tables = _parsed((DOCS / "trees.toml").read_text(encoding="utf-8"))
    own: dict[str, dict[str, str]] = tables.get(stage.name.split("_")[0], {})
    if stage.number in (0, 1, 8):
        return own
    files = set(names_of(stage.path))
    before = tree_comments(stage_before(stage))
    return {path: comment for path, comment in before.items() if path in files} | own


@cache
def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text)
