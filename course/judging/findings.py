"""Describes why a test failed: what was sent and received, what was expected, and which line is to blame."""

from __future__ import annotations

import linecache
import re
import traceback
from collections.abc import Sequence
from typing import Any

import pytest
from werkzeug.exceptions import HTTPException, InternalServerError

from course.judging import blame
from course.judging.evidence import StoppedTheTest
from course.judging.protocol import Finding, Task

LINES_SHOWN, LENGTH_SHOWN = 5, 200  # of what the learner's code printed, and of any text
#: What an assertion says, by its file and line. To find it, its whole file is parsed, and where the code does
#: not start, all tests may fail at one place.
_asserted: dict[tuple[str, int], str] = {}


def describe(
    excinfo: pytest.ExceptionInfo[BaseException],
    logged: Sequence[BaseException],
    exchanges: Sequence[Any],
    compared: tuple[str, str, str] | None,
    paths: LearnerPaths,
) -> Finding:
    """Return what is known about a failure.

    Args:
        logged: the exceptions that the application logged during the test.
        exchanges: the requests of the test, see tests/kit/clients.py.
        compared: both sides of the comparison that failed, with its operator between them.
    """
    error = excinfo.value.error if isinstance(excinfo.value, StoppedTheTest) else excinfo.value
    own = paths.place_of(error)
    in_a_view = next(filter(paths.place_of, reversed(logged)), next(iter(logged), None))
    finding = Finding(
        raised=paths.clean(_one_line(error)),
        place=own or paths.place_of(in_a_view),
        on_the_way=blame.is_on_the_way(error),
        log=[paths.clean(_one_line(one)) for one in logged],
        lacks=getattr(error, "lacks", None),
    )
    _add_exchange(finding, exchanges, getattr(error, "response", None), paths)
    if own is None:
        _add_expectation(finding, excinfo, compared, paths)
    if (blamed := error if own else in_a_view) is not None:
        finding.meant = blame.similar_name(blamed)
        # An exception that the application only logged is no reason to fail where a test expects one.
        finding.crash = blame.is_crash(blamed, paths.is_own) and (own is not None or finding.fails_with(500))
    return finding


def _add_exchange(finding: Finding, exchanges: Sequence[Any], response: Any, paths: LearnerPaths) -> None:
    """Add the exchange with the wrong response, or the last one."""
    log = [one for one in exchanges if response is None or one.response is response] or list(exchanges)
    if not log:
        return
    last = log[-1]
    url = last.response.request.full_path.rstrip("?") if last.response is not None else last.url
    finding.sent = f"{last.method} {url}" + (f"  {short(last.body)}" if last.body is not None else "")
    finding.blueprints = sorted(last.app.blueprints)
    if last.response is None:
        return
    if last.response.status_code == 404 and not _has_url(last.app, last.response.request.path):
        rules = [rule for rule in last.app.url_map.iter_rules() if rule.endpoint != "static"]
        finding.urls = sorted(f"{rule.rule} {rule.endpoint}" for rule in rules)
    returned_nothing = any("ended without a return" in text for text in (finding.raised, *finding.log))
    if view := blame.view_of(last, paths.is_own, returned_nothing=returned_nothing):
        finding.view = (paths.name_of(view[0]), *view[1:])
        if returned_nothing:  # what raised is Flask, or a decorator further out that needed a response
            finding.place = finding.view
    try:
        body = " ".join(last.response.get_data(as_text=True).split())
        if last.response.mimetype == "text/html":
            text = re.sub(r"<title>.*?</title>|<[^>]*>", " ", body)  # what a browser would show
            body = " ".join(text.replace(InternalServerError.description, "").split())
    except Exception:  # the learner's response may be a stream that fails
        body = ""
    status = f"{last.response.status_code} {last.response.content_type or ''}"
    finding.received = f"{status}  {body[:300]}".strip()


def _add_expectation(
    finding: Finding,
    excinfo: pytest.ExceptionInfo[BaseException],
    compared: tuple[str, str, str] | None,
    paths: LearnerPaths,
) -> None:
    """Add what the test expected, or what it looked for when it met something unforeseen."""
    error = excinfo.value
    if not isinstance(error, (AssertionError, pytest.fail.Exception)):
        kind, name = blame.what_is_lacking(error)
        finding.ours, finding.lacks = True, (kind, paths.clean(name))
        return
    lines = str(error).splitlines() or [""]
    # The output of a program may be a traceback, whose last line says what happened.
    message = lines[-1] if lines[0].startswith("Traceback ") else lines[0]
    if (expected := getattr(error, "expected", None)) is not None:
        finding.expected = expected
    elif message and not message.startswith("assert "):
        finding.message = message
    elif compared is not None:
        left, op, right = compared
        same = op in ("==", "is")
        finding.expected = right if same else f"{left} {op} {right}"
        finding.got = left if same else ""
    else:
        entry = excinfo.traceback[-1]
        place = (str(entry.path), entry.lineno)
        if place not in _asserted:
            _asserted[place] = str(entry.statement).strip().removeprefix("assert ")
        finding.expected = _asserted[place]


class LearnerPaths:
    """Finds the learner's own files in tracebacks, and names them as the learner does."""

    def __init__(self, task: Task) -> None:
        # The tests load a private copy: SCRATCH/run/stages0/NAME-1.
        self.copy = re.compile(re.escape(task.scratch) + rf"[/\\].*?{re.escape(task.stage)}-\d+[/\\]")

    def is_own(self, file: str) -> bool:
        """Return whether ``file`` is one of the learner's."""
        return self.copy.match(file) is not None

    def name_of(self, file: str) -> str:
        """Return a file of the learner's as they name it, on every system with slashes."""
        return self.copy.sub("", file).replace("\\", "/")

    def clean(self, text: str) -> str:
        """Return ``text`` with the paths that the learner knows."""
        return re.sub(r"(?:\.\./)*[^\s\"']*?stages\d+[/\\][\w.]+-\d+[/\\]", "", self.copy.sub("", text))

    def place_of(self, error: BaseException | None) -> tuple[str, int, str] | None:
        """Return the innermost line of the learner's code in the traceback of ``error``."""
        if error is None:
            return None
        if isinstance(error, SyntaxError) and error.filename and self.copy.match(error.filename):
            return self.name_of(error.filename), error.lineno or 1, (error.text or "").strip()
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if self.copy.match(frame.filename)]
        if own and own[-1].lineno:
            line = linecache.getline(own[-1].filename, own[-1].lineno).strip()
            return self.name_of(own[-1].filename), own[-1].lineno, line
        return None


def last_lines(text: str) -> str:
    """Return the end of what was printed: it is nearest to what went wrong."""
    lines = [short(line) for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-LINES_SHOWN:])


def short(value: object) -> str:
    """Return ``value`` as a text that is not too long."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except Exception:  # the learner's own __repr__ may fail
        text = f"<{type(value).__name__}>"
    return text if len(text) <= LENGTH_SHOWN else f"{text[:LENGTH_SHOWN]}..."


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    for more in (" [SQL: ", " Possible reasons are: "):  # all that was stored, and an essay on imports
        text = text.partition(more)[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _has_url(app: Any, path: str) -> bool:
    """Return whether the application has a rule for ``path``, with any method."""
    try:
        app.url_map.bind("").match(path)
    except HTTPException as error:
        return error.code != 404
    return True
