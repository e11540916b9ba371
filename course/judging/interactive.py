"""Code that waits for the keyboard, or serves, ends at once with an exception that says so.

A debugger, a prompt or a server would otherwise wait until the time limit of the test, and the learner would
read only that their code did not finish.
"""

from __future__ import annotations

import builtins
import pdb
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from flask import Flask
from werkzeug import serving


class Waits(RuntimeError):
    """The code waits for what it cannot get while it is tested."""


@contextmanager
def nobody_at_the_keyboard() -> Iterator[None]:
    """Let `breakpoint()`, `pdb.set_trace()`, `input()` and `app.run()` raise `Waits` within the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "breakpointhook", _refuse("breakpoint() waits for commands at the keyboard"))
        patch.setattr(pdb, "set_trace", _refuse("pdb.set_trace() waits for commands at the keyboard"))
        patch.setattr(builtins, "input", _refuse("input() waits for text at the keyboard"))
        for place, name in ((Flask, "run"), (serving, "run_simple")):
            patch.setattr(place, name, _refuse("app.run() starts a server and does not return"))
        yield


def _refuse(why: str) -> Any:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise Waits(why)

    return refuse
