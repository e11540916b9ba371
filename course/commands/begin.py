"""`begin`: makes the learner's own folder for a chapter, and what to do in it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from course import messages
from course.errors import Failure
from course.judging.progress import Progress
from course.lessons.stages import copy_stage, find_chapter, stage_before
from course.messages import say
from course.paths import WORKSPACE, display_path
from course.setup.running import site_port


def begin(key: str, again: bool) -> int:
    """Copy the stage before a chapter into `workspace/` and say what to do.

    Args:
        again: if the chapter was begun already, rename that folder and begin once more.

    Raises:
        Failure: there is no such chapter, or it was begun already and ``again`` is false.
    """
    stage = find_chapter(key)
    own = WORKSPACE / stage.name
    if own.exists():
        if not again:
            raise Failure(say("begin.there", number=stage.number, folder=display_path(own)))
        print(say("begin.aside", folder=display_path(put_aside(own))))
    before = stage_before(stage)
    try:
        copy_stage(before, own)
    except OSError:
        if own.exists():  # another command has begun the chapter at the same time
            raise Failure(say("begin.there", number=stage.number, folder=display_path(own))) from None
        raise
    progress = Progress()
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    progress.chapter(stage).update(begun=begun, passed=[], failed=[], ever_passed=[], next=None)
    progress.save()
    lang = messages.language()
    title = stage.title[lang]
    print(
        say(
            "begin.made",
            number=stage.number,
            title=title,
            folder=display_path(own),
            source=display_path(before.path),
        )
    )
    if before.number:
        print(say("begin.own", before=before.number))
    page = f"docs/{lang}/chapters/{stage.number:02}.md"
    url = f"http://127.0.0.1:{site_port()}/{'' if lang == 'en' else 'ko/'}chapters/{stage.number:02}.html"
    print(say("begin.lesson", page=page, url=url))
    print(say("begin.check", number=stage.number))
    print(say("begin.hint", number=stage.number))
    return 0


def put_aside(folder: Path) -> Path:
    """Give ``folder`` another name, the next that is free, and return it."""
    for number in count(1):
        other = folder.with_name(f"{folder.name}_old_{number}")
        if not other.exists():
            return folder.rename(other)
    raise AssertionError("there is always a next number")
