"""Runs the shared tests on one folder in worker processes, which the learner's code may break."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
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
PIPELINE, PIPELINE_LIMIT = 7, 100.0  # the tests of chapter 7 run other programs
RESTARTS = 3  # how often the tests of one file continue after the code ended their process


@dataclass
class _Worker:
    """One process, and what it has sent so far."""

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
    on_result: Callable[[Result], None] = lambda result: None,
    cancelled: Callable[[], bool] = lambda: False,
    limit: float = LIMIT,
) -> Verdict:
    """Run the shared tests on ``folder`` as if it were ``stage``, its own chapter's first.

    Args:
        tests: only these, as `file.py::function`; by default all.
        behaviours: require these instead of the chapters' own.
        full: let pytest print its whole output too.
        on_result: called with each result as soon as it is final.
        cancelled: called now and then; when it returns True, the check stops.
        limit: seconds that one test may take.
    """
    required = [b for b in behaviours or all_behaviours(stage) if not tests or b.test in tests]
    verdict = Verdict({behaviour.test: Result(behaviour) for behaviour in required})
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        pool = _Pool(verdict, Path(scratch).resolve(), on_result)
        for files in _shares(required, bool(tests), full):
            seconds = max(limit, PIPELINE_LIMIT) if f"test_{PIPELINE:02}_" in str(files) else limit
            pool.waiting.append(Task(str(folder.resolve()), stage.name, files, "", seconds, full=full))
        pool.run(cancelled, 1 if full else os.cpu_count() or 1)
    return verdict


def _shares(required: list[Behaviour], single: bool, full: bool) -> list[tuple[str, ...]]:
    """Divide the tests among processes: file by file, the newest chapter's first, as the learner edits it."""
    if single:
        return [tuple(behaviour.test for behaviour in required)]
    files = sorted({behaviour.test.partition("::")[0] for behaviour in required}, reverse=True)
    return [tuple(sorted(files))] if full else [(file,) for file in files]


class _Pool:
    """Runs tasks in worker processes and collects their messages in a verdict."""

    def __init__(self, verdict: Verdict, scratch: Path, on_result: Callable[[Result], None]) -> None:
        self.verdict, self.scratch, self.on_result = verdict, scratch, on_result
        self.waiting: list[Task] = []
        self.workers: list[_Worker] = []
        self.restarts: Counter[tuple[str, ...]] = Counter()
        self.serial = count(1)
        self.hung = False

    def run(self, cancelled: Callable[[], bool], most: int) -> None:
        """Run all tasks, at most ``most`` at a time, until one test hangs or the check is cancelled."""
        try:
            while (self.waiting or self.workers) and not self.hung:
                while self.waiting and len(self.workers) < most:
                    self.workers.append(self._start(self.waiting.pop(0)))
                for pipe in wait([worker.pipe for worker in self.workers], timeout=0.1):
                    self._receive(next(worker for worker in self.workers if worker.pipe is pipe))
                if cancelled():
                    self.verdict.complete = False
                    return
        finally:
            for worker in self.workers:
                worker.process.kill()
                worker.process.join()
        if not self.hung:
            self.verdict.drop_superseded()

    def _start(self, task: Task) -> _Worker:
        scratch = self.scratch / str(next(self.serial))
        scratch.mkdir()
        task = replace(task, scratch=str(scratch))
        ours, theirs = _context().Pipe(duplex=False)
        process = _context().Process(target=_run_worker, args=(theirs, task), daemon=True)
        process.start()
        theirs.close()
        return _Worker(task, process, ours)

    def _receive(self, worker: _Worker) -> None:
        try:
            kind, *values = worker.pipe.recv()
        except (EOFError, OSError):
            self._finish(worker)
            return
        if kind == "start":
            worker.running = values[0]
        elif kind == "finish":
            worker.running = None
            worker.finished.add(values[0])
        elif kind == "end":
            worker.ended = True
        if kind in ("found", "failed", "finish") and (final := self.verdict.receive(kind, *values)):
            self.on_result(final)

    def _finish(self, worker: _Worker) -> None:
        """Remove a process that is over; without an "end" message, the learner's code ended it."""
        self.workers.remove(worker)
        worker.pipe.close()
        worker.process.join()
        if worker.ended or worker.running is None:
            return
        hangs = Path(worker.task.scratch, "hangs.txt")
        dump = hangs.read_text(encoding="utf-8", errors="replace") if hangs.is_file() else ""
        self.hung = bool(dump)
        finding = Finding(traceback=dump, seconds=worker.task.limit)
        self.on_result(self.verdict.record_failure(worker.running, "hung" if dump else "ended", finding))
        files = worker.task.tests
        if not self.hung and self.restarts[files] < RESTARTS:
            self.restarts[files] += 1
            skipped = worker.task.skipped | worker.finished | {worker.running}
            self.waiting.insert(0, replace(worker.task, skipped=frozenset(skipped)))


@cache
def _context() -> Any:
    """Return how to start processes: forked from one that has all libraries, on Windows each from scratch."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["course.judging.worker"])
    return context


def _run_worker(channel: Connection, task: Task) -> None:
    from course.judging.worker import run_worker  # not at the top: this process does not need its libraries

    run_worker(channel, task)
