"""`run`: a stage in its folder, with reload, and a step of chapter 6."""

from __future__ import annotations

import pytest

from course.commands.run import run, step_folder
from course.errors import Failure
from course.lessons.stages import find_stage


def test_the_debugger_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """A client that reaches the debugger can run code, so it is off where other machines reach it."""
    started = []
    monkeypatch.setattr("course.commands.run.hand_over", lambda command, **_: started.append(command))
    monkeypatch.setattr("course.commands.run.ports.free", lambda *_: True)

    for host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104
        run("1", 5000, host, reload=True)

    assert ["--no-debugger" in command for command in started] == [False, True]
    assert "without the debugger" in capsys.readouterr().out


def test_a_step_that_is_not_there_is_refused() -> None:
    for key, step, why in (("start", 2, "only chapters have"), ("1", 9, "choose one from 1 to 4")):
        with pytest.raises(Failure, match=why):
            step_folder(find_stage(key), step)
