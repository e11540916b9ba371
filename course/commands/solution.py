"""`solution`: copies the finished files of a chapter beside the learner's."""

from __future__ import annotations

import shutil
import sys

import click

from course.errors import Failure
from course.judging.progress import Progress
from course.lessons.stages import copy_stage, find_chapter, make_folder
from course.lessons.steps import build_step, find_step
from course.messages import say
from course.paths import WORKSPACE, display_path


def solution(key: str, yes: bool, step: int | None = None) -> int:
    """Copy the finished chapter into `workspace/NN_..._solution`.

    Args:
        yes: replace an existing folder without asking.
        step: copy the state after this step instead, into `workspace/NN_..._step_K`.

    Raises:
        Failure: the folder exists and must not be replaced.
    """
    stage = find_chapter(key)
    folder = WORKSPACE / f"{stage.name}_{'solution' if step is None else f'step_{step}'}"
    if step is not None:
        find_step(stage, step)
    shown = display_path(folder)
    if folder.exists():
        if not yes and not (sys.stdin.isatty() and click.confirm(say("solution.there", folder=shown))):
            raise Failure(say("solution.kept", folder=shown))
        shutil.rmtree(folder)
    if step is None:
        copy_stage(stage, folder)
    else:
        make_folder(folder, lambda new: build_step(stage, step, new))
    progress = Progress()
    progress.chapter(stage)["solution"] = True
    progress.save()
    message = "solution.made" if step is None else "solution.step"
    print(say(message, number=stage.number, folder=shown, step=step))
    print(say("solution.compare", number=stage.number))
    return 0
