"""What a process of a stage writes: the lines of its log, by whatever logger and handler, and its prints."""

from __future__ import annotations

import io
import json
import logging
import logging.handlers
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kit.adapter import FINAL, Stage

#: Handlers that only pass a record on to another.
PASSING_ON = (logging.handlers.QueueHandler, logging.handlers.MemoryHandler)
#: How the handlers of Python write; another one may print, or write what it likes.
STANDARD = {
    vars(cls).get("emit")
    for cls in [*vars(logging).values(), *vars(logging.handlers).values()]
    if isinstance(cls, type)
}


class Output:
    """Everything written so far."""

    def __init__(self) -> None:
        self.written: list[str] = []  # what each handler made of a record, and what was printed
        self.records: list[str] = []  # all that was logged, also what no handler writes

    @property
    def text(self) -> str:
        """All of it as one text."""
        return "\n".join([*self.written, *self.records])

    def requests(self) -> list[dict[str, Any]]:
        """Return the lines of the access log: those that are JSON and have a status."""
        return [line for line in map(_parsed, "\n".join(self.written).splitlines()) if "status" in line]


@contextmanager
def output_of(stage: Stage) -> Iterator[Output]:
    """Record what ``stage`` writes, which configures its log anew, as in a process of its own."""
    output = Output()
    with _as_new(), _recorded_logging(output), _recorded_prints(output):
        if stage.number < FINAL:  # which configures its log in its factory
            stage.loaded.load_package()
        yield output


def _parsed(line: str) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


@contextmanager
def _as_new() -> Iterator[None]:
    """Take from every logger what earlier tests, or pytest, have set."""
    named = [one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    before = [(one, dict(vars(one))) for one in (logging.root, *named)]
    for logger, _ in before:
        new = {"handlers": [], "filters": [], "level": logging.NOTSET, "propagate": True, "disabled": False}
        vars(logger).update(new)
    logging.root.setLevel(logging.WARNING)  # also forgets which loggers were enabled for what
    try:
        yield
    finally:
        for logger, attributes in before:
            vars(logger).update(attributes)
        logging.root.setLevel(logging.root.level)


@contextmanager
def _recorded_logging(output: Output) -> Iterator[None]:
    handle, call_handlers = logging.Handler.handle, logging.Logger.callHandlers

    def record_handled(self: logging.Handler, record: logging.LogRecord) -> Any:
        if isinstance(self, PASSING_ON) or type(self).emit not in STANDARD:
            return handle(self, record)
        if self.filter(record):
            output.written.append(self.format(record))
        return True

    def record_called(self: logging.Logger, record: logging.LogRecord) -> None:
        output.records.append(record.getMessage())
        call_handlers(self, record)

    logging.Handler.handle = record_handled  # type: ignore[method-assign]
    logging.Logger.callHandlers = record_called  # type: ignore[method-assign]
    try:
        yield
    finally:
        logging.Handler.handle = handle  # type: ignore[method-assign]
        logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]


class _Console(io.TextIOBase):
    def __init__(self, output: Output) -> None:
        self.output, self.line = output, ""

    def write(self, text: str) -> int:
        *lines, self.line = (self.line + text).split("\n")
        self.output.written += lines
        return len(text)


@contextmanager
def _recorded_prints(output: Output) -> Iterator[None]:
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Console(output), _Console(output)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
