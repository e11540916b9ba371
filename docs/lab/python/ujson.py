"""Replaces ujson, which is written in C and has no build for browsers: the same calls, by `json`."""

import json
from typing import Any

JSONDecodeError = json.JSONDecodeError


def dumps(value: Any, escape_forward_slashes: bool = True, indent: int = 0, **options: Any) -> str:
    """Return ``value`` as JSON without spaces, as ujson writes it; ``options`` are those of `json.dumps`."""
    separators = (",", ": " if indent else ":")
    text = json.dumps(value, indent=indent or None, separators=separators, **options)
    return text.replace("/", "\\/") if escape_forward_slashes else text


def loads(text: str | bytes) -> Any:
    """Return the value of the JSON in ``text``."""
    return json.loads(text)


def dump(value: Any, file: Any, **options: Any) -> None:
    """Write ``value`` to ``file``."""
    file.write(dumps(value, **options))


def load(file: Any) -> Any:
    """Return the value of the JSON in ``file``."""
    return loads(file.read())
