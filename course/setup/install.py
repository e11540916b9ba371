"""Sets the course up: `.venv` with the locked packages in it. Standard library only."""

from __future__ import annotations

from pathlib import Path

from course.errors import Failure
from course.messages import say
from course.paths import ROOT, VENV
from course.setup.environment import venv_python
from course.setup.exclusive import one_at_a_time
from course.setup.locks import CHAPTER_7, LEARNER, missing, outdated
from course.setup.packages import install
from course.setup.venv import (
    MARKER,
    check_python,
    is_current,
    make_venv,
    mark_finished,
    remove_venv,
    version_of,
)

PIPELINE = 7  # the first stage whose tests run other programs


def set_up(*added: Path) -> None:
    """Make `.venv` hold the packages of the learner's lock; do nothing when it does.

    Args:
        added: the locks whose packages it needs besides.

    Raises:
        Failure: with the sentence to show.
        OSError: the folder is read-only, the disk is full, ...
    """
    if ready(*added):
        return
    with one_at_a_time() as held:
        if ready(*added):  # another command made it while this one waited
            return
        for file in (LEARNER, *added):
            if not file.is_file():
                raise Failure(say("setup.no_lock", name=file.relative_to(ROOT).as_posix()))
        check_python()
        if not ready():
            print(_why(), flush=True)
            remove_venv()
            make_venv()
            install(LEARNER, held)
            mark_finished()
        for lock in added:
            if outdated(lock):
                add(lock, held)
        if not ready(*added):
            raise Failure(say("setup.does_not_start"))


def add(lock: Path, held: int) -> None:
    """Add the packages of ``lock`` to a finished `.venv`.

    Raises:
        Failure: they cannot be installed. `.venv` is as finished as it was, because an installer that fails
            has changed nothing. If this process is killed meanwhile, the next one makes `.venv` again.
    """
    print(say("setup.adding_tools" if lock == CHAPTER_7 else "setup.adding_tests"), flush=True)
    MARKER.unlink()
    try:
        install(lock, held)
    except Failure:
        mark_finished()
        raise
    mark_finished()


def add_tools(number: int) -> None:
    """Add the tools that judging a stage needs: the name of what was handed in need not say its chapter."""
    if number >= PIPELINE and outdated(CHAPTER_7):
        set_up(CHAPTER_7)


def ready(*added: Path) -> bool:
    """Return whether `.venv` is finished, starts, and holds the learner's packages and those of ``added``.

    A learner may have other versions of some than the learner's lock says, a newer pip for example.
    """
    try:
        return is_current() and not missing(LEARNER) and not any(map(outdated, added))
    except OSError:
        return False


def _why() -> str:
    if not VENV.exists():
        return say("setup.making")
    if not MARKER.exists():
        return say("setup.unfinished")
    if version_of(venv_python()) is None:
        return say("setup.python_gone")
    return say("setup.incomplete" if is_current() else "setup.changed")
