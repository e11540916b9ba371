"""What an answer says, in any of the forms that HTTP and its standards allow."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from werkzeug.test import TestResponse


def seconds_to_wait(answer: TestResponse) -> int:
    """Return the seconds of `Retry-After`, which may be a number or a date (RFC 9110, section 10.2.3)."""
    value = answer.headers.get("Retry-After", "")
    assert value, f"{answer.status}: expected the header Retry-After, but it is not there"
    if value.isdecimal():
        return int(value)
    try:
        return round(parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        raise AssertionError(f"Retry-After: {value} is neither seconds nor a date") from None


def fields_at_fault(answer: TestResponse) -> set[str]:
    """Return the fields that an answer complains about: the keys of `errors`, or what each item names."""
    errors = (answer.get_json(force=True) or {}).get("errors") or []
    if isinstance(errors, dict):
        return set(errors)
    return {_field(error) for error in errors}


def _field(error: Any) -> str:
    """Return which field an item of `errors` is about: its `field`, or the end of its JSON pointer."""
    names = [error[key] for key in ("field", "name", "pointer", "loc", "param") if error.get(key)]
    assert names, f"expected the name of a field in {error!r}"
    return str(names[0][-1] if isinstance(names[0], list) else names[0]).rpartition("/")[2]


def links(answer: TestResponse) -> dict[str, str]:
    """Return the path of each link in the headers `Link` by its relation (RFC 8288)."""
    found = {}
    for value in answer.headers.getlist("Link"):
        for target, parameters in re.findall(r"<([^>]*)>((?:\s*;\s*[^,;]+(?:\"[^\"]*\")?)*)", value):
            relation = re.search(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,]+))", parameters, re.I)
            path = urlsplit(urljoin(answer.request.url, target)).path
            found |= dict.fromkeys(
                (relation[1] or relation[2] or "").lower().split() if relation else [], path
            )
    return found


def durations(answer: TestResponse) -> list[float]:
    """Return the milliseconds in `Server-Timing`, one for each metric that has a duration."""
    header = ", ".join(answer.headers.getlist("Server-Timing"))
    return [float(number) for number in re.findall(r";\s*dur\s*=\s*\"?([0-9]+\.?[0-9]*(?:e-?\d+)?)", header)]


def has_token(answer: TestResponse, header: str, token: str) -> bool:
    """Return whether a header that is a list, `Vary` or `Cache-Control`, has this entry."""
    entries = ",".join(answer.headers.getlist(header)).lower().split(",")
    return token.lower() in {entry.strip() for entry in entries}
