"""Stands in for ujson, which is written in C and not made for browsers: the same calls, by `json`."""

import json
from typing import Any

JSONDecodeError = json.JSONDecodeError


def dumps(
    value: Any,
    ensure_ascii: bool = True,
    escape_forward_slashes: bool = True,
    indent: int = 0,
    sort_keys: bool = False,
    default: Any = None,
    **_: Any,
) -> str:
    """Return ``value`` as JSON, as tight as ujson writes it."""
    separators = (",", ": " if indent else ":")
    text = json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent or None,
        separators=separators,
        sort_keys=sort_keys,
        default=default,
    )
    return text.replace("/", "\\/") if escape_forward_slashes else text


def loads(text: str | bytes, **_: Any) -> Any:
    """Return what JSON says."""
    return json.loads(text)


def dump(value: Any, file: Any, **options: Any) -> None:
    """Write ``value`` to ``file``."""
    file.write(dumps(value, **options))


def load(file: Any, **_: Any) -> Any:
    """Return what the JSON of ``file`` says."""
    return loads(file.read())


encode, decode = dumps, loads
