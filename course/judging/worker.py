"""The judge's court: a process of its own, in which the shared tests meet the learner's code.

That code may print, hang, exit or delete files. So this process says what it finds over a pipe and writes
nowhere else, works on private copies, and may be ended at any moment: runner.py is told all so far.
"""

from __future__ import annotations

import faulthandler
import linecache
import logging
import os
import re
import sys
import traceback
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest
from werkzeug.exceptions import HTTPException

from course.judging.protocol import Finding, Task, test_of
from course.lessons.behaviours import all_behaviours
from course.lessons.stages import find_stage
from course.paths import ROOT

# Imported here so that a process that is kept warm has them: they are most of what a first answer waits for.
for _module in ("flask", "flask_sqlalchemy", "flask_jwt_extended", "ujson", "werkzeug.test"):
    try:
        __import__(_module)
    except ImportError:  # in a bare environment the tests themselves say what is missing
        break


def hold(results: Pipe, task: Task) -> None:
    """Run the tests of ``task`` and send what becomes of them; the last message is ("end",)."""
    if not task.full:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
    run_tests(task, Reporter(results, task), _Alarm(task))
    results.send(("end",))
    sys.stdout.flush()
    os._exit(0)  # not sys.exit: a thread that the learner's code began may never end


def run_tests(task: Task, *plugins: object, more: Sequence[str] = ()) -> None:
    """Run the tests of ``task`` in this process; ``plugins`` of pytest watch, ``more`` are its options."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # what else is installed would only cost time
    os.chdir(task.scratch)  # what the learner's code does to relative paths, it does there
    # With "=": pytest would take a path of its own for one of tests, and load the learner's conftest.py.
    options = [f"--stage={task.folder}", f"--stage-as={task.stage}", f"--basetemp={task.scratch}/run"]
    options += ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), "-o", "timeout=0"]
    options += ["-pno:cacheprovider", "-pno:faulthandler", "-ppytest_timeout"]
    options += ["-v"] if task.full else ["-pno:terminal"]
    tests = [str(ROOT / "tests" / test) for test in task.tests]
    pytest.main([*tests, *options, *more], plugins=plugins)


class _Alarm:
    """A plugin that stops a test which takes too long: the process ends and leaves where it was."""

    def __init__(self, task: Task) -> None:
        self.limit = task.limit
        self.file = Path(task.scratch, "hangs.txt").open("w", encoding="utf-8")  # noqa: SIM115 - as long as we

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Iterator[None]:
        """Set the alarm for one test."""
        faulthandler.dump_traceback_later(self.limit, exit=True, file=self.file)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()


class Pipe(Protocol):
    """Takes ("found", tests), ("start", case), ("failed", case, finding) and ("finish", case)."""

    def send(self, message: Any, /) -> None:
        """Send one."""


class Reporter:
    """A plugin of pytest that sends what it sees."""

    def __init__(self, results: Pipe, task: Task) -> None:
        self.results, self.task = results, task
        self.compared: tuple[str, str, str] | None = None
        self.logged: list[BaseException] = []
        logging.getLogger().addHandler(_Listener(self.logged))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what is known already, order the rest as the lesson does, and say what is to come."""
        items[:] = [item for item in items if item.nodeid not in self.task.skipped]
        places = {b.test: place for place, b in enumerate(all_behaviours(find_stage(self.task.stage)))}
        files = list(dict.fromkeys(item.path for item in items))  # in the order in which they were asked for
        items.sort(key=lambda item: (files.index(item.path), places.get(test_of(item.nodeid), 0)))
        self.results.send(("found", [test_of(item.nodeid) for item in items]))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Say what runs, and forget what the test before it has left."""
        self.results.send(("start", item.nodeid))
        self.compared = None
        self.logged.clear()
        if "adapter" in sys.modules:
            sys.modules["adapter"].EXCHANGES.clear()
        try:
            return (yield)
        finally:
            self.results.send(("finish", item.nodeid))

    def pytest_assertrepr_compare(self, op: str, left: object, right: object) -> None:
        """Remember the two sides of a comparison that failed."""
        self.compared = (_short(left), op, _short(right))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send a failure of a test, its set-up or its clean-up."""
        report = yield
        if report.failed and call.excinfo is not None:
            finding = self._describe(call.excinfo, report.longreprtext)
            self.results.send(("failed", item.nodeid, finding))
        return report

    def _describe(self, excinfo: pytest.ExceptionInfo[BaseException], text: str) -> Finding:
        error = excinfo.value
        places = _Places(self.task)
        finding = Finding(raised=places.clean(_one_line(error)), traceback=places.clean(text))
        own = places.of(error)
        finding.place = own or next(filter(None, map(places.of, reversed(self.logged))), None)
        finding.log = [places.clean(_one_line(logged)) for logged in self.logged]
        self._add_exchange(finding, getattr(error, "response", None))
        if isinstance(error, AssertionError) and own is None:  # else it is the code that asserts
            self._add_expectation(finding, excinfo)
        elif isinstance(error, pytest.fail.Exception):
            finding.said = str(error)
        return finding

    def _add_exchange(self, finding: Finding, response: Any) -> None:
        """Tell the exchange whose answer was wrong, or else the last one."""
        log = list(sys.modules["adapter"].EXCHANGES) if "adapter" in sys.modules else []
        log = [one for one in log if response is None or one.response is response] or log
        if not log:
            return
        last = log[-1]
        url = last.response.request.full_path.rstrip("?") if last.response is not None else last.url
        finding.sent = f"{last.method} {url}" + (f"  {_short(last.body)}" if last.body is not None else "")
        finding.blueprints = sorted(last.app.blueprints)
        if last.response is None:
            return
        if last.response.status_code == 404 and not _has_url(last.app, last.response.request.path):
            finding.urls = sorted(
                {rule.rule for rule in last.app.url_map.iter_rules() if rule.endpoint != "static"}
            )
        try:
            body = " ".join(last.response.get_data(as_text=True).split())
            if last.response.mimetype == "text/html":
                body = " ".join(re.sub(r"<[^>]*>", " ", body).split())  # what a person would read
        except Exception:  # it is the learner's answer, and it may be a stream that breaks
            body = ""
        finding.came = f"{last.response.status_code} {last.response.content_type or ''}  {body[:300]}".strip()

    def _add_expectation(self, finding: Finding, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        wanted = getattr(excinfo.value, "wanted", None)
        message = str(excinfo.value).splitlines()[0] if str(excinfo.value) else ""
        if wanted is not None:
            finding.wanted = wanted
        elif message and not message.startswith("assert "):
            finding.said = message
        elif self.compared is not None:
            left, op, right = self.compared
            finding.wanted = right if op == "==" else f"{left} {op} {right}"
            finding.got = left if op == "==" else ""
        else:
            entry = excinfo.traceback[-1]
            finding.wanted = str(entry.statement).strip().removeprefix("assert ")


class _Places:
    """Finds the learner's own files in tracebacks, and calls them as the learner does."""

    def __init__(self, task: Task) -> None:
        # The adapter loads a private copy, SCRATCH/run/stages0/NAME-1, under a name of its own.
        self.copy = re.compile(re.escape(task.scratch) + rf"[/\\].*?{re.escape(task.stage)}-\d+[/\\]")

    def clean(self, text: str) -> str:
        """Return ``text`` with the names that the learner knows."""
        text = re.sub(r"(?:\.\./)*[^\s\"']*?stages\d+[/\\][\w.]+-\d+[/\\]", "", self.copy.sub("", text))
        return re.sub(r"stage_config_\d+", "config", re.sub(r"stage_app_\d+", "app", text))

    def of(self, error: BaseException | None) -> tuple[str, int, str] | None:
        """Return where in the learner's code ``error`` came up, as deep as its own code goes."""
        if error is None:
            return None
        if isinstance(error, SyntaxError) and error.filename and self.copy.match(error.filename):
            return self.copy.sub("", error.filename), error.lineno or 1, (error.text or "").strip()
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if self.copy.match(frame.filename)]
        if own and own[-1].lineno:
            line = linecache.getline(own[-1].filename, own[-1].lineno).strip()
            return self.copy.sub("", own[-1].filename).replace("\\", "/"), own[-1].lineno, line
        return None


class _Listener(logging.Handler):
    """Hears the exceptions that an application logs instead of showing them."""

    def __init__(self, heard: list[BaseException]) -> None:
        super().__init__()
        self.heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            self.heard.append(record.exc_info[1])


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _has_url(app: Any, path: str) -> bool:
    """Return whether any method is served at ``path``."""
    try:
        app.url_map.bind("").match(path)
    except HTTPException as error:
        return error.code != 404
    return True


def _short(value: object) -> str:
    try:
        text = value if isinstance(value, str) else repr(value)
    except Exception:  # the learner's own __repr__ may be the fault
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 200 else f"{text[:200]}..."
