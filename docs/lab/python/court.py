"""Judges the reader's files by the shared tests, as `python3 -m course check` does: by the same modules."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import workspace
from limits import TookTooLong, Watch, watched

from course import messages
from course.judging.explain import explain
from course.judging.protocol import Finding, Task, test_of
from course.judging.results import Result, Verdict, headline, next_result
from course.judging.worker import Reporter, run_tests
from course.lessons.behaviours import all_behaviours
from course.lessons.stages import Stage, find_stage

LIMIT = 20.0  # seconds for one test; the slowest takes one, and a phone is slow

#: Without what waits for threads, looks for garbage or copies file descriptors: seconds in a browser.
QUICK = ("-pno:unraisableexception", "-pno:threadexception", "--capture=sys")

Tell = Callable[[dict[str, Any]], None]


def check(
    stage: str, files: workspace.Files, lang: str, ever: list[str], share: tuple[int, int], tell: Tell
) -> dict[str, Any]:
    """Run a share of the shared tests on the reader's files; tell each behaviour as it becomes certain.

    Args:
        stage: the name of the chapter's folder.
        ever: the tests that an earlier check has seen kept.
        share: which one of how many; `judge` takes what they return. A test is in one of them with all its
            cases.
    """
    messages.choose(lang)
    judged = find_stage(stage)
    folder, _ = workspace.write(stage, files)
    verdict = nothing_known(judged)
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        tests = sorted({test.partition("::")[0] for test in verdict.results}, reverse=True)
        task = Task(str(folder), stage, tuple(tests), scratch, LIMIT)
        reporter = BrowserReporter(verdict, task, share, tell, lambda: turn_to(verdict, judged, ever, folder))
        outside = list(logging.getLogger().handlers)
        known = set(sys.modules)
        sys.modules.pop("pytest_timeout", None)  # pytest wants to be the first to import its plugins
        with watched(scratch) as reporter.watch:  # the tests run a copy of the reader's files, made there
            run_tests(task, reporter, options=QUICK)
        os.chdir(folder)  # a folder that one is in cannot be removed
        logging.getLogger().handlers[:] = outside
        for name in set(sys.modules) - known:
            if name.startswith("stage_"):  # the copies that the tests have loaded
                del sys.modules[name]
    results = [(test, result.state, result.finding) for test, result in verdict.results.items()]
    return {
        "found": sorted(verdict.collected),
        "elsewhere": sorted(reporter.elsewhere),
        "stopped": reporter.stopped,
        "results": [(test, state, finding and asdict(finding)) for test, state, finding in results],
    }


def judge(stage: str, lang: str, ever: list[str], parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the shares of a check together, and return what the page shows."""
    messages.choose(lang)
    judged = find_stage(stage)
    verdict = nothing_known(judged)
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
    return summary(verdict, judged, ever, Path(workspace.HOME, stage), parts[0]["elsewhere"])


def nothing_known(stage: Stage) -> Verdict:
    """Return the verdict on a stage before any of its tests has run."""
    return Verdict({behaviour.test: Result(behaviour) for behaviour in all_behaviours(stage)})


def summary(
    verdict: Verdict, stage: Stage, ever: list[str], folder: Path, elsewhere: list[str]
) -> dict[str, Any]:
    """Return what the page shows: every behaviour, and the one to turn to, explained."""
    results = [told(result) for result in verdict.results.values() if result.behaviour.test not in elsewhere]
    sentences = {behaviour.test: behaviour.sentence for behaviour in all_behaviours(stage)}
    elsewhere = [sentences[test] for test in elsewhere]
    return {"results": results, "elsewhere": elsewhere} | turn_to(verdict, stage, ever, folder)


def turn_to(verdict: Verdict, stage: Stage, ever: list[str], folder: Path) -> dict[str, Any]:
    """Return the behaviour to turn to, as far as that is known, and how its explanation begins."""
    following = next_result(verdict, stage, ever)
    if following is None:
        return {"next": None, "headline": ""}
    return {"next": explained(following, folder), "headline": headline(verdict, following, stage, ever)}


def explained(result: Result, folder: Path) -> dict[str, Any]:
    """Return why a behaviour is not there, as `course check` shows it; the place is for a link."""
    place = result.finding.place if result.finding else None
    parts = [(label, text) for label, text in explain(result, folder) if label != "place" or place is None]
    return told(result) | {
        "parts": [(messages.say(f"explain.{label}"), text) for label, text in parts],
        "place": place,
        "why": result.behaviour.why,
        "lesson": (result.behaviour.lesson or ("",))[0],
        "anchor": result.behaviour.guidance.get("lesson", ""),
        "hints": result.behaviour.hints,
    }


def told(result: Result) -> dict[str, Any]:
    """Return one behaviour for the page's list."""
    behaviour = result.behaviour
    return {
        "test": behaviour.test,
        "number": behaviour.number,
        "sentence": behaviour.sentence,
        "state": result.state,
    }


class BrowserReporter(Reporter):
    """The reporter of the terminal, in a process that must live on, and cannot start others."""

    def __init__(
        self,
        verdict: Verdict,
        task: Task,
        share: tuple[int, int],
        tell: Tell,
        turn_to: Callable[[], dict[str, Any]],
    ) -> None:
        super().__init__(self, task)  # type: ignore[arg-type]  # what it sends, it sends to `send` below
        self.verdict, self.share, self.tell, self.turn_to = verdict, share, tell, turn_to
        self.elsewhere: set[str] = set()
        self.begun, self.told = 0, 0.0
        self.stopped = self.explained = False
        self.watch: Watch

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what needs threads or other programs, and note it; of the rest keep the share."""
        self.elsewhere = {_test(item) for item in items if item.get_closest_marker("threads")}
        tests = [test for test in dict.fromkeys(map(_test, items)) if test not in self.elsewhere]
        self.verdict.collected.update(tests)
        number, shares = self.share
        mine = set(tests[number::shares])
        items[:] = [item for item in items if _test(item) in mine]
        for item in items[:1]:
            item.config.option.tbstyle = "native"  # the quickest to draw; nobody sees it here
        self.tell({"kind": "found", "count": len(items)})
        super().pytest_collection_modifyitems(items)

    def send(self, message: tuple[Any, ...]) -> None:
        """Take in what was found, and tell the page what is certain now."""
        kind, *what = message
        if kind == "start":
            self.begun += 1
            if (now := time.perf_counter()) > self.told + 0.1:  # a page that draws takes a processor, too
                self.tell({"kind": "running", "count": self.begun})
                self.begun, self.told = 0, now
        elif (certain := self.verdict.receive(kind, *what)) is not None:
            place = list(self.verdict.results).index(certain.behaviour.test)
            self.tell({"kind": "result", "place": place, **told(certain)})
            if not certain.passed and not self.explained:  # the reader need not wait for the rest
                self.explained = True
                self.tell({"kind": "next", **self.turn_to()})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Give each test its time."""
        self.watch.wind(self.task.limit)

    def _describe(self, excinfo: pytest.ExceptionInfo[BaseException], text: str) -> Finding:
        if not isinstance(excinfo.value, TookTooLong):
            return super()._describe(excinfo, text)
        own = [entry for entry in excinfo.traceback if str(entry.path).startswith(self.task.scratch)]
        place = f'File "{own[-1].path}", line {own[-1].lineno + 1}' if own else ""
        return Finding(traceback=place, seconds=self.task.limit)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Of a test that was stopped say so, and leave the rest: it would be stopped as well."""
        report = yield from super().pytest_runtest_makereport(item, call)
        if call.excinfo is not None and isinstance(call.excinfo.value, TookTooLong):
            self.verdict.results[test_of(item.nodeid)].state = "hung"
            self.stopped = True
            item.session.shouldstop = "a test did not end"
        return report


def _test(item: pytest.Item) -> str:
    return test_of(item.nodeid)
