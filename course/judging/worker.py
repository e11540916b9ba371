"""A worker process, in which the shared tests run the learner's code.

That code may print, hang, exit or delete files. So this process works on private copies, sends what it finds
over a pipe at once, writes nowhere else, and may be killed at any moment.
"""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import sys
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pytest

from course.judging.evidence import Evidence
from course.judging.findings import LearnerPaths, describe, last_lines, short
from course.judging.interactive import nobody_at_the_keyboard
from course.judging.isolation import isolate
from course.judging.protocol import Channel, Finding, Task, test_of
from course.lessons.behaviours import all_behaviours
from course.lessons.stages import find_stage
from course.paths import ROOT

# Imported here, so that the process from which the workers are forked has them: importing takes longest.
for _module in ("flask", "flask_sqlalchemy", "flask_jwt_extended", "ujson", "werkzeug.test"):
    try:
        __import__(_module)
    except ImportError:  # in a bare environment the tests themselves report what is missing
        break


def run_worker(channel: Channel, task: Task) -> None:
    """Run the tests of ``task``, send their results, and end this process."""
    if os.name == "posix":
        os.setpgid(0, 0)  # so that the runner can end what the learner's code starts
    isolate(task.scratch)
    gc.freeze()  # otherwise pytest's five collections look at every object of the libraries
    if not task.full:
        devnull = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(devnull, stream)
    run_tests(task, Reporter(channel, task), _Timeout(task))
    channel.send(("end",))
    sys.stdout.flush()
    os._exit(0)  # not sys.exit: a thread that the learner's code started may never end


def run_tests(task: Task, *plugins: object, options: Sequence[str] = ()) -> None:
    """Run the tests of ``task`` in this process with these ``plugins`` and further ``options`` of pytest."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # other installed plugins would only cost time
    os.chdir(task.scratch)
    # With "=": otherwise pytest takes the folder for one of tests, and loads the learner's conftest.py.
    ours = [f"--stage={task.folder}", f"--stage-as={task.stage}", f"--basetemp={task.scratch}/run"]
    ours += ["-o", "timeout=0", "-o", "filterwarnings="]  # a warning is no error for `flask run` either
    ours += ["-pno:cacheprovider", "-pno:faulthandler", "-ppytest_timeout"]
    ours += ["-v"] if task.full else ["-pno:terminal"]
    tests = [str(ROOT / "tests" / test) for test in task.tests]
    pytest.main([*tests, *ours, *options], plugins=plugins)


class _Timeout:
    """A pytest plugin that ends the process when a test takes too long, and writes where it was to a file."""

    def __init__(self, task: Task) -> None:
        self.limit = task.limit
        self.file = Path(task.scratch, "hangs.txt").open("w", encoding="utf-8")  # noqa: SIM115 - open until the process ends

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        """Start and stop the clock of one test."""
        faulthandler.dump_traceback_later(self.limit, exit=True, file=self.file)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()


class Reporter:
    """A pytest plugin that sends the results of the tests."""

    def __init__(self, channel: Channel, task: Task) -> None:
        self.channel, self.task = channel, task
        self.compared: tuple[str, str, str] | None = None
        self.logged: list[BaseException] = []
        self.evidence = Evidence(lambda error: LearnerPaths(task).place_of(error) is not None)
        logging.getLogger().addHandler(_ExceptionCollector(self.logged))

    def pytest_configure(self, config: pytest.Config) -> None:
        """Keep tracebacks short, as nothing shows them: for a long one pytest parses each file in it."""
        if not self.task.full:
            config.option.tbstyle = "native"
        config.pluginmanager.register(self.evidence)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what is already known, put the rest in the lesson's order, and send the list."""
        items[:] = [item for item in items if item.nodeid not in self.task.skipped]
        places = {b.test: place for place, b in enumerate(all_behaviours(find_stage(self.task.stage)))}
        files = list(dict.fromkeys(item.path for item in items))  # in the order of the task
        items.sort(key=lambda item: (files.index(item.path), places.get(test_of(item.nodeid), 0)))
        self.channel.send(("found", [item.nodeid for item in items]))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Send which test runs, and clear what the one before it left."""
        self.channel.send(("start", item.nodeid))
        self.compared = None
        self.evidence.begin()
        self.logged.clear()
        if "kit.clients" in sys.modules:
            sys.modules["kit.clients"].EXCHANGES.clear()
        try:
            with nobody_at_the_keyboard():
                return (yield)
        finally:
            passed = self.evidence.end()
            if self.evidence.changed:
                self.channel.send(("failed", item.nodeid, Finding(interferes=self.evidence.changed)))
            self.channel.send(("finish", item.nodeid, passed))

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> None:
        """Remember both sides of a failed comparison."""
        self.compared = (short(left), op, short(right))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send a failure of a test, its setup or its teardown."""
        report = yield
        if report.failed and call.excinfo is not None:
            finding = self._describe(call.excinfo)
            finding.printed = LearnerPaths(self.task).clean(last_lines(report.capstdout))
            self.channel.send(("failed", item.nodeid, finding))
        return report

    def _describe(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Finding:
        exchanges = list(sys.modules["kit.clients"].EXCHANGES) if "kit.clients" in sys.modules else []
        return describe(excinfo, self.logged, exchanges, self.compared, LearnerPaths(self.task))


class _ExceptionCollector(logging.Handler):
    """Collects the exceptions that the application logs."""

    def __init__(self, collected: list[BaseException]) -> None:
        super().__init__()
        self.collected = collected

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            self.collected.append(record.exc_info[1])
