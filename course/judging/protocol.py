"""What passes between the judge and the processes in which the learner's code runs: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field


def test_of(nodeid: str) -> str:
    """Return the test, `file.py::function`, that a case of pytest belongs to."""
    return nodeid.split("[")[0].removeprefix("tests/")


@dataclass(frozen=True)
class Task:
    """What one process has to judge, and where it may write."""

    folder: str
    stage: str
    tests: tuple[str, ...]  # files of tests, or single ones as `file.py::function`
    scratch: str
    limit: float  # seconds that one test may take; 0 where somebody else looks at the clock
    skipped: frozenset[str] = frozenset()  # tests that a process before this one has finished
    full: bool = False


@dataclass
class Finding:
    """What is known of one failure, in plain data: it travels between processes, and `report` writes it."""

    raised: str = ""  # the exception and its text, as Python prints it
    place: tuple[str, int, str] | None = None  # where in the learner's code: file, line, what stands there
    sent: str = ""
    came: str = ""
    wanted: str = ""
    got: str = ""
    said: str = ""  # what the test says in its own words
    log: list[str] = field(default_factory=list)  # exceptions that the application logged
    blueprints: list[str] = field(default_factory=list)  # those registered on the application that answered
    urls: list[str] = field(
        default_factory=list
    )  # the URLs that it has, where the one asked for is not among them
    seconds: float = 0  # after which a test that did not end was stopped
    traceback: str = ""
