"""`check --watch`: judges the folder after every save, first the behaviour to work on, then all."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from course.commands.display import Listing, plain_console, show_next
from course.errors import Failure
from course.judging.progress import Progress
from course.judging.results import Result, Verdict, next_result
from course.judging.runner import judge
from course.judging.submissions import find_submission
from course.lessons.behaviours import behaviours_of
from course.lessons.own_files import own_files
from course.lessons.stages import Stage
from course.messages import say

INTERVAL = 0.2  # seconds between two looks at the folder: every disk has times, not every disk has events

Snapshot = dict[str, tuple[int, int]]  # time of change and length, by file


def watch_folder(key: str) -> int:
    """Judge the learner's folder now and after every save, until Ctrl-C; return 0."""
    stage, folder = find_submission(key)
    console = plain_console()
    console.print(say("watch.begun", folder=escape(str(folder))))
    Watch(console, stage, folder, key).run()
    return 0


class Watch:
    """Judges one folder again and again."""

    def __init__(self, console: Console, stage: Stage, folder: Path, key: str) -> None:
        self.console, self.stage, self.folder, self.key = console, stage, folder, key
        self.seen: Snapshot = {}
        self.following: Result | None = None

    def run(self) -> None:
        """Judge, wait for a save, and judge again, until Ctrl-C."""
        listing = Listing(self.console, self.stage)
        self.seen = snapshot(self.folder)
        self._judge_all(listing)
        while True:
            changed = self._wait()
            now = f"{datetime.now():%H:%M:%S}"
            values = {"file": changed[0]} if len(changed) == 1 else {"count": len(changed)}
            message = say("watch.saved" if len(changed) == 1 else "watch.more", time=now, **values)
            self.console.print(f"\n[bold]{escape(message)}[/]")
            if self._judge_next():
                self._judge_all(None)

    def _wait(self) -> list[str]:
        """Wait until files change, and return their names."""
        while True:
            now = snapshot(self.folder)
            changed = [name for name in sorted({*now, *self.seen}) if now.get(name) != self.seen.get(name)]
            if changed:
                self.seen = now
                return changed
            time.sleep(INTERVAL)

    def _saved_again(self) -> bool:
        return snapshot(self.folder) != self.seen

    def _judge_next(self) -> bool:
        """Judge the behaviour to work on, for a quick answer; return False if a file was saved meanwhile.

        The very first behaviour is judged with it: if both fail for one reason, the code does not start.
        """
        if self.following is None:
            return True
        test = self.following.behaviour.test
        tests = (test, behaviours_of(0)[0].test)
        verdict = judge(self.folder, self.stage, tests=tests, cancelled=self._saved_again)
        if not verdict.complete:
            return False
        result = verdict.results[test]
        style, mark = ("green", "watch.now") if result.passed else ("yellow", "watch.still")
        self.console.print(f"[{style}]{say(mark)}[/]  {escape(result.behaviour.sentence)}")
        if not result.passed:
            self._show_next(verdict)
        return True

    def _judge_all(self, listing: Listing | None) -> None:
        began = time.monotonic()
        on_result = listing.add if listing else lambda result: None
        verdict = judge(self.folder, self.stage, on_result=on_result, cancelled=self._saved_again)
        if not verdict.complete:  # a file was saved meanwhile: judge that instead
            return
        before, self.following = self.following, next_result(verdict, self.stage, self._ever_passed())
        if listing:
            listing.finish(verdict)
        else:
            self._summary(verdict, time.monotonic() - began)
        same = before and self.following and before.behaviour.test == self.following.behaviour.test
        if listing or not same:  # otherwise _judge_next has just explained it
            self._show_next(verdict)
        Progress().record(verdict, self.stage, self.folder)

    def _show_next(self, verdict: Verdict) -> None:
        show_next(self.console, verdict, self.stage, self.folder, self.key, ever_passed=self._ever_passed())

    def _ever_passed(self) -> list[str]:
        """Return the tests that passed in an earlier check."""
        tests: list[str] = Progress().chapter(self.stage)["ever_passed"]
        return tests

    def _summary(self, verdict: Verdict, seconds: float) -> None:
        passed, total = verdict.passed_count, len(verdict.results)
        self.console.print(say("watch.rest", passed=passed, total=total, seconds=f"{seconds:.1f}"))


def snapshot(folder: Path) -> Snapshot:
    """Return the time of change and the length of each file in ``folder``.

    Raises:
        Failure: the folder is gone.
    """
    if not folder.is_dir():
        raise Failure(say("watch.gone", folder=folder))
    found: Snapshot = {}
    for name, path in own_files(folder).items():
        if path.name.startswith(".#") or path.name.endswith(("~", ".swp")):  # an editor's own file
            continue
        try:
            stat = path.stat()
        except OSError:  # an editor's temporary file, gone already
            continue
        found[name] = (stat.st_mtime_ns, stat.st_size)
    return found
