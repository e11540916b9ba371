"""The order of the tests in several processes: long ones first, so that all end at about the same time."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from course.paths import ROOT

#: Their tests share servers or a browser, which are expensive: one process starts them and runs all tests.
TOGETHER = {
    f"tests/drills/test_{name}.py"
    for name in ("clock", "compose", "containers", "lab", "server", "topology", "units")
} | {"tests/final/test_gateway.py", "tests/final/test_page.py", "tests/course/test_suite.py"}
#: Run by one process, too, one after the other: they begin the run, and all wait until the site is built.
OF_THE_SITE = {f"tests/site/test_{name}.py" for name in ("in_browser", "lab", "lab_python", "slides")}

DURATIONS = ROOT / "tests" / "durations.json"  # written by `course test --record`
UNKNOWN = 1.0  # seconds of the longest test in a file that is not in it


def longest_first(items: list[pytest.Item]) -> None:
    """Sort the tests by file, the file with the longest test first; a file's own order stays.

    A file whose tests stay together counts as one long test: xdist begins with the largest group anyway.
    """
    durations = json.loads(DURATIONS.read_text(encoding="utf-8")) if DURATIONS.is_file() else {}

    def longest(item: pytest.Item) -> float:
        return float(durations.get(item.nodeid.partition("::")[0], {}).get("longest", UNKNOWN))

    items.sort(key=longest, reverse=True)


class Scheduling(LoadScopeScheduling):
    """One test after the other to each process, and a group to one process."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file in OF_THE_SITE:
            return "tests/site"
        return file if file in TOGETHER else nodeid

    def schedule(self) -> None:
        """Give out work, at least two tests to a new process: it begins one when it knows the next."""
        super().schedule()
        for node in self.nodes:
            self._reschedule(node)

    def remove_node(self, node: WorkerController) -> str | None:
        """Take back the tests of a process that ended, except the one that it was running.

        xdist would run that one again, and it would end the next process too.
        """
        left: OrderedDict[str, Any] = OrderedDict()
        crashed = None
        for scope, tests in self.assigned_work.pop(node).items():
            waiting = {test: False for test, done in tests.items() if not done}
            if crashed is None and waiting:
                crashed = next(iter(waiting))
                del waiting[crashed]
            if waiting:
                left[scope] = waiting
        self.workqueue = OrderedDict(left | self.workqueue)
        for other in self.nodes:
            self._reschedule(other)
        return crashed
