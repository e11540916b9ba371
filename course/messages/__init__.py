"""What the course says, in the learner's language: course/messages/*.toml. Standard library only."""

from __future__ import annotations

import locale
import os
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("en", "ko")
MESSAGES = Path(__file__).resolve().parent

_chosen: list[str] = []  # empty until somebody has said which


def language() -> str:
    """Return the language to speak: the one that was chosen, else that of the environment, else English."""
    if _chosen:
        return _chosen[-1]
    said = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    first = next((value for value in said if value), None) or locale.getlocale()[0] or ""
    return "ko" if first.lower().startswith("ko") else "en"


def choose(lang: str) -> None:
    """Speak ``lang``, one of `LANGUAGES`, from now on."""
    _chosen[:] = [lang]


def say(message: str, /, **values: Any) -> str:
    """Return the message of that name, `table.name`, with ``values`` put into its places.

    Raises:
        KeyError: no message is called so.
    """
    table, _, name = message.partition(".")
    text: str = messages(language())[table][name]
    return text.format(**values) if values else text


@cache
def messages(lang: str) -> dict[str, dict[str, str]]:
    """Return all messages of a language, table by table."""
    return tomllib.loads((MESSAGES / f"{lang}.toml").read_text(encoding="utf-8"))
