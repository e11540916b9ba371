"""How a request is read: strictly. Chapter 3, for `json_required` and `validated`.

A body is JSON in UTF-8, an object, with exactly the fields that the view names, each of its type.
Everything else is refused here, so that no code below has to expect it (traps 4 and 5). No answer repeats
what was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from typing import Any, NoReturn, cast

from flask import current_app, g, request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from .exceptions import FieldError, InvalidInput, refuse
from .models.columns import is_id

MAX_DEPTH = 8  # levels of lists and objects; the bodies of this API have one
NAMES: dict[Any, str] = {str: "text", int: "a whole number", bool: "true or false"}

#: What a field has to be: a type, or a function that says what is wrong with a value, None if nothing is.
Rule = type | Callable[[Any], str | None]

# A whole string, or one bracket. The string's end is optional, so that reading stays linear in a broken body.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_LIMIT = re.compile(r"[1-9][0-9]?|100")


def read_body() -> dict[str, Any]:
    """Return the body of this request, an object with any fields; it is read once and kept.

    Raises:
        UnsupportedMediaType: it is not JSON, by what its headers say.
        RequestEntityTooLarge: it is longer than MAX_CONTENT_LENGTH.
        InvalidInput: it is not a JSON object.
    """
    if "body" not in g:
        charset = request.mimetype_params.get("charset", "utf-8").lower()
        if request.mimetype != "application/json" or charset != "utf-8" or request.content_encoding:
            raise UnsupportedMediaType
        body = _parse(_read())
        if not isinstance(body, dict):
            _refuse("body", "not_an_object", "the body has to be a JSON object")
        g.body = body
    return cast(dict[str, Any], g.body)


def that(is_so: Callable[[str], bool], what: str) -> Callable[[Any], str | None]:
    """Return the rule for a text of which ``is_so`` holds; ``what`` says to the client what that is."""
    return lambda value: None if isinstance(value, str) and is_so(value) else f"this has to be {what}"


def like(pattern: str, what: str) -> Callable[[Any], str | None]:
    """Return the rule for a text of which the regular expression ``pattern`` is true."""
    return that(lambda text: re.fullmatch(pattern, text) is not None, what)


def one_of(*values: str) -> Callable[[Any], str | None]:
    """Return the rule for a text that can only be one of these."""
    return that(lambda text: text in values, " or ".join(values))


def check_fields(
    body: dict[str, Any], rules: dict[str, Rule], optional: Collection[str] = ()
) -> dict[str, Any]:
    """Return ``body`` if it has the fields that ``rules`` names, each as its rule wants it, and no others.

    Args:
        optional: the names of those that may be missing. Where all of them may, one has to be there.

    Raises:
        InvalidInput: it has not; all that is wrong with it, at once.
    """
    wanted = {name: rule for name, rule in rules.items() if name in body or name not in optional}
    errors = [_fault(name, body, rule) for name, rule in (wanted or rules).items()]
    if body.keys() - rules.keys():
        message = f"only these fields are known: {', '.join(rules)}"
        errors.append(FieldError("body", "unknown_field", message))
    if any(errors):
        raise InvalidInput(error for error in errors if error)
    return body


def read_page() -> tuple[str, int]:
    """Return `after` and `limit` of this request: where the page begins, "" at the first, and how long it is.

    Raises:
        InvalidInput: `limit` is not 1 to 100, or `after` did not come from the `next` of a page.
    """
    after = request.args.get("after", "")
    limit = request.args.get("limit", str(current_app.config["PAGE_SIZE"]))
    if not _LIMIT.fullmatch(limit):
        _refuse("limit", "out_of_range", "this has to be a whole number from 1 to 100")
    if "after" in request.args and not is_id(after):
        _refuse("after", "not_a_cursor", "take this from the `next` of an earlier page")
    return after, int(limit)


def read_filters(rules: dict[str, Callable[[Any], str | None]], besides: set[str]) -> dict[str, str]:
    """Return what of ``rules`` stands in the query of this request, each as its rule wants it.

    A filter that is spelled wrong would let everything through; so nothing else may stand there.

    Args:
        besides: further names that may, for other functions to read.

    Raises:
        InvalidInput: something is not; all of it, at once.
    """
    known = {*rules, *besides}
    if request.args.keys() - known or len(request.args) != sum(1 for _ in request.args.items(multi=True)):
        _refuse("query", "unknown_field", f"only these are known, each once: {', '.join(sorted(known))}")
    given = {name: request.args[name] for name in rules if name in request.args}
    wrong = {name: rules[name](value) for name, value in given.items()}
    refuse(*(FieldError(name, "invalid", message) for name, message in wrong.items() if message))
    return given


def _read() -> bytes:
    data = request.get_data(cache=False)  # Werkzeug itself answers 413 by the Content-Length
    if len(data) >= current_app.config["MAX_CONTENT_LENGTH"] and request.content_length != len(data):
        # A body in chunks does not say how long it is; it was cut here, and its beginning may look complete.
        raise RequestEntityTooLarge
    return data


def _parse(data: bytes) -> Any:
    try:
        text = data.decode("utf-8")
        if _depth(text) > MAX_DEPTH:
            _refuse("body", "too_deep", f"use at most {MAX_DEPTH} levels")
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        _refuse("body", "not_json", "the body has to be JSON in UTF-8")


def _depth(text: str) -> int:
    # Before parsing: Python's parser recurses, and thousands of brackets overflow its stack.
    deepest = level = 0
    for token in _TOKEN.finditer(text):
        level += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        deepest = max(deepest, level)
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Two parsers may take different ones of two equal keys, and then disagree on who is meant.
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse("body", "duplicate_field", "every field may be there once")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def _fault(name: str, body: dict[str, Any], rule: Rule) -> FieldError | None:
    if name not in body:
        return FieldError(name, "missing", "this field is required")
    value = body[name]
    if not isinstance(rule, type):
        message = rule(value)
        return FieldError(name, "invalid", message) if message else None
    if type(value) is not rule:  # not isinstance: True is an int
        return FieldError(name, "wrong_type", f"this has to be {NAMES[rule]}")
    if isinstance(value, str) and not _is_text(value):
        return FieldError(name, "not_text", "leave out NUL and halves of characters")
    return None


def _is_text(value: str) -> bool:
    # `"\ud800"` is valid JSON and no valid text; PostgreSQL has no NUL.
    return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _refuse(field: str, code: str, message: str) -> NoReturn:
    raise InvalidInput([FieldError(field, code, message)])
