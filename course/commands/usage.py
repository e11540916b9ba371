"""Explains the wrong usage of a command in the learner's language."""

from __future__ import annotations

import click

from course import messages
from course.judging.explain import pattern_of


def explain(error: click.ClickException) -> str:
    """Return what is wrong in the chosen language; the English messages of `click` are click's own."""
    told = error.format_message()
    for name, english in messages.catalogue("en")["click"].items():
        if found := pattern_of(english).fullmatch(told):
            return messages.say(f"click.{name}", **found.groupdict())
    return told
