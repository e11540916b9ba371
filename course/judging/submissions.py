"""Finds the learner's folder: the one in `workspace/`, any other, or a zip from the lab in the page."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from course.errors import Failure
from course.lessons.stages import Stage, all_stages, find_stage
from course.messages import say
from course.paths import STATE, WORKSPACE


def find_submission(key: str) -> tuple[Stage, Path]:
    """Return the stage that ``key`` names and the learner's folder for it.

    Args:
        key: a chapter, whose folder is in `workspace/`; or a folder with a chapter's name; or a zip of one.

    Raises:
        Failure: there is no such stage, or the learner has not begun it.
    """
    folder = unpack(Path(key)) if key.endswith(".zip") and Path(key).is_file() else Path(key)
    if folder.is_dir() and (folder.name != key or not (WORKSPACE / key).is_dir()):  # `final` may be both
        return find_stage(folder.resolve().name), folder.resolve()
    stage = find_stage(key)
    own = WORKSPACE / stage.name
    if not own.is_dir():
        raise Failure(say("check.nothing", number=stage.number))
    return stage, own


def unpack(archive: Path) -> Path:
    """Unpack a zip that the lab made and return the folder in it, below `.course`.

    Raises:
        Failure: it is not a zip of one folder with a chapter's name.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            tops = {name.partition("/")[0] for name in opened.namelist()}
            stages = {stage.name for stage in all_stages()}
            if len(tops) != 1 or not tops <= stages:
                raise Failure(say("check.no_zip", archive=archive))
            target = STATE / "unpacked"
            shutil.rmtree(target, ignore_errors=True)
            opened.extractall(target)  # no path in a zip can leave this folder: extractall sees to that
    except zipfile.BadZipFile:
        raise Failure(say("check.no_zip", archive=archive)) from None
    return target / tops.pop()
