"""Runs the shared tests on one folder in worker processes, which the learner's code may break."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from multiprocessing.connection import Connection, wait
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from typing import Any

from course.judging.pipe import Receiver, Sender
from course.judging.protocol import Finding, Task
from course.judging.results import Result, Verdict
from course.lessons.behaviours import Behaviour, all_behaviours
from course.lessons.stages import Stage

LIMIT = 20.0  # seconds for one test; the slowest takes one, and a laptop may be busy
PIPELINE, PIPELINE_LIMIT = 7, 100.0  # the tests of chapter 7 run other programs
RESTARTS = 3  # how often the tests of one file continue after the code ended their process
START = 120.0  # seconds for a process to load its libraries: a cold disk and a virus scanner make it long
SILENCE = 20.0  # seconds beyond the limit of one test after which a process that says nothing is killed


@dataclass
class _Worker:
    """One process, and what it has sent so far."""

    task: Task
    process: Any
    results: Receiver
    found: frozenset[str] | None = None  # the cases, listed before the learner's code is loaded
    finished: set[str] = field(default_factory=set)
    running: str | None = None
    heard: float = field(default_factory=time.monotonic)  # when it sent something last

    def is_over(self, ready: Collection[Any]) -> bool:
        """Whether the process has ended, though one that it has started may hold the pipe."""
        if self.process.sentinel in ready or os.name == "nt":
            return self.process.sentinel in ready
        try:
            os.kill(self.process.pid, 0)  # asks whether it exists
        except ProcessLookupError:
            return True
        return False

    @property
    def patience(self) -> float:
        """For how many seconds it may say nothing."""
        return START if self.found is None else self.task.limit + SILENCE

    def follow(self, kind: str, *values: Any) -> None:
        """Note what a message says about the course of the tests.

        Raises:
            ValueError: it does not fit those before.
        """
        self.heard = time.monotonic()
        if kind == "found" and self.found is None:
            self.found = frozenset(values[0])
        elif kind == "start" and self.running is None and values[0] in (self.found or ()):
            self.running = values[0]
        elif kind == "finish" and values[0] == self.running:
            self.finished.add(values[0])
            self.running = None
        elif not (kind == "failed" and values[0] == self.running) and kind != "end":
            raise ValueError(f"{kind} does not fit")

    def end(self) -> None:
        """End the process, and those that the learner's code has started."""
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.results.pipe.close()


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
                ends = [
                    end for worker in self.workers for end in (worker.results.pipe, worker.process.sentinel)
                ]
                ready = wait(ends, timeout=0.1)
                for worker in list(self.workers):
                    if worker.results.pipe in ready:
                        self._receive(worker)
                    elif worker.is_over(ready):
                        self._finish(worker)
                    elif time.monotonic() - worker.heard > worker.patience:
                        self._finish(worker, hung=True)
                if cancelled():
                    self.verdict.complete = False
                    return
        finally:
            for worker in self.workers:
                worker.end()
        if not self.hung:
            self.verdict.drop_superseded()

    def _start(self, task: Task) -> _Worker:
        scratch = self.scratch / str(next(self.serial))
        scratch.mkdir()
        task = replace(task, scratch=str(scratch))
        ours, theirs = _context().Pipe(duplex=False)
        secret = token_hex()
        process = _context().Process(target=_run_worker, args=(theirs, secret, task), daemon=True)
        process.start()
        theirs.close()
        return _Worker(task, process, Receiver(ours, secret))

    def _receive(self, worker: _Worker) -> None:
        """Take the next message of a worker that has sent one, or has ended."""
        try:
            if not worker.results.pipe.poll():  # its process is over, though one that it started has the pipe
                raise EOFError
            kind, values = worker.results.receive()
            worker.follow(kind, *values)
        except (
            EOFError,
            OSError,
            ValueError,
            TypeError,
            KeyError,
        ):  # it is over, or no longer speaks for itself
            self._finish(worker)
            return
        if kind == "end":
            self._finish(worker)
        elif kind in ("found", "failed", "finish") and (final := self.verdict.receive(kind, *values)):
            self.on_result(final)

    def _finish(self, worker: _Worker, hung: bool = False) -> None:
        """Remove a process that is over; if a test was running or is left, the learner's code ended it."""
        self.workers.remove(worker)
        worker.end()
        left = (worker.found or frozenset()) - worker.finished
        if not left:
            return
        hangs = Path(worker.task.scratch, "hangs.txt")
        dump = hangs.read_text(encoding="utf-8", errors="replace") if hangs.is_file() else ""
        finding = Finding(traceback=dump, seconds=worker.task.limit)
        if worker.running:
            self.hung = bool(dump) or hung
            state = "hung" if self.hung else "ended"
            self.on_result(self.verdict.record_failure(worker.running, state, finding))
        files = worker.task.tests
        if not self.hung and self.restarts[files] < RESTARTS:
            self.restarts[files] += 1
            skipped = worker.task.skipped | worker.finished | ({worker.running} if worker.running else set())
            self.waiting.insert(0, replace(worker.task, skipped=frozenset(skipped)))


@cache
def _context() -> Any:
    """Return how to start processes: forked from one that has all libraries, on Windows each from scratch."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["course.judging.worker"])
    return context


def _run_worker(pipe: Connection, secret: str, task: Task) -> None:
    from course.judging.worker import run_worker  # not at the top: this process does not need its libraries

    if os.name == "posix":  # what the code writes to the pipes of multiprocessing would end this program
        for descriptor in {int(path.name) for path in Path("/dev/fd").iterdir()} - {0, 1, 2, pipe.fileno()}:
            with suppress(OSError):  # that of the list
                os.close(descriptor)
    run_worker(Sender(pipe, secret), task)
