"""`check`: runs the course's tests on the learner's code and explains what to do next."""

from __future__ import annotations

from course.commands.display import Listing, plain_console, show_next
from course.errors import Failure
from course.judging.progress import Progress
from course.judging.runner import judge
from course.judging.submissions import find_submission
from course.messages import say
from course.setup.install import add_tools


def check(key: str, full: bool, chapter: str | None = None) -> int:
    """Show which behaviours the folder has and which are still to do; return 0 if it has all.

    Args:
        key, chapter: see `find_submission`.
        full: show pytest's whole output too.

    Raises:
        Failure: there is nothing to check, or the tests could not be run.
    """
    stage, folder = find_submission(key, chapter)
    add_tools(stage.number)
    console = plain_console()
    listing = Listing(console, stage)
    verdict = judge(folder, stage, full=full, on_result=listing.add)
    if verdict.could_not_run:
        raise Failure(say("check.failed", key=key))
    listing.finish(verdict)
    listing.show_leftovers(folder)
    show_next(console, verdict, stage, folder, key)
    Progress().record(verdict, stage, folder)
    return 1 if verdict.not_passed else 0
