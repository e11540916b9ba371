"""What the shared tests say about one folder: asked of processes of their own, which the code may break."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from course.judging.protocol import Finding, Task
from course.judging.results import Result, Verdict
from course.lessons.behaviours import Behaviour, all_behaviours
from course.lessons.stages import Stage

LIMIT = 20.0  # seconds for one test; the slowest takes one, and a laptop may be busy
PATIENT_LIMIT = 100.0  # for chapter 7, whose tests run programs of their own
PIPELINE = 7
RESTARTS = 3  # how often the tests of one file go on after the code ended their process


@dataclass
class _Court:
    """One process at work, and what it has said so far."""

    task: Task
    process: Any
    pipe: Connection
    finished: set[str] = field(default_factory=set)
    running: str | None = None
    ended: bool = False


def judge(
    folder: Path,
    stage: Stage,
    *,
    tests: tuple[str, ...] = (),
    behaviours: Sequence[Behaviour] = (),
    full: bool = False,
    tell: Callable[[Result], None] = lambda result: None,
    outdated: Callable[[], bool] = lambda: False,
    limit: float = LIMIT,
) -> Verdict:
    """Run the shared tests on ``folder`` as if it were ``stage``, its own chapter's first.

    Args:
        tests: only these, as `file.py::function`; by default all.
        behaviours: judge by these and not by those of the chapters.
        full: let pytest print all it has to say as well.
        tell: called with each result as soon as it is certain.
        outdated: asked now and then; once it says yes, the rest is left.
        limit: seconds that one test may take.
    """
    asked = [b for b in behaviours or all_behaviours(stage) if not tests or b.test in tests]
    verdict = Verdict({behaviour.test: Result(behaviour) for behaviour in asked})
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        trial = _Trial(verdict, Path(scratch).resolve(), tell)
        for files in _shares(asked, bool(tests), full):
            patience = max(limit, PATIENT_LIMIT) if f"test_{PIPELINE:02}_" in str(files) else limit
            trial.waiting.append(Task(str(folder.resolve()), stage.name, files, "", patience, full=full))
        trial.run(outdated, 1 if full else os.cpu_count() or 1)
    return verdict


def _shares(asked: list[Behaviour], single: bool, full: bool) -> list[tuple[str, ...]]:
    """Divide the tests among processes: file by file, the newest chapter's first, for it is worked on."""
    if single:
        return [tuple(behaviour.test for behaviour in asked)]
    files = sorted({behaviour.test.partition("::")[0] for behaviour in asked}, reverse=True)
    return [tuple(sorted(files))] if full else [(file,) for file in files]


class _Trial:
    """Keeps the processes at work and gathers what they say."""

    def __init__(self, verdict: Verdict, scratch: Path, tell: Callable[[Result], None]) -> None:
        self.verdict, self.scratch, self.tell = verdict, scratch, tell
        self.waiting: list[Task] = []
        self.courts: list[_Court] = []
        self.restarts: Counter[tuple[str, ...]] = Counter()
        self.serial = count(1)
        self.stuck = False

    def run(self, outdated: Callable[[], bool], workers: int) -> None:
        try:
            while (self.waiting or self.courts) and not self.stuck:
                while self.waiting and len(self.courts) < workers:
                    self.courts.append(self._open(self.waiting.pop(0)))
                for pipe in wait([court.pipe for court in self.courts], timeout=0.1):
                    self._hear(next(court for court in self.courts if court.pipe is pipe))
                if outdated():
                    self.verdict.whole = False
                    return
        finally:
            for court in self.courts:
                court.process.kill()
                court.process.join()
        if not self.stuck:
            self.verdict.leave_out_the_unasked()

    def _open(self, task: Task) -> _Court:
        scratch = self.scratch / str(next(self.serial))
        scratch.mkdir()
        task = Task(**{**vars(task), "scratch": str(scratch)})
        ours, theirs = _context().Pipe(duplex=False)
        process = _context().Process(target=_hold, args=(theirs, task), daemon=True)
        process.start()
        theirs.close()
        return _Court(task, process, ours)

    def _hear(self, court: _Court) -> None:
        try:
            message = court.pipe.recv()
        except (EOFError, OSError):
            self._close(court)
            return
        kind, *what = message
        if kind == "start":
            court.running = what[0]
        elif kind == "finish":
            court.running = None
            court.finished.add(what[0])
        elif kind == "end":
            court.ended = True
        if kind in ("found", "failed", "finish") and (certain := self.verdict.hear(kind, *what)):
            self.tell(certain)

    def _close(self, court: _Court) -> None:
        """Take leave of a process; one that did not say so first was ended by the learner's code."""
        self.courts.remove(court)
        court.pipe.close()
        court.process.join()
        if court.ended or court.running is None:
            return
        hangs = Path(court.task.scratch, "hangs.txt")
        dump = hangs.read_text(encoding="utf-8", errors="replace") if hangs.is_file() else ""
        self.stuck = bool(dump)
        finding = Finding(traceback=dump, seconds=court.task.limit)
        result = self.verdict.settle(court.running, "hung" if dump else "ended", finding)
        self.tell(result)
        skipped = court.task.skipped | court.finished | {court.running}
        files = court.task.tests
        if not self.stuck and self.restarts[files] < RESTARTS:
            self.restarts[files] += 1
            self.waiting.insert(0, Task(**{**vars(court.task), "skipped": frozenset(skipped)}))


@cache
def _context() -> Any:
    """Return how to start processes: forked from one that has all libraries, on Windows each from scratch."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["course.judging.worker"])
    return context


def _hold(results: Connection, task: Task) -> None:
    from course.judging.worker import (
        hold,  # here, because this process never needs the libraries that it brings
    )

    hold(results, task)
