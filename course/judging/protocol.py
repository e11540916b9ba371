"""The messages between the runner and the processes in which the learner's code runs: plain data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Protocol


def test_of(nodeid: str) -> str:
    """Return the test, `file.py::function`, that a pytest case belongs to."""
    return nodeid.split("[")[0].removeprefix("tests/")


@dataclass(frozen=True)
class Task:
    """What one process has to judge, and where it may write."""

    folder: str
    stage: str
    tests: tuple[str, ...]  # test files, or single tests as `file.py::function`
    scratch: str
    limit: float  # seconds for one test
    skipped: frozenset[str] = frozenset()  # cases that an earlier process has finished
    full: bool = False  # let pytest print its whole output


@dataclass
class Finding:
    """What is known about one failure: plain data that processes exchange and `report` writes."""

    raised: str = ""  # the exception and its text, as Python prints it
    place: tuple[str, int, str] | None = None  # where in the learner's code: file, line, source line
    crash: bool = False  # the learner's code raised the exception without wanting to
    ours: bool = False  # the test's own code raised the exception, and did not want to either
    lacks: tuple[str, str] | None = None  # what the test looked for: the kind of thing, and its name
    meant: str = ""  # a name like the one that the learner's code looked for in vain
    sent: str = ""  # the request
    received: str = ""  # the response: status, type, body
    on_the_way: bool = False  # the request is not what the test is about, it only prepares that
    view: tuple[str, int, str] | None = None  # the method of the learner's view that had to respond
    expected: str = ""
    got: str = ""
    message: str = ""  # the test's own words
    printed: str = ""  # the last lines that the learner's code printed
    log: list[str] = field(default_factory=list)  # exceptions that the application logged
    blueprints: list[str] = field(default_factory=list)  # those registered on the application
    #: If the requested URL is unknown, all that the application has, each with its endpoint.
    urls: list[str] = field(default_factory=list)
    seconds: float = 0  # the time limit that a stopped test exceeded
    traceback: str = ""  # of all threads, if the test hung
    interferes: str = ""  # what of the tests themselves the code has changed

    @property
    def request(self) -> str:
        """The method and the path of the request."""
        return " ".join(self.sent.split()[:2])

    def fails_with(self, status: int) -> bool:
        """Return whether a response has this status, and the test expected another."""
        wrong = self.received.startswith(str(status)) and not self.got
        return str(status) not in self.expected and (wrong or str(status) in self.got)

    @property
    def obstacle(self) -> str | None:
        """What fails tests about different things: a command or a path that does not work at all."""
        if self.lacks and self.lacks[0] == "command":
            return self.lacks[1]
        if self.urls or re.match("500|405|3", self.received):
            return self.request.partition(" ")[2].partition("?")[0]
        return None


class Channel(Protocol):
    """Takes ("found", cases), ("start", case), ("failed", case, finding), ("finish", case, passed), ("end",).

    A case has passed if nothing failed and all of its parts are known to have run.
    """

    def send(self, message: Any, /) -> None:
        """Send one message."""
