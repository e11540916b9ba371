"""The parts of the lab that change with the course: the stages' files, the lessons' requests, the judge."""

from __future__ import annotations

import hashlib
import io
import json
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from course.lessons.stages import FINAL_NUMBER, Stage, all_stages, stage_before
from course.lessons.steps import patches_of, state_after, texts_of
from course.paths import ROOT
from course.site.lab.bundle import SOURCE
from course.site.page import LANGUAGES, read_page
from course.site.transcripts.http import read_http

GRADED = 6  # the chapter whose tests the learner writes
#: What the worker judges by. A folder is copied with everything below it.
FOLDERS = ("course/judging", "course/lessons", "course/messages", "tests/kit")
FILES = (
    *("course/__init__.py", "course/errors.py", "course/paths.py", "chapters/stages.toml", "pyproject.toml"),
    "chapters/*/steps/*",
    *("tests/conftest.py", "tests/test_0[0-7]_*.py", f"tests/strength/faults/{GRADED:02}/*.patch"),
)


def course_files() -> dict[str, bytes]:
    """Return the files that the lab loads of the course itself, by name."""
    messages = {
        lang: tomllib.loads((SOURCE / "messages" / f"{lang}.toml").read_text(encoding="utf-8"))
        for lang in LANGUAGES
    }
    made = {"course.bin": _judge()}
    for stage in all_stages():
        if stage.number != FINAL_NUMBER:
            told = json.dumps(_stage(stage) | {"messages": messages}, ensure_ascii=False, sort_keys=True)
            made[f"{stage.name}.js"] = f"(window.labStages ??= {{}})[{stage.name!r}] = {told};\n".encode()
    return made


def key_of(files: dict[str, bytes]) -> str:
    """Return a key that changes when one of ``files`` does."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:16]


def _stage(stage: Stage) -> dict[str, Any]:
    after = texts_of(stage.path)
    python = [f for f in (*stage.added, *stage.changed) if f.startswith("app") and "__init__" not in f]
    return {
        "name": stage.name,
        "number": stage.number,
        "title": stage.title,
        "before": texts_of(stage_before(stage).path) if stage.number else None,
        "steps": _steps(stage),
        "after": after,
        "added": [name for name in stage.added if name in after] if stage.number else [],
        "changed": list(stage.changed),
        "removed": list(stage.removed),
        "requests": _requests(stage),
        "first": "/v2/accounts" if stage.number else "/accounts",
        "opens": next((name for name in python if name.endswith(".py")), "app.py"),
        "grades": stage.number == GRADED,
    }


def _steps(stage: Stage) -> list[dict[str, str | None]]:
    """Return the state after each step but the last: the files that differ from before the chapter."""
    states = [state_after(stage, step) for step, _ in enumerate(patches_of(stage), 1)][:-1]
    before = texts_of(stage_before(stage).path) if states else {}
    return [
        {
            name: state.get(name)
            for name in sorted(before.keys() | state.keys())
            if before.get(name) != state.get(name)
        }
        for state in states
    ]


def _requests(stage: Stage) -> list[dict[str, Any]]:
    """Return the requests of the lesson, each once: for `start`, those that chapter 1 sends to it."""
    page, pieces = read_page(f"chapters/{max(1, stage.number):02}.md", "en")
    found: dict[str, dict[str, Any]] = {}
    about = ""
    for piece in pieces:
        if piece.name == "stage":
            about = piece.argument
        if piece.name == "http" and (stage.number > 1 or (about == "start") == (stage.number == 0)):
            exchange = read_http(page, piece)
            request: dict[str, Any] = {"method": exchange.method, "path": exchange.path}
            request |= {"headers": list(exchange.headers.items()), "body": exchange.body}
            found.setdefault(json.dumps(request), request)
    return list(found.values())


def _judge() -> bytes:
    """Return the zip that is unpacked where the worker has its course."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as made:
        for name, content in sorted(_judging_files()):
            made.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)
    return zipped.getvalue()


def _judging_files() -> Iterator[tuple[str, str]]:
    below = (file for folder in FOLDERS for file in (ROOT / folder).rglob("*.*"))
    named = (file for pattern in FILES for file in ROOT.glob(pattern))
    for file in (*(file for file in below if file.suffix in (".py", ".toml")), *named):
        yield file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")
    for file in (SOURCE / "python").glob("*.py"):
        if file.name != "compile_packages.py":
            yield f"lab/{file.name}", file.read_text(encoding="utf-8")
    for page in ROOT.glob("docs/*/chapters/*.md"):
        yield page.relative_to(ROOT).as_posix(), _outline(page)


def _outline(page: Path) -> str:
    """Return a lesson's headings on their lines: where a behaviour is taught."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return "\n".join(line if line.startswith("#") else "" for line in lines) + "\n"
