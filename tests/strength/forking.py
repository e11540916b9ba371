"""The process that has collected the tests once, and forks a child for each run of some of them.

A child puts a changed copy of a stage in the place of the right one and goes on as pytest would, so a run
costs a fraction of a second and not the start of a pytest. Linux and macOS can fork, Windows cannot.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import os
import pickle
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from kit import loading
from strength.reach import Reached, Recorder

#: A silent pytest that ends no test by itself and leaves nothing in the folders of the outer one.
QUIET = [f"-pno:{name}" for name in ("terminal", "cacheprovider", "faulthandler", "unraisableexception")]
QUIET += ["-ppytest_timeout", "-o", "timeout=0", "-s"]
MEMORY = 4 * 1024**3  # bytes; wrong code that allocates more is ended before the machine suffers


@dataclass(frozen=True)
class Collected:
    """A test that can be run: its node id, the name of its stage if it has one, and its marks."""

    id: str
    stage: str | None
    marks: frozenset[str]

    @classmethod
    def of(cls, item: pytest.Item) -> Collected:
        """Return the pytest item as a `Collected`."""
        return cls(item.nodeid, _stage_of(item), frozenset(mark.name for mark in item.iter_markers()))


@dataclass(frozen=True)
class Request:
    """What a child is to do.

    Args:
        folder: the changed copy of the stage; the child's own files go beside it.
        tests: the ids of the tests, in their order, and how many seconds each may take.
        first_only: whether the run ends with the first test that fails.
        measure: whether to write down which lines each test runs.
        modules: what earlier children have imported; the parent imports it before the fork, for later ones.
    """

    folder: Path
    tests: dict[str, float]
    first_only: bool
    measure: bool
    modules: Sequence[str]

    @property
    def reply(self) -> Path:
        """The file with the child's reply, if the child has ended by itself."""
        return self.folder.parent / "reply"

    @property
    def stack(self) -> Path:
        """The file that says where the child was when it ran out of time."""
        return self.folder.parent / "stack"


@dataclass(frozen=True)
class Report:
    """What became of a part of a test, as pytest reports it."""

    test: str  # its id
    when: str  # setup, call or teardown
    outcome: str  # passed, failed or skipped
    text: str  # what is printed of a failure
    marks: frozenset[str]

    @property
    def name(self) -> str:
        """The name of the test's function."""
        return self.test.split("::")[-1].split("[")[0]

    @property
    def failed(self) -> bool:
        return self.outcome == "failed"

    @property
    def skipped(self) -> bool:
        return self.outcome == "skipped"


@dataclass
class Reply:
    """What a child has seen: the reports, the packages it had to import, and what was measured."""

    reports: list[Report] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    reached: Reached | None = None


def serve(pipe: Connection, tests: Sequence[str]) -> None:
    """Collect ``tests``, send them, and serve requests until the pipe is closed.

    For each `Request` two messages are sent: the child's process id, and then its wait status.
    """
    os.setsid()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # looking for plugins takes a tenth of a second
    sys.dont_write_bytecode = True
    pytest.main([*QUIET, *tests], plugins=[Forking(pipe)])


@dataclass(eq=False)  # pytest puts its plugins into sets
class Forking:
    """The plugin that runs children instead of the tests."""

    pipe: Connection
    problems: list[str] = field(default_factory=list)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep why a file cannot be collected."""
        if report.failed:
            self.problems.append(report.longreprtext)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Fork for each request. In a child, None lets pytest's own loop go on."""
        self.pipe.send((self.problems, [Collected.of(item) for item in session.items]))
        items = {item.nodeid: item for item in session.items}
        while (request := self._next()) is not None:
            for module in request.modules:
                with suppress(ImportError), warnings.catch_warnings(action="ignore"):
                    importlib.import_module(module)
            gc.freeze()  # a child whose garbage collector looks through its parent's memory would copy it
            process = os.fork()
            if not process:
                session.items[:] = [items[test] for test in request.tests]
                _become_child(session, request)
                return None
            with suppress(PermissionError, ProcessLookupError):  # the child does it too, and may be first
                os.setpgid(process, process)
            self.pipe.send(process)
            self.pipe.send(os.waitpid(process, 0)[1])
        return True

    def _next(self) -> Request | None:
        try:
            request: Request = self.pipe.recv()
        except EOFError:
            return None
        return request


def _become_child(session: pytest.Session, request: Request) -> None:
    """Give this process a group, a folder and limits of its own, and the tests another stage."""
    import resource  # which Windows lacks

    os.setpgid(0, 0)
    scratch = request.folder.parent
    os.chdir(scratch)
    tempfile.tempdir = os.environ["TMPDIR"] = os.environ["PYTEST_DEBUG_TEMPROOT"] = str(scratch)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)
    session.config.option.tbstyle = "native"  # the quickest
    session.config.option.maxfail = 1 if request.first_only else 0
    loading.copy_own_files = shutil.copytree  # with the bytecode, which fits
    os.environ["COURSE_FINAL"] = str(request.folder)  # the tests of `final` look there, see kit/service.py
    for item in session.items:
        if _stage_of(item):
            parameters = _parameters(item)
            name, number, _, *rest = parameters["stage"]
            parameters["stage"] = (name, number, request.folder, *rest)
    reporting = Reporting(request)
    session.config.pluginmanager.register(reporting)
    if request.measure:
        session.items.append(session.items[0])
        recorder = reporting.recorder = Recorder(request.folder)
        session.config.pluginmanager.register(recorder)


@dataclass(eq=False)
class Reporting:
    """The plugin of a child: ends it when a test takes too long, and writes its reply."""

    request: Request
    reply: Reply = field(default_factory=Reply)
    recorder: Recorder | None = None

    def __post_init__(self) -> None:
        self.stack = self.request.stack.open("w", encoding="utf-8")
        self.imported = set(sys.modules)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Start the watchdog, a thread that no code under test can block."""
        limit = self.request.tests[item.nodeid]
        faulthandler.dump_traceback_later(limit, exit=True, file=self.stack)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what pytest reports."""
        marks = frozenset(report.keywords)
        text = report.longreprtext if report.failed else ""
        self.reply.reports.append(Report(report.nodeid, report.when or "", report.outcome, text, marks))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, exitstatus: int) -> Iterator[None]:
        """Reply, and exit before pytest cleans up a process that ends anyway."""
        yield
        faulthandler.cancel_dump_traceback_later()
        new = [(name, module) for name, module in sys.modules.items() if name not in self.imported]
        self.reply.modules = [name for name, module in new if _is_installed(module)]
        if self.recorder:
            self.reply.reached = self.recorder.reached()
        self.request.reply.write_bytes(pickle.dumps(self.reply))
        os._exit(exitstatus)


def _is_installed(module: ModuleType) -> bool:
    return "site-packages" in (getattr(module, "__file__", None) or "")


def _stage_of(item: pytest.Item) -> str | None:
    """Return the name of the stage that a test runs on; None if it has no stages."""
    stage = _parameters(item).get("stage")
    return stage[0] if isinstance(stage, tuple) else None


def _parameters(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return callspec.params if callspec else {}
