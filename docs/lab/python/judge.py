"""Judges the reader's files by the shared tests, with the modules of `python3 -m course check`."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import workspace
from limits import Timer, TookTooLong, timer

from course import messages
from course.judging.advice import next_step
from course.judging.explain import explain, place_of
from course.judging.mistakes import Work
from course.judging.protocol import Finding, Task, test_of
from course.judging.results import Result, Verdict
from course.judging.worker import Reporter, run_tests
from course.lessons.behaviours import all_behaviours
from course.lessons.stages import Stage, find_stage

LIMIT = 20.0  # seconds for one test; the slowest takes one, and a phone is slow

#: Without the checks for threads and garbage, and without copied file descriptors: seconds in a browser.
QUICK = ("-pno:unraisableexception", "-pno:threadexception", "--capture=sys")

Notify = Callable[[dict[str, Any]], None]


def check(
    stage: str, files: workspace.Files, lang: str, ever: list[str], share: tuple[int, int], notify: Notify
) -> dict[str, Any]:
    """Run a share of the shared tests on the reader's files.

    Args:
        stage: the name of the chapter's folder.
        ever: the tests that passed in an earlier check.
        share: (number, shares). A test belongs to one share with all its cases.
        notify: called with each behaviour as soon as its result is certain.

    Returns:
        The results of this share, for `combine`.
    """
    messages.choose(lang)
    judged = find_stage(stage)
    folder, _ = workspace.write(stage, files)
    verdict = empty_verdict(judged)
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        tests = sorted({test.partition("::")[0] for test in verdict.results}, reverse=True)
        task = Task(str(folder), stage, tuple(tests), scratch, LIMIT)
        next_step = partial(explain_next, verdict, judged, ever, folder)
        reporter = BrowserReporter(verdict, task, share, notify, next_step)
        handlers = list(logging.getLogger().handlers)
        sys.modules.pop("pytest_timeout", None)  # pytest warns of a plugin that is imported already
        with timer(scratch) as reporter.timer:  # the tests run a copy of the reader's files, in `scratch`
            run_tests(task, reporter, options=QUICK)
        os.chdir(folder)  # the current directory cannot be removed
        logging.getLogger().handlers[:] = handlers
    results = [(test, result.state, result.finding) for test, result in verdict.results.items()]
    return {
        "found": sorted(verdict.collected),
        "elsewhere": sorted(reporter.elsewhere),
        "stopped": reporter.stopped,
        "results": [(test, state, finding and asdict(finding)) for test, state, finding in results],
    }


def combine(stage: str, lang: str, ever: list[str], parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Combine the shares of a check, and return what the page shows: all behaviours, and the next step."""
    messages.choose(lang)
    judged = find_stage(stage)
    verdict = empty_verdict(judged)
    for part in parts:
        verdict.collected.update(part["found"])
        for test, state, finding in part["results"]:
            if state != "unknown":
                behaviour = verdict.results[test].behaviour
                verdict.results[test] = Result(behaviour, state, Finding(**finding) if finding else None)
    if not verdict.collected:
        raise RuntimeError("the tests could not be run")
    if not any(part["stopped"] for part in parts):
        verdict.drop_superseded()
    elsewhere = parts[0]["elsewhere"]
    sentences = {behaviour.test: behaviour.sentence for behaviour in all_behaviours(judged)}
    return {
        "results": [row(result) for test, result in verdict.results.items() if test not in elsewhere],
        "elsewhere": [sentences[test] for test in elsewhere],
    } | explain_next(verdict, judged, ever, Path(workspace.HOME, stage))


def empty_verdict(stage: Stage) -> Verdict:
    """Return the verdict on a stage before any of its tests has run."""
    return Verdict({behaviour.test: Result(behaviour) for behaviour in all_behaviours(stage)})


def explain_next(verdict: Verdict, stage: Stage, ever: list[str], folder: Path) -> dict[str, Any]:
    """Return what to work on next: the explanation that `course check` shows, and its headline."""
    advice = next_step(verdict, stage, ever, folder)
    if advice is None:
        return {"next": None, "headline": ""}
    result, work = advice.result, Work(folder)
    parts = [(label, text) for label, text in explain(result, work) if label != "place"]
    explanation = row(result) | {
        "parts": [(messages.say(f"explain.{label}"), text) for label, text in parts],
        "place": place_of(result, work),
        "why": advice.why,
        "lesson": advice.lesson.title if advice.lesson else "",
        "page": Path(advice.lesson.path).name if advice.lesson else "",
        "hints": advice.hints,
    }
    return {"next": explanation, "headline": advice.headline}


def row(result: Result) -> dict[str, Any]:
    """Return one behaviour for the page's list."""
    behaviour = result.behaviour
    about = {"test": behaviour.test, "number": behaviour.number, "sentence": behaviour.sentence}
    return about | {"state": result.state}


class BrowserReporter(Reporter):
    """The reporter of the terminal for a process that continues after the tests and cannot start others."""

    def __init__(
        self,
        verdict: Verdict,
        task: Task,
        share: tuple[int, int],
        notify: Notify,
        next_step: Callable[[], dict[str, Any]],
    ) -> None:
        super().__init__(self, task)  # type: ignore[arg-type]  # it calls our own `send`
        self.verdict, self.share, self.notify, self.next_step = verdict, share, notify, next_step
        self.elsewhere: set[str] = set()
        self.begun, self.notified = 0, 0.0
        self.stopped = self.explained = False
        self.timer: Timer

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out and note what needs threads or other programs; of the rest keep the share."""
        self.elsewhere = {test_of(item.nodeid) for item in items if item.get_closest_marker("threads")}
        tests = dict.fromkeys(test_of(item.nodeid) for item in items)
        here = [test for test in tests if test not in self.elsewhere]
        self.verdict.collected.update(here)
        number, shares = self.share
        mine = set(here[number::shares])
        items[:] = [item for item in items if test_of(item.nodeid) in mine]
        self.notify({"kind": "found", "count": len(items)})
        super().pytest_collection_modifyitems(items)

    def send(self, message: tuple[Any, ...]) -> None:
        """Add what was found to the verdict, and notify the page of what is certain now."""
        kind, *what = message
        if kind == "start":
            self.begun += 1
            if (now := time.perf_counter()) > self.notified + 0.1:  # drawing costs the page time, too
                self.notify({"kind": "running", "count": self.begun})
                self.begun, self.notified = 0, now
        elif (certain := self.verdict.receive(kind, *what)) is not None:
            place = list(self.verdict.results).index(certain.behaviour.test)
            self.notify({"kind": "result", "place": place, **row(certain)})
            if not certain.passed and not self.explained:  # so the reader need not wait for the rest
                self.explained = True
                self.notify({"kind": "next", **self.next_step()})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Start the time limit of a test."""
        self.timer.start(self.task.limit)

    def _describe(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Finding:
        if not isinstance(excinfo.value, TookTooLong):
            return super()._describe(excinfo)
        own = [entry for entry in excinfo.traceback if str(entry.path).startswith(self.task.scratch)]
        place = f'File "{own[-1].path}", line {own[-1].lineno + 1}' if own else ""
        return Finding(traceback=place, seconds=self.task.limit)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Mark a test that reached the time limit as hung, and end the run: the others would hang as well."""
        report = yield from super().pytest_runtest_makereport(item, call)
        if call.excinfo is not None and isinstance(call.excinfo.value, TookTooLong):
            self.verdict.results[test_of(item.nodeid)].state = "hung"
            self.stopped = True
            item.session.shouldstop = "a test reached its time limit"
        return report
