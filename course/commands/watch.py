"""`check --watch`: every save is answered, first for the behaviour that is next, then for all."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from course.commands.check import Listing, named_stage, note, plain_console, show_next, what_to_check
from course.errors import Failure
from course.judging.progress import Progress
from course.judging.results import Result, Verdict, next_result
from course.judging.runner import judge
from course.lessons.behaviours import behaviours_of
from course.lessons.stages import Stage, files_of
from course.messages import say

INTERVAL = 0.2  # seconds between two looks at the folder: every disk tells times, not all tell events

Snapshot = dict[str, tuple[int, int]]


def watch(key: str) -> int:
    """Judge the learner's folder now and after every save, until Ctrl-C; return 0."""
    stage, folder = what_to_check(key)
    console = plain_console()
    console.print(say("watch.begun", folder=escape(str(folder))))
    Watch(console, stage, folder, key).run()
    return 0


class Watch:
    """One folder, and what is known of it."""

    def __init__(self, console: Console, stage: Stage, folder: Path, key: str) -> None:
        self.console, self.stage, self.folder, self.key = console, named_stage(stage.name), folder, key
        self.seen: Snapshot = {}
        self.following: Result | None = None

    def run(self) -> None:
        """Look, judge, and look again."""
        listing = Listing(self.console, self.stage)
        self.seen = snapshot(self.folder)
        self._judge_all(listing)
        while True:
            changed = self._wait()
            now = f"{datetime.now():%H:%M:%S}"
            said = {"file": changed[0]} if len(changed) == 1 else {"count": len(changed)}
            message = say("watch.saved" if len(changed) == 1 else "watch.more", time=now, **said)
            self.console.print(f"\n[bold]{escape(message)}[/]")
            if self._judge_next():
                self._judge_all(None)

    def _wait(self) -> list[str]:
        """Return which files have changed, once some have."""
        while True:
            now = snapshot(self.folder)
            changed = [name for name in sorted({*now, *self.seen}) if now.get(name) != self.seen.get(name)]
            if changed:
                self.seen = now
                return changed
            time.sleep(INTERVAL)

    def _outdated(self) -> bool:
        return snapshot(self.folder) != self.seen

    def _judge_next(self) -> bool:
        """Judge the behaviour that is next before the others: the quick answer. Return whether to go on.

        The very first one is judged with it. If both fail for one reason, the code does not start.
        """
        if self.following is None:
            return True
        test = self.following.behaviour.test
        tests = (test, behaviours_of(0)[0].test)
        verdict = judge(self.folder, self.stage, tests=tests, outdated=self._outdated)
        if not verdict.whole:
            return False
        result = verdict.results[test]
        style, mark = ("green", "watch.now") if result.kept else ("yellow", "watch.still")
        self.console.print(f"[{style}]{say(mark)}[/]  {escape(result.behaviour.sentence)}")
        if not result.kept:
            self._show_next(verdict)
        return True

    def _judge_all(self, listing: Listing | None) -> None:
        began = time.monotonic()
        tell = listing.tell if listing else lambda result: None
        verdict = judge(self.folder, self.stage, tell=tell, outdated=self._outdated)
        if not verdict.whole:  # saved once more meanwhile: that is judged instead
            return
        before, self.following = self.following, next_result(verdict, self.stage, self._ever())
        if listing:
            listing.finish(verdict)
        else:
            self._summary(verdict, time.monotonic() - began)
        same = before and self.following and before.behaviour.test == self.following.behaviour.test
        if listing or not same:  # else it was explained a moment ago
            self._show_next(verdict)
        note(verdict, self.stage, self.folder)

    def _show_next(self, verdict: Verdict) -> None:
        show_next(self.console, verdict, self.stage, self.folder, self.key, ever=self._ever())

    def _ever(self) -> list[str]:
        """Return the tests that an earlier check has seen kept."""
        ever: list[str] = Progress().chapter(self.stage)["ever"]
        return ever

    def _summary(self, verdict: Verdict, seconds: float) -> None:
        kept, total = len(verdict.results) - len(verdict.missing), len(verdict.results)
        self.console.print(say("watch.rest", kept=kept, total=total, seconds=f"{seconds:.1f}"))


def snapshot(folder: Path) -> Snapshot:
    """Return when each file of ``folder`` was changed and how long it is.

    Raises:
        Failure: the folder is gone.
    """
    if not folder.is_dir():
        raise Failure(say("watch.gone", folder=folder))
    found: Snapshot = {}
    for name, path in files_of(folder).items():
        if path.name.startswith(".#") or path.name.endswith(("~", ".swp")):  # an editor's own
            continue
        try:
            stat = path.stat()
        except OSError:  # an editor's temporary file, gone already
            continue
        found[name] = (stat.st_mtime_ns, stat.st_size)
    return found
