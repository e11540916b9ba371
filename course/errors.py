"""Failures as sentences: what went wrong and how to fix it. Standard library only."""

from __future__ import annotations

import errno
from pathlib import Path

from course.messages import say
from course.paths import ROOT


class Failure(Exception):
    """Ends a command with one sentence, which is all that the learner sees."""


def explain_os_error(error: OSError) -> str:
    """Return the sentence for a file system error."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return say("setup.disk")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        if error.filename and Path(error.filename).exists() and getattr(error, "winerror", None) == 32:
            return say("setup.in_use", file=error.filename)
        return say("setup.read_only", folder=ROOT)
    return say("setup.refused", error=error)
