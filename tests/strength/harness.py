"""A pytest for a test: what the tests say of a folder that is made wrong, or better, on purpose.

It runs in a process of its own, which can be ended whatever it does: code that is wrong on purpose may wait
for ever where no alarm reaches it. The processes are forked from one that has loaded what they need.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

TEST_LIMIT = 40  # seconds for one test
RUN_LIMIT = 90  # seconds for all of them; the outer one, which waits, has more
#: In no folder of the outer one, and without what a run of one test has no use for.
APART = [f"-pno:{name}" for name in ("cacheprovider", "faulthandler", "unraisableexception")]
APART += ["-ppytest_timeout", "-o", f"timeout={TEST_LIMIT}", "-q", "-s"]

if sys.platform == "win32":
    _processes = multiprocessing.get_context("spawn")
else:
    _processes = multiprocessing.get_context("forkserver")
    _processes.set_forkserver_preload(
        ["pytest", "alembic", "flask_jwt_extended", "flask_restx", "flask_sqlalchemy", "psycopg", "redis"]
    )


@dataclass(frozen=True)
class Report:
    """What became of a part of a test, as pytest reports it."""

    name: str  # of the test's function
    when: str  # setup, call or teardown
    outcome: str  # passed, failed or skipped
    text: str  # what is printed of a failure
    marks: frozenset[str]

    @property
    def failed(self) -> bool:
        return self.outcome == "failed"

    @property
    def skipped(self) -> bool:
        return self.outcome == "skipped"


class _Reporter:
    """A plugin of pytest that keeps its reports."""

    def __init__(self) -> None:
        self.reports: list[Report] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.split("::")[-1].split("[")[0]
        marks = frozenset(report.keywords)
        self.reports.append(Report(name, report.when or "", report.outcome, report.longreprtext, marks))


def run_inner(scratch: Path, *arguments: str, limit: float = RUN_LIMIT, **variables: str) -> list[Report]:
    """Run a pytest and return its reports.

    Args:
        scratch: where the tests write; the folder is not there yet.
        arguments: of pytest: which tests, and how.
        limit: seconds that it may take.
        variables: of the environment, besides those that are set here.

    Raises:
        AssertionError: it did not end in time, or ended without a report; the message says where it stood.
    """
    receiver, sender = _processes.Pipe(duplex=False)
    said = scratch.with_suffix(".said")
    said.touch()
    # Looking for plugins takes a tenth of a second.
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **variables}
    command = [*APART, f"--basetemp={scratch}", *arguments]
    process = _processes.Process(target=_run, args=(sender, said, command, environment, limit), daemon=True)
    process.start()
    sender.close()
    try:
        if receiver.poll(limit + 5):
            reports: list[Report] = receiver.recv()
            return reports
    except EOFError:
        pass
    finally:
        _end(process.pid)
        process.join()
        receiver.close()
    raise AssertionError(f"no report within {limit} s\n{said.read_text('utf-8', errors='replace')[-8000:]}")


def _run(
    answer: Connection, said: Path, command: list[str], environment: dict[str, str], limit: float
) -> None:
    """Run pytest here, in a group of processes of its own, and send its reports."""
    if sys.platform != "win32":
        os.setsid()
    output = os.open(said, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    faulthandler.dump_traceback_later(limit, exit=True, file=output)
    os.environ.clear()
    os.environ.update(environment)
    reporter = _Reporter()
    pytest.main(command, plugins=[reporter])
    answer.send(reporter.reports)


def _end(group: int | None) -> None:
    """End a process and what it has started: a test that is wrong on purpose may leave servers behind."""
    if group is None:
        return
    with suppress(ProcessLookupError, PermissionError):
        if sys.platform == "win32":
            os.kill(group, signal.SIGTERM)
        else:
            os.killpg(group, signal.SIGKILL)
