"""The messages between the runner and the processes in which the learner's code runs: plain data."""

from __future__ import annotations

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
    sent: str = ""  # the request
    received: str = ""  # the response: status, type, body
    expected: str = ""
    got: str = ""
    message: str = ""  # the test's own words
    log: list[str] = field(default_factory=list)  # exceptions that the application logged
    blueprints: list[str] = field(default_factory=list)  # those registered on the application
    urls: list[str] = field(
        default_factory=list
    )  # all URLs of the application, if the requested one is unknown
    seconds: float = 0  # the time limit that a stopped test exceeded
    traceback: str = ""  # of all threads, if the test hung
    interferes: str = ""  # what of the tests themselves the code has changed


class Channel(Protocol):
    """Takes ("found", cases), ("start", case), ("failed", case, finding), ("finish", case, passed), ("end",).

    A case has passed if nothing failed and all of its parts are known to have run.
    """

    def send(self, message: Any, /) -> None:
        """Send one message."""
