"""The messages of the commands in the learner's language, from the TOML files here. Standard library only."""

from __future__ import annotations

import locale
import os
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "ko")
MESSAGES = Path(__file__).resolve().parent
#: How a learner types a command. Python for Windows comes as `py`; `python3` opens a shop there.
COMMAND = "py -m course" if sys.platform == "win32" else "python3 -m course"

_chosen: list[str] = []  # empty until a language is chosen


def language() -> str:
    """Return the language of the messages: the chosen one, else the environment's, else English."""
    if _chosen:
        return _chosen[-1]
    variables = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    name = next(filter(None, variables), None) or locale.getlocale()[0] or ""
    return "ko" if name.lower().startswith("ko") else "en"


def choose(lang: str) -> None:
    """Use ``lang``, one of `LANGUAGES`, from now on."""
    _chosen[:] = [lang]


def say(message: str, /, **values: Any) -> str:
    """Return the message called `table.name` with ``values`` in its placeholders.

    Raises:
        KeyError: there is no such message.
    """
    table, _, name = message.partition(".")
    text = as_typed(catalogue(language())[table][name])
    return text.format(**values) if values else text


def as_typed(text: str) -> str:
    """Return ``text`` with its commands as they are typed on this system."""
    return text.replace("python3 -m course", COMMAND)


@cache
def catalogue(lang: str) -> dict[str, dict[str, str]]:
    """Return all messages of a language, table by table."""
    return tomllib.loads((MESSAGES / f"{lang}.toml").read_text(encoding="utf-8"))
