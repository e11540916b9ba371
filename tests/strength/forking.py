"""The bench: one pytest that has collected the tests, and forks a child for each wrong piece of code.

A child puts its own copy of the stage in place of the right one, runs the tests that reach what is wrong,
those first that noticed something there and then the quickest, and ends with the first that is red. So a
mutant costs an eighth of a second and not a suite. A test that is not asked kills nothing: all this can only
lower a score. The fork is why this needs Linux or macOS.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from coverage import Coverage

from course.lessons.stages import ignore_in_copies

if sys.platform == "win32":
    raise ImportError("Windows cannot fork")
import resource

#: Seconds that a test may take on wrong code: these, and so many times what it takes on the right code.
PATIENCE, TIMES = 15, 20
MEMORY = 4 * 1024**3  # bytes; a mutant that piles up more than this is stopped, and not the machine

#: How many tests are asked whether a mutant that is listed as equivalent really is one.
FEW = 40

#: Where Linux keeps files in memory. A database that waits for no disk makes a mutant a third cheaper.
MEMORY_DISK = "/dev/shm"  # noqa: S108 -- a folder of a name that nobody can guess is made in it

#: What the tests of chapter 7's pipeline start. They take seconds each, and mutants do not wait for them.
PIPELINE = {"nox", "git", "bash", "smoke.py"}

#: A pytest that says nothing, shares no folder with others, and stops at the first red test.
QUIET = [
    "-p",
    "no:terminal",
    "-p",
    "no:xdist",
    "-p",
    "no:cacheprovider",
    "-o",
    "timeout=0",
    "--assert=plain",
    "-x",
    "-s",
    # What Python says when a thread begins while coverage listens, and means nothing.
    "-W",
    "ignore:Exception ignored in PyEval_SetTrace:pytest.PytestUnraisableExceptionWarning",
]


@dataclass(frozen=True)
class Job:
    """Something wrong to put into a copy of the stage.

    Args:
        key: its name.
        plant: changes the files of the folder that it gets.
        file: the file that it changes, as seen from the folder, and there the ``lines``.
        test: the only test that is asked, as `file.py::test`; without it, each that reaches the lines.
        before: the test that noticed it the last time, which is asked first.
        excused: it is listed as equivalent, so only the `FEW` tests likeliest to notice it are asked.
    """

    key: str
    plant: Callable[[Path], None]
    file: str = ""
    lines: range = range(0)
    test: str = ""
    before: str = ""
    excused: bool = False


@dataclass(frozen=True)
class Verdict:
    """What became of a job: "killed" by a test, "stopped" because a test did not end, or "survived"."""

    key: str
    outcome: str
    by: str
    why: str = ""  # the last line of what that test says


class RedAlready(Exception):
    """The tests are red on the right code, or there are none; the message says which."""


@dataclass(eq=False)  # pytest puts its plugins into sets
class Bench:
    """The plugin that hands out the jobs.

    Args:
        stage: its name, by which tests of other stages are left out, and its folder.
        right: what is done to a copy of the folder before the tests show that they are green on it.
        tell: gets each verdict as it comes.
        workers: how many children there are at a time.
    """

    stage: tuple[str, Path]
    jobs: Sequence[Job]
    right: Callable[[Path], None]
    tell: Callable[[Verdict], None]
    workers: int
    running: dict[int, tuple[Job, Path]] = field(default_factory=dict)
    is_child: bool = False
    done: bool = False
    problem: str = ""

    def run(self, tests: Sequence[Path]) -> None:
        """Judge the jobs by ``tests``, files or folders.

        Raises:
            RedAlready: they are red on the right code.
        """
        memory = MEMORY_DISK if os.access(MEMORY_DISK, os.W_OK) else None
        with tempfile.TemporaryDirectory("", "course-score-", memory, ignore_cleanup_errors=True) as scratch:
            self.scratch = Path(scratch).resolve()
            status = pytest.main([*map(str, tests), *QUIET], plugins=[self])
            if self.is_child:  # one that could not even begin
                os._exit(status)
        if status == pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if not self.done:
            raise RedAlready(self.problem or f"the tests of {self.stage[0]} cannot be collected")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what runs on another stage."""
        items[:] = [item for item in items if _stage_of(item) in (None, self.stage[0])]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Fork for the right code, then for each job. In a child, None lets pytest's own loop go on."""
        if session.testsfailed or not session.items:
            return None
        reach = self.scratch / "reach.json"
        files = [file.relative_to(self.stage[1]).as_posix() for file in self.stage[1].rglob("*.py")]
        right = Right(reach, self.scratch, files)
        if self._fork(session, Job("right", self.right), right, [*session.items, session.items[0]]):
            return None
        verdict = self._wait()
        if verdict.outcome != "survived":
            what = "does not end" if verdict.outcome == "stopped" else "is red"
            self.problem = f"{verdict.by or 'a test'} {what} on the right code {verdict.why}".rstrip()
            return True
        told = json.loads(reach.read_text(encoding="utf-8"))
        order = Order({name: Reach(**one) for name, one in told["reached"].items()}, told["once"])
        for module in told["modules"]:  # once here, and not in every child
            with suppress(ImportError):
                importlib.import_module(module)
        gc.freeze()  # a child that looks through the memory of its parent would copy it

        def hear() -> None:
            verdict = self._wait()
            order.learn(verdict)
            self.tell(verdict)

        try:
            for job in self.jobs:
                if len(self.running) == self.workers:
                    hear()
                items = order.of(job, session.items)
                if not items:
                    self.tell(Verdict(job.key, "survived", ""))
                elif self._fork(session, job, Wrong(order.reached), items):
                    return None
            while self.running:
                hear()
        finally:
            for process in () if self.is_child else self.running:
                os.killpg(process, signal.SIGKILL)
        self.done = True
        return True

    def _fork(self, session: pytest.Session, job: Job, plugin: object, items: list[pytest.Item]) -> bool:
        """Start a child that runs ``items`` on what ``job`` makes of the stage; say whether this is it."""
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        process = os.fork()
        if process:
            self.running[process] = job, folder
            return False
        self.is_child = True
        session.config.option.tbstyle = "native"  # nobody reads it, and it is the quickest
        session.items[:] = items
        settle(folder)
        copy = folder / self.stage[1].name
        shutil.copytree(self.stage[1], copy, ignore=ignore_in_copies)
        job.plant(copy)
        lead_to(copy, session.items)
        session.config.pluginmanager.register(Red(folder / "red"))
        session.config.pluginmanager.register(plugin)
        return True

    def _wait(self) -> Verdict:
        """Wait for a child to end, and say what became of its job."""
        process, status = os.wait()
        with suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)  # what a test started and had no time to end
        job, folder = self.running.pop(process)
        red = folder / "red"
        by, _, why = red.read_text(encoding="utf-8").partition("\n") if red.exists() else ("", "", "")
        shutil.rmtree(folder, ignore_errors=True)
        outcome = "stopped" if os.WIFSIGNALED(status) else "killed" if status else "survived"
        if outcome == "killed" and not by:
            raise RuntimeError(f"no test ran on {job.key}, exit status {status}")
        return Verdict(job.key, outcome, by, why)


@dataclass
class Reach:
    """What one test did on the right code: the lines it ran of each file, how long, and what else."""

    seconds: float = 0.0
    starts_a_process: bool = False  # whose lines nobody saw
    starts_a_pipeline: bool = False
    lines: dict[str, list[int]] = field(default_factory=dict)


@dataclass
class Order:
    """Which tests are asked about a job, and in which order.

    Args:
        reached: what each test reaches.
        once: the lines of each file that run once for all tests: the imports, what makes a decorator.
        noticed: for each place in a file, how often a test noticed something there.
    """

    reached: dict[str, Reach]
    once: dict[str, list[int]]
    noticed: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def of(self, job: Job, items: list[pytest.Item]) -> list[pytest.Item]:
        """Return the tests that can notice ``job``, those first that are likely to, and quick.

        One that does not reach its lines cannot, unless they run once for all tests or in another process.
        Those that start a pipeline are asked about no mutant, and about the faults that they have to catch.
        """
        if job.test:
            return [item for item in items if job.test in (_named(item), _case(item))]
        lines = set(job.lines)
        reaching = {name for name, one in self.reached.items() if lines & set(one.lines.get(job.file, ()))}
        everybody = not job.file or not lines.isdisjoint(self.once.get(job.file, ()))
        noticed = self.noticed[_place(job.key)]
        variants: Counter[str] = Counter()
        ranked = []
        for item in items:
            name, test = item.nodeid, _named(item)
            if self.reached[name].starts_a_pipeline and job.file:
                continue
            if everybody or name in reaching or self.reached[name].starts_a_process:
                variants[test] += 1
                likely = (name != job.before, test != job.before.split("[")[0], name not in reaching)
                ranked.append((*likely, -noticed[name], variants[test], self.reached[name].seconds, item))
        asked = [item for *_, item in sorted(ranked, key=lambda rank: rank[:-1])]
        return asked[:FEW] if job.excused else asked

    def learn(self, verdict: Verdict) -> None:
        """Remember which test noticed something, for others in the same place."""
        if verdict.by:
            self.noticed[_place(verdict.key)][verdict.by] += 1


def settle(folder: Path) -> None:
    """Give this process, a child, a group and a folder of its own, a limit, and nobody to talk to."""
    os.setpgid(0, 0)
    os.chdir(folder)
    tempfile.tempdir = os.environ["TMPDIR"] = os.environ["PYTEST_DEBUG_TEMPROOT"] = str(folder)
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)


def lead_to(folder: Path, items: list[pytest.Item]) -> None:
    """Let ``items`` judge ``folder``: those of `final` are told by the environment, see tests/final."""
    os.environ["COURSE_FINAL"] = str(folder)
    for item in items:
        if _stage_of(item):
            params = _parameters(item)
            name, number, _, *rest = params["stage"]
            params["stage"] = (name, number, folder, *rest)


@dataclass(eq=False)
class Red:
    """Writes the name of the first red test into a file, and ends the child when all is torn down."""

    file: Path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure of a test, its set-up or its clean-up, and the last line of its traceback."""
        if report.failed and not self.file.exists():
            why = report.longreprtext.strip().splitlines()[-1:]
            self.file.write_text("\n".join([report.nodeid, *why]), encoding="utf-8")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> Iterator[None]:
        """Go before pytest cleans up a process that is over anyway."""
        yield
        os._exit(exitstatus)


@dataclass(eq=False)
class Right:
    """Writes down what each test reaches, on the right code."""

    file: Path
    folder: Path  # what is outside of it is not watched
    files: list[str]  # of the stage
    reached: dict[str, Reach] = field(default_factory=dict)

    def watch(self) -> None:
        """Begin, before the first test."""
        self.now = Reach()
        self.coverage = Coverage(data_file=None, config_file=False, include=[f"{self.folder}/*"])
        sys.addaudithook(self._hear)
        self.coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Take the time of one test."""
        if not self.reached:  # the first test runs twice: what it runs only now, runs once for all tests
            self.watch()
        name = item.nodeid if self.reached else ONCE
        self.now = self.reached[name] = Reach()
        self.coverage.switch_context(name)
        started = time.perf_counter()
        try:
            return (yield)
        finally:
            self.now.seconds = time.perf_counter() - started

    def pytest_sessionfinish(self) -> None:
        """Write what was seen."""
        self.coverage.stop()
        self._gather()
        modules = [name for name, module in sys.modules.items() if _is_a_package_of_others(module)]
        once, again = self.reached.pop(ONCE), list(self.reached.values())[-1]
        told = {
            "modules": modules,
            "once": {
                file: sorted(set(lines) - set(again.lines.get(file, ())))
                for file, lines in once.lines.items()
            },
            "reached": {name: asdict(one) for name, one in self.reached.items()},
        }
        self.file.write_text(json.dumps(told), encoding="utf-8")

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("subprocess.Popen", "os.posix_spawn", "os.fork"):
            self.now.starts_a_process = True
        if event == "subprocess.Popen" and not PIPELINE.isdisjoint(map(str, arguments[1])):
            self.now.starts_a_pipeline = True

    def _gather(self) -> None:
        data = self.coverage.get_data()
        for measured in data.measured_files():
            # Each copy of the stage has another path, and the same end: the longest that is one of its files.
            found = [file for file in self.files if measured.endswith(f"/{file}")]
            if not found:
                continue
            for line, names in data.contexts_by_lineno(measured).items():
                for name in filter(None, names):
                    self.reached[name].lines.setdefault(max(found, key=len), []).append(line)


#: The name under which the first test runs for the first time.
ONCE = "once"


@dataclass(eq=False)
class Wrong:
    """Stops a child whose test does not end: the alarm ends the process, even where it waits for a lock."""

    reached: dict[str, Reach]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Wind up the alarm for one test."""
        signal.setitimer(signal.ITIMER_REAL, PATIENCE + TIMES * self.reached[item.nodeid].seconds)


def _is_a_package_of_others(module: ModuleType) -> bool:
    return "site-packages" in (getattr(module, "__file__", None) or "")


def _place(key: str) -> str:
    return key.split(": ")[0]


def _stage_of(item: pytest.Item) -> str | None:
    """Return the name of the stage that a test runs on; None where it knows only one."""
    stage = _parameters(item).get("stage")
    return stage[0] if isinstance(stage, tuple) else None


def _parameters(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec else {}


def _case(item: pytest.Item) -> str:
    """Return the name of a case of a test as a fault may give it: `file.py::test[case]`, seen from tests/."""
    return item.nodeid.removeprefix("tests/")


def _named(item: pytest.Item) -> str:
    """Return the name of its test: `file.py::test`."""
    return _case(item).split("[")[0]
