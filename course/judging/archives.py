"""A zip that the lab in the page has made: its files, laid out so that they can be judged."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from course.errors import Failure
from course.lessons.stages import all_stages
from course.messages import say
from course.paths import STATE


def unpack(archive: Path) -> Path:
    """Return the folder that ``archive`` holds, unpacked anew into `.course`.

    Raises:
        Failure: it is no zip, or not of one folder that is named like a chapter.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            tops = {name.partition("/")[0] for name in opened.namelist()}
            stages = {stage.name for stage in all_stages()}
            if len(tops) != 1 or not tops <= stages:
                raise Failure(say("check.no_zip", archive=archive))
            target = STATE / "unpacked"
            shutil.rmtree(target, ignore_errors=True)
            opened.extractall(target)  # which leaves no path out of the folder
    except zipfile.BadZipFile:
        raise Failure(say("check.no_zip", archive=archive)) from None
    return target / tops.pop()
