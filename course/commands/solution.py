"""`solution`: copies the finished files of a chapter beside the learner's."""

from __future__ import annotations

import shutil
import sys

import click

from course.errors import Failure
from course.judging.progress import Progress
from course.lessons.stages import copy_stage, find_chapter
from course.messages import say
from course.paths import WORKSPACE, display_path


def solution(key: str, yes: bool) -> int:
    """Copy the finished chapter into `workspace/NN_..._solution`.

    Args:
        yes: replace an existing folder without asking.

    Raises:
        Failure: the folder exists and must not be replaced.
    """
    stage = find_chapter(key)
    folder = WORKSPACE / f"{stage.name}_solution"
    shown = display_path(folder)
    if folder.exists():
        if not yes and not (sys.stdin.isatty() and click.confirm(say("solution.there", folder=shown))):
            raise Failure(say("solution.kept", folder=shown))
        shutil.rmtree(folder)
    copy_stage(stage, folder)
    progress = Progress()
    progress.chapter(stage)["solution"] = True
    progress.save()
    print(say("solution.made", number=stage.number, folder=shown))
    print(say("solution.compare", number=stage.number))
    return 0
