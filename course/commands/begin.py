"""`begin`: makes the learner's own folder for a chapter, and what to do in it."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from course import messages
from course.errors import Failure
from course.judging.progress import Progress
from course.lessons.own_files import REQUESTS_FILE, copy_own_files
from course.lessons.stages import Stage, find_chapter, make_folder, stage_before
from course.lessons.steps import build_step, find_step
from course.messages import say
from course.paths import REQUESTS, WORKSPACE, display_path
from course.setup.running import site_port


def begin(key: str, again: bool, step: int = 1) -> int:
    """Copy the stage before a chapter into `workspace/` and say what to do.

    Args:
        again: if the chapter was begun already, rename that folder and begin once more.
        step: the step to begin at; the folder has those before it.

    Raises:
        Failure: there is no such chapter or step, or it was begun already and ``again`` is false.
    """
    stage = find_chapter(key)
    if step != 1:
        find_step(stage, step)
    own = WORKSPACE / stage.name
    if own.exists():
        if not again:
            raise Failure(say("begin.there", number=stage.number, folder=display_path(own)))
        print(say("begin.aside", folder=display_path(put_aside(own))))
    before = stage_before(stage)
    try:
        make_folder(own, lambda new: _fill(new, stage, step))
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
    if step > 1:
        print(say("begin.step", before=step - 1))
    elif before.number:
        print(say("begin.own", before=before.number))
    url = f"http://127.0.0.1:{site_port()}/{'' if lang == 'en' else 'ko/'}chapters/{stage.number:02}.html"
    print(say("begin.lesson", url=url))
    print(say("begin.run"))
    print(say("begin.check", number=stage.number))
    print(say("begin.hint", number=stage.number))
    return 0


def _fill(folder: Path, stage: Stage, step: int) -> None:
    if step == 1:
        copy_own_files(stage_before(stage).path, folder, but=("steps",))
    else:
        build_step(stage, step - 1, folder)
    shutil.copyfile(REQUESTS / f"{stage.number:02}.http", folder / REQUESTS_FILE)


def put_aside(folder: Path) -> Path:
    """Give ``folder`` another name, the next that is free, and return it."""
    for number in count(1):
        other = folder.with_name(f"{folder.name}_old_{number}")
        if not other.exists():
            return folder.rename(other)
    raise AssertionError("there is always a next number")
