"""`begin`: a folder of one's own for a chapter, and what to do in it."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from course import messages
from course.commands.check import named_stage
from course.errors import Failure
from course.judging.progress import Progress
from course.lessons.stages import Stage, chapters, stage_before
from course.lessons.steps import LEFT_OUT
from course.messages import say
from course.paths import ROOT, WORKSPACE

SITE = "http://127.0.0.1:8000"  # where `up` serves the lessons unless it was told otherwise


def begin(key: str, again: bool) -> int:
    """Copy the stage before a chapter into `workspace/` and say what to do.

    Args:
        again: put a folder that is there aside, under another name, and begin anew.

    Raises:
        Failure: there is no such chapter, or it was begun and ``again`` was not said.
    """
    stage = named_chapter(key)
    own = WORKSPACE / stage.name
    if own.exists():
        if not again:
            raise Failure(say("begin.there", number=stage.number, folder=named(own)))
        print(say("begin.aside", folder=named(put_aside(own))))
    before = stage_before(stage)
    copy_stage(before, own)
    progress = Progress()
    notes = progress.chapter(stage)
    notes.update(
        begun=datetime.now(UTC).isoformat(timespec="seconds"), kept=[], missing=[], ever=[], next=None
    )
    progress.save()
    lang = messages.language()
    title = stage.title[lang]
    print(say("begin.made", number=stage.number, title=title, folder=named(own), source=named(before.path)))
    if before.number:
        print(say("begin.own", before=before.number))
    page = f"docs/{lang}/chapters/{stage.number:02}.md"
    url = f"{SITE}/{'' if lang == 'en' else 'ko/'}chapters/{stage.number:02}.html"
    print(say("begin.lesson", page=page, url=url))
    print(say("begin.check", number=stage.number))
    print(say("begin.hint", number=stage.number))
    return 0


def named_chapter(key: str) -> Stage:
    """Return the chapter called ``key``; `start` and `final` are none.

    Raises:
        Failure: there is none.
    """
    stage = named_stage(key)
    if stage not in chapters():
        raise Failure(say("stage.no_chapter", name=stage.name, last=chapters()[-1].number))
    return stage


def copy_stage(stage: Stage, folder: Path) -> None:
    """Copy the files of ``stage`` into ``folder``: all of them or, should that fail, none."""
    new = folder.with_name(f".{folder.name}.{os.getpid()}.new")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(stage.path, new, ignore=LEFT_OUT)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def put_aside(folder: Path) -> Path:
    """Give ``folder`` another name, the next that is free, and return it."""
    for number in count(1):
        other = folder.with_name(f"{folder.name}_old_{number}")
        if not other.exists():
            return folder.rename(other)
    raise AssertionError("there is always a next number")


def named(path: Path) -> str:
    """Return a path as the learner would type it, in the folder of the course."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
