"""`check --watch`: judges the folder after every save, first the behaviour to work on, then all."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime
from hashlib import blake2b
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from course.commands.display import Listing, plain_console, show_next
from course.errors import Failure
from course.judging.advice import next_step
from course.judging.progress import Progress
from course.judging.results import Result, Verdict
from course.judging.runner import judge
from course.judging.submissions import find_submission
from course.lessons.behaviours import behaviours_of
from course.lessons.own_files import own_files
from course.lessons.stages import Stage
from course.messages import say

INTERVAL = 0.2  # seconds between two looks at the folder: every disk can be read, not every disk has events
SHARE = 4  # on a slow disk, the time between two looks is this many times as long as a look
QUIET = 0.1  # seconds without a change after which a save is complete: editors take several steps
GONE = 1.0  # seconds after which a missing folder will not come back
LARGE = 1_000_000  # bytes from which a file is known by its size and times instead of its content

#: What is known of each file: a digest of its content. Times are not enough: some disks count in seconds, and
#: a file that is restored keeps its old one.
Snapshot = dict[str, object]


def watch_folder(key: str, chapter: str | None = None) -> int:
    """Judge the learner's folder now and after every save, until Ctrl-C; return 0."""
    if Path(key).is_file():
        raise Failure(say("watch.no_folder", key=key))
    stage, folder = find_submission(key, chapter)
    console = plain_console()
    console.print(say("watch.begun", folder=escape(str(folder))))
    with suppress(KeyboardInterrupt):
        Watch(console, stage, folder, key).run()
    console.print("\n" + say("watch.ended"))
    return 0


class Watch:
    """Judges one folder again and again."""

    def __init__(self, console: Console, stage: Stage, folder: Path, key: str) -> None:
        self.console, self.stage, self.folder, self.key = console, stage, folder, key
        self.seen: Snapshot = {}  # what is judged
        self.complete = False  # whether that was judged to its end
        self.listed = False  # whether the whole list was shown
        self.next_look = 0.0
        self.following: Result | None = None

    def run(self) -> None:
        """Judge, wait for a save, and judge again, until Ctrl-C."""
        self.seen = self._settle(self._look())
        self._judge_all()
        while True:
            if changed := self._wait():
                self._announce(changed)
            if self._judge_next():
                self._judge_all()

    def _wait(self) -> list[str]:
        """Wait until there is something to judge, and return the names of the files that changed."""
        while True:
            now = self._look()
            if now != self.seen or not self.complete:
                now, before = self._settle(now), self.seen
                changed = [name for name in sorted({*now, *before}) if now.get(name) != before.get(name)]
                if changed or not self.complete:
                    self.seen = now
                    return changed
            time.sleep(max(0.0, self.next_look - time.monotonic()))

    def _look(self) -> Snapshot:
        """Look at the folder, which may be missing for a moment while another takes its place."""
        began = time.monotonic()
        while not self.folder.is_dir():
            if time.monotonic() - began > GONE:
                raise Failure(say("watch.gone", folder=self.folder))
            time.sleep(QUIET)
        found = snapshot(self.folder)
        ended = time.monotonic()
        self.next_look = ended + max(INTERVAL, SHARE * (ended - began))
        return found

    def _settle(self, now: Snapshot) -> Snapshot:
        """Wait until the folder does not change any more, and return its state."""
        while True:
            time.sleep(QUIET)
            before, now = now, self._look()
            if now == before:
                return now

    def _saved_again(self) -> bool:
        return time.monotonic() > self.next_look and self._look() != self.seen

    def _announce(self, changed: list[str]) -> None:
        now = f"{datetime.now():%H:%M:%S}"
        values = {"file": changed[0]} if len(changed) == 1 else {"count": len(changed)}
        message = say("watch.saved" if len(changed) == 1 else "watch.more", time=now, **values)
        self.console.print(f"\n[bold]{escape(message)}[/]")

    def _judge_next(self) -> bool:
        """Judge the behaviour to work on, for a quick answer; return False if a file was saved meanwhile.

        The very first behaviour is judged with it: if both fail for one reason, the code does not start.
        """
        if self.following is None:
            return True
        test = self.following.behaviour.test
        tests = (test, behaviours_of(0)[0].test)
        verdict = judge(self.folder, self.stage, tests=tests, cancelled=self._saved_again)
        self.complete = verdict.complete
        if not verdict.complete:
            return False
        result = verdict.results[test]
        style, mark = ("green", "watch.now") if result.passed else ("yellow", "watch.still")
        self.console.print(f"[{style}]{say(mark)}[/]  {escape(result.behaviour.sentence)}")
        if not result.passed:
            self._show_next(verdict)
        return True

    def _judge_all(self) -> None:
        began = time.monotonic()
        listing = None if self.listed else Listing(self.console, self.stage)
        on_result = listing.add if listing else lambda result: None
        verdict = judge(self.folder, self.stage, on_result=on_result, cancelled=self._saved_again)
        self.complete = verdict.complete
        if not verdict.complete:  # a file was saved meanwhile: judge that instead
            return
        self.listed = verdict.passed_count > 0  # until then there is no list
        before, advice = self.following, next_step(verdict, self.stage, self._ever_passed(), self.folder)
        self.following = advice.result if advice else None
        if listing:
            listing.finish(verdict)
            listing.show_leftovers(self.folder)
        else:
            self._summary(verdict, time.monotonic() - began)
        same = before and self.following and before.behaviour.test == self.following.behaviour.test
        if listing or not same:  # otherwise _judge_next has just explained it
            self._show_next(verdict)
        Progress().record(verdict, self.stage, self.folder)

    def _show_next(self, verdict: Verdict) -> None:
        show_next(self.console, verdict, self.stage, self.folder, self.key)

    def _ever_passed(self) -> list[str]:
        """Return the tests that passed in an earlier check."""
        return Progress().ever_passed(self.stage, self.folder)

    def _summary(self, verdict: Verdict, seconds: float) -> None:
        passed, total = verdict.passed_count, len(verdict.results)
        self.console.print(say("watch.rest", passed=passed, total=total, seconds=f"{seconds:.1f}"))


def snapshot(folder: Path) -> Snapshot:
    """Return what is known of each of the learner's files in ``folder``."""
    found: Snapshot = {}
    for name, path in own_files(folder).items():
        with suppress(OSError):  # gone since it was listed
            stat = path.stat()
            if stat.st_size < LARGE:
                found[name] = blake2b(path.read_bytes()).digest()
            else:
                found[name] = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
    return found
