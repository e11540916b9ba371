"""Try it, chapter 3, number 3: a decorator that measures."""

from __future__ import annotations

import logging
import re
import time

import pytest
from kit.adapter import Stage


def test_it_passes_on_arguments_and_result(stage: Stage) -> None:
    """A view under @log_time gets its arguments, and the client its response."""
    decorated = stage.decorators.log_time(lambda *args, **kwargs: (args, kwargs))

    assert decorated(1, name="김미나") == ((1,), {"name": "김미나"})


def test_it_keeps_the_name_of_the_view(stage: Stage) -> None:
    """@log_time keeps the name of the view, as every decorator with @wraps does."""

    def show() -> str:
        return "shown"

    assert stage.decorators.log_time(show).__name__ == "show"


def test_it_says_how_long_the_view_took(
    stage: Stage, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """@log_time prints or logs a line with a number each time the view is called."""
    caplog.set_level(logging.DEBUG)
    decorated = stage.decorators.log_time(lambda: time.sleep(0.01))
    capsys.readouterr()

    for _ in range(2):
        decorated()

    shown = capsys.readouterr()
    lines = [line for line in (shown.out + shown.err + caplog.text).splitlines() if re.search(r"\d", line)]
    assert len(lines) >= 2, f"expected a line with a number for each call, got {lines}"
