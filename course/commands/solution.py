"""`solution`: the finished files of a chapter, beside the learner's."""

from __future__ import annotations

import shutil
import sys

import click

from course.commands.begin import copy_stage, named, named_chapter
from course.errors import Failure
from course.judging.progress import Progress
from course.messages import say
from course.paths import WORKSPACE


def solution(key: str, yes: bool) -> int:
    """Copy the finished chapter into `workspace/NN_..._solution`.

    Args:
        yes: replace a folder that is there without asking.

    Raises:
        Failure: the folder is there, and it is not to be replaced.
    """
    stage = named_chapter(key)
    folder = WORKSPACE / f"{stage.name}_solution"
    if folder.exists():
        if not yes and not (
            sys.stdin.isatty() and click.confirm(say("solution.there", folder=named(folder)))
        ):
            raise Failure(say("solution.kept", folder=named(folder)))
        shutil.rmtree(folder)
    copy_stage(stage, folder)
    progress = Progress()
    progress.chapter(stage)["solution"] = True
    progress.save()
    print(say("solution.made", number=stage.number, folder=named(folder)))
    print(say("solution.compare", number=stage.number))
    return 0
