"""How a response is written: JSON in UTF-8, one content type. Chapter 1, in place of `BaseView`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import ujson
from flask import Response

JSON = "application/json; charset=utf-8"


def answer(
    data: Any, status: int = 200, headers: Mapping[str, str] | None = None, content_type: str = JSON
) -> Response:
    """Return ``data`` as JSON that a person can read: `김미나`, not `\\uae40\\ubbf8\\ub098`.

    Args:
        data: what `json` can write, and dates and UUIDs. None where there is no body, for 204.
    """
    if data is None:
        response = Response(status=status, headers=dict(headers or {}))
        del response.headers["Content-Type"]
        return response
    body = ujson.dumps(data, ensure_ascii=False, escape_forward_slashes=False, default=_write)
    return Response(body, status, dict(headers or {}), content_type=content_type)


def _write(value: object) -> str:
    # Without this ujson answers 500 for both, and only where there is a date to show.
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
