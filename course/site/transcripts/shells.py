"""What `http` and `console` fences have in common: quoting for the shells, and a tab for each."""

from __future__ import annotations

import re
import shlex

VARIABLE = re.compile(r"\{\{(\w+)\}\}")


def tabs(forms: dict[str, tuple[str, list[str]]]) -> list[str]:
    """Return linked tabs, each by its title with the language of its fence and its lines."""
    lines = []
    for number, (name, (language, content)) in enumerate(forms.items()):
        inside = [f"```{language}", *content, "```"]
        lines += [
            f'{"===" if number else "===!"} "{name}"',
            "",
            *(f"    {line}" if line else "" for line in inside),
            "",
        ]
    return lines


def bash(text: str) -> str:
    """Return ``text`` quoted for bash; `{{field}}` is a variable of that name."""
    if VARIABLE.search(text):
        escaped = re.sub(r'([\\"$`])', r"\\\1", VARIABLE.sub("\0\\1\0", text))
        return '"' + re.sub("\0(\\w+)\0", r"$\1", escaped) + '"'
    return shlex.quote(text)


def powershell(text: str) -> str:
    """Return ``text`` quoted for PowerShell; `{{field}}` is a variable of that name."""
    if VARIABLE.search(text):
        escaped = re.sub(r'([`"$])', r"`\1", VARIABLE.sub("\0\\1\0", text))
        return '"' + re.sub("\0(\\w+)\0", r"$\1", escaped) + '"'
    return "'" + text.replace("'", "''") + "'"
