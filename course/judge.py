"""What the shared tests say about one folder, gathered by a small pytest plugin."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from course.failures import ROOT


@dataclass
class Behaviour:
    """One promise of the course, in a sentence, and whether the folder keeps it."""

    sentence: str
    test: str
    kept: bool = True
    message: str = ""


class Judge:
    """Collects the behaviours in the lessons' order. A test that runs for two versions is one behaviour."""

    def __init__(self) -> None:
        self.behaviours: dict[str, Behaviour] = {}
        self.broken = ""  # why the tests could not even be collected

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Order the tests as the lessons are, and take each one's sentence from its docstring."""
        items.sort(key=lambda item: item.path.name)
        for item in items:
            function = getattr(item, "function", None)
            sentence = (inspect.getdoc(function) or item.name).splitlines()[0].replace("`", "")
            self.behaviours.setdefault(_key(item.nodeid), Behaviour(sentence, item.nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure of a test, its set-up or its clean-up."""
        behaviour = self.behaviours[_key(report.nodeid)]
        if report.failed and behaviour.kept:
            behaviour.kept = False
            behaviour.message = explanation(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note that a file of tests could not be read."""
        if report.failed:
            self.broken = report.longreprtext


def judge(folder: Path, stage: str, *, full: bool) -> Judge:
    """Run the shared tests on ``folder`` as if it were ``stage``.

    Args:
        full: let pytest print all it has to say as well.
    """
    verdict = Judge()
    # With "=": pytest would take a path of its own for one of tests, and load the learner's conftest.py.
    options = [f"--stage={folder}", f"--stage-as={stage}", "-p", "no:cacheprovider", "-p", "no:xdist"]
    options += ["-v"] if full else ["-p", "no:terminal"]
    pytest.main([str(ROOT / "tests"), "--rootdir", str(ROOT), *options], plugins=[verdict])
    return verdict


def explanation(report: pytest.TestReport) -> str:
    """Return what a failed test expected and got, and where the learner's code raised something."""
    crash = getattr(report.longrepr, "reprcrash", None)
    message = crash.message if crash else report.longreprtext
    lines = message.removeprefix("AssertionError: ").splitlines()
    told = [line for line in lines if not INTROSPECTION.match(line)]
    if told and told[0].strip():
        sentence = "\n".join(told[:6]).strip()
    else:
        sentence = lines[0].replace("assert ", "Expected, and not so: ", 1)
    return "\n".join([sentence, *_raised(report)])


def _raised(report: pytest.TestReport) -> list[str]:
    """Return where in the learner's files the last exception was raised that the test or the log shows."""
    traceback = "\n".join([report.longreprtext, *(text for _, text in report.sections)])
    crash = getattr(report.longrepr, "reprcrash", None)
    places = PLACE.findall(crash.message if crash else "") or PLACE.findall(
        traceback
    )  # a SyntaxError says where
    if not places:
        return []
    file, line = places[-1]
    raised = EXCEPTION.findall(traceback)
    what = f": {raised[-1]}" if raised and raised[-1] not in report.longreprtext.splitlines()[-1] else ""
    return [f"Look at {file}, line {line}{what}"]


#: How pytest explains an assertion, for those who wrote the test.
INTROSPECTION = re.compile(r"assert |\s*\+\s")
#: A line of a learner's file in a traceback: the private copy that was judged is called like the stage.
PLACE = re.compile(r"(?:[\w.]*\d\d_[a-z_]+|start|final)-\d+[/\\]([\w./\\]+\.py)\"?(?:, line |:)(\d+)")
EXCEPTION = re.compile(r"^((?:[a-z_]+\.)*[A-Z]\w*(?:Error|Exception)\b.*)$", re.MULTILINE)


def _key(nodeid: str) -> str:
    return nodeid.split("[")[0]
