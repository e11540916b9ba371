"""The rules for fields: a rule is a function that returns what is wrong with a value, or None."""

from collections.abc import Callable
from typing import Any

Rule = Callable[[Any], str | None]

PASSWORD_MIN_LENGTH = 15  # characters; NIST SP 800-63B-4 for a password that is the only proof


def text(value: Any) -> str | None:
    """Text a person could have typed: not blank, no control characters."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        return "must be text"
    return None


def email(value: Any) -> str | None:
    """Text with one @ between two parts; whether mail arrives there, only a mail can tell."""
    if text(value) or not all(value.partition("@")) or value.count("@") > 1:
        return "must be an e-mail address"
    return None


def new_password(value: Any) -> str | None:
    """Text that is long enough for a password."""
    if text(value) or len(value) < PASSWORD_MIN_LENGTH:
        return f"must have {PASSWORD_MIN_LENGTH} characters or more"
    return None


NEW_ACCOUNT: dict[str, Rule] = {"email": email, "name": text, "password": new_password}


def find_faults(data: dict[str, Any], rules: dict[str, Rule]) -> dict[str, str]:
    """Return what is wrong with each field of ``data``, or an empty dict."""
    found = {name: rule(data.get(name)) for name, rule in rules.items()}
    return {name: fault for name, fault in found.items() if fault}
