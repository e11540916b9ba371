"""Runs tests on changed copies of a stage: with a fault, a mutant or the solution of a task in it.

Each run is a process of its own, which can be ended whatever it does: deliberately wrong code may wait
for ever, and may start programs. It is forked from a process that has collected the tests, see forking.py.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import signal
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from compileall import compile_dir
from contextlib import contextmanager, suppress
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Self

from strength.forking import Collected, Reply, Report, Request, serve

from course.lessons.own_files import copy_own_files
from course.lessons.stages import Stage
from course.paths import ROOT

CAN_FORK = hasattr(os, "fork")
WINDOWS = "Windows cannot fork, and the tests are as good there as elsewhere"
LIMIT = 100  # seconds for one test: a browser waits for half a minute before it reports what is missing
#: Where Linux keeps files in memory. Without waiting for a disk, a run is a third cheaper.
MEMORY_DISK = "/dev/shm"  # noqa: S108 -- a folder with an unguessable name is made in it


class NotEnded(Exception):
    """The run did not end in time or was ended by a signal; the message says where it was."""


class Harness:
    """A process that has collected some tests, and runs them on request.

    Args:
        tests: files or folders.

    Raises:
        ValueError: they cannot be collected; the message says why.
    """

    def __init__(self, tests: Iterable[Path]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, sorted(map(str, tests))), daemon=True)
        self._process.start()
        theirs.close()  # so that a process that ends is noticed here
        memory = MEMORY_DISK if os.access(MEMORY_DISK, os.W_OK) else None
        self._folder = tempfile.TemporaryDirectory("", "course-", memory, ignore_cleanup_errors=True)
        self._modules: list[str] = []
        self._compiled: dict[Path, Path] = {}  # copies of the stages, with their bytecode
        try:
            problems, tests = self._pipe.recv()
        except EOFError:
            raise ValueError("pytest does not start") from None
        if problems:
            raise ValueError("\n".join(problems))
        self.tests: list[Collected] = tests

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()
        self._process.join()
        self._folder.cleanup()

    def find(self, test: str, stage: str) -> list[str]:
        """Return the ids of all cases of ``test`` on ``stage``, or of the one case that it names.

        Args:
            test: `file.py::test` or `file.py::test[case]`, as seen from tests/.
        """
        return [one.id for one in self.tests if one.stage in (None, stage) and test in names(one.id)]

    def tests_in(self, file: Path, stage: str) -> list[str]:
        """Return the ids of the tests of ``file`` on ``stage``."""
        ids = [
            one.id
            for one in self.tests
            if one.stage in (None, stage) and Path(one.id.split("::")[0]).name == file.name
        ]
        if not ids:
            raise ValueError(f"{file} has no test of {stage}")
        return ids

    @contextmanager
    def copy(self, stage: Path) -> Iterator[Path]:
        """Lend a copy of the folder of a stage, to be changed and given to `run` once."""
        if stage not in self._compiled:
            self._compiled[stage] = Path(self._new_folder(), stage.name)
            copy_own_files(stage, self._compiled[stage], but=("steps",))
            # Checked by hash, so that files changed afterwards are compiled again.
            compile_dir(self._compiled[stage], quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
        scratch = self._new_folder()
        try:
            yield shutil.copytree(self._compiled[stage], scratch / stage.name)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def run(
        self,
        folder: Path,
        tests: Sequence[str],
        *,
        limits: Mapping[str, float] | None = None,
        first_only: bool = False,
        measure: bool = False,
    ) -> Reply:
        """Run tests on a copy of a stage.

        Args:
            folder: a copy of `copy`.
            tests: their ids, in the order in which they are to run.
            limits: seconds that each may take; else `LIMIT`.
            first_only: whether the first test that fails ends the run.
            measure: whether to find out which lines each test reaches.

        Raises:
            NotEnded: a test took longer, or the process was ended by a signal.
        """
        seconds = {test: limits[test] if limits else LIMIT for test in tests}
        request = Request(folder, seconds, first_only, measure, self._modules)
        self._pipe.send(request)
        process = self._pipe.recv()
        try:
            status = self._pipe.recv()
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process, signal.SIGKILL)  # also what a test has started and not ended
        if not request.reply.exists():
            stack = request.stack.read_text(encoding="utf-8") if request.stack.exists() else ""
            if stack or os.WIFSIGNALED(status):
                raise NotEnded(stack or f"ended by signal {os.WTERMSIG(status)}")
            raise RuntimeError(
                f"no reply about {folder.name}, exit status {os.waitstatus_to_exitcode(status)}"
            )
        reply: Reply = pickle.loads(request.reply.read_bytes())  # noqa: S301 -- our own
        self._modules = reply.modules
        return reply

    def _new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder.name)).resolve()


def names(test: str) -> tuple[str, str]:
    """Return what a fault may call the test of an id: with its case and without, as seen from tests/."""
    case = test.removeprefix("tests/")
    return case, case.split("[")[0]


def chapter_tests(stage: Stage) -> list[Path]:
    """Return the files of the tests that judge ``stage``: its chapter's, and those of all before it."""
    files = sorted((ROOT / "tests").glob("test_[0-9][0-9]_*.py"))
    return [file for file in files if int(file.name[5:7]) <= stage.number]


__all__ = ["CAN_FORK", "LIMIT", "Harness", "NotEnded", "Reply", "Report", "chapter_tests", "names"]
