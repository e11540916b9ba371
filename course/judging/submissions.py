"""Finds what to judge: the learner's folder in `workspace/`, or what was handed in, a folder or a zip."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from course.errors import Failure
from course.judging.archives import unpack
from course.lessons.own_files import own_files
from course.lessons.stages import Stage, UnknownStage, chapters, find_stage
from course.messages import say
from course.paths import WORKSPACE

NESTED = 2  # folders around the work: the learner's name, the chapter's


def find_submission(key: str, chapter: str | None = None) -> tuple[Stage, Path]:
    """Return the stage that ``key`` is judged as, and the folder of the work.

    Args:
        key: a chapter, whose folder is in `workspace/`; or a folder or zip with the work in it.
        chapter: the stage of a folder or zip. Without it, their names say it, the innermost first.

    Raises:
        Failure: there is no such stage, folder or zip; no name says the stage; or it has not been begun.
    """
    given = Path(key)
    stage = find_stage(chapter) if chapter else None
    if given.is_file():
        folder, names = unpack(given), [given.stem]
    elif given.is_dir() and (given.name != key or not (WORKSPACE / key).is_dir()):  # `final` may be both
        folder = given.resolve()
        names = [folder.name]
    elif given.suffix.lower() == ".zip" or given.name != key:
        raise Failure(say("check.not_there", key=key))
    else:
        stage = stage or find_stage(key)
        own = WORKSPACE / find_stage(key).name
        if not own.is_dir():
            raise Failure(say("check.nothing", number=stage.number))
        return stage, own
    work = find_work(folder, stage)
    names += work.relative_to(folder).parts
    stage = stage or next(filter(None, map(_stage_of, reversed(names))), None)
    if stage is None:
        raise Failure(say("check.which", name=key))
    return stage, work


def find_work(folder: Path, stage: Stage | None) -> Path:
    """Return the folder with the work: ``folder``, or one below it if there is nothing else beside that.

    Args:
        stage: of several folders, the one that is named like this stage, or like any.
    """
    inner = folder
    for _ in range(NESTED + 1):
        files = [PurePosixPath(name) for name in own_files(inner)]
        if any(len(path.parts) == 1 and path.suffix == ".py" for path in files):
            return inner
        if PurePosixPath("app/__init__.py") in files:
            return inner
        below = {path.parts[0] for path in files if len(path.parts) > 1}
        named = [name for name in below if (found := _stage_of(name)) and stage in (None, found)]
        if len(named) != 1 and len(below) != 1:
            break
        inner /= (named or list(below))[0]
    return folder


def _stage_of(name: str) -> Stage | None:
    """Return the stage that a name says, also as browsers and learners change it: `01_views… (1)`."""
    try:
        return find_stage(name)
    except UnknownStage:
        return next((stage for stage in chapters() if name.startswith(stage.name)), None)
