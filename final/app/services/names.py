"""What an account may be called."""

from __future__ import annotations

import unicodedata

from ..errors import FieldError

MAX_LENGTH = 100  # code points


def problem_with_name(name: str) -> FieldError | None:
    """Say why ``name`` cannot be a name, None where it can."""
    categories = [unicodedata.category(letter) for letter in name]
    if all(category[0] in "CZ" for category in categories):
        return FieldError("name", "blank", "give a name that can be seen")
    if len(name) > MAX_LENGTH:
        return FieldError("name", "too_long", f"use at most {MAX_LENGTH} characters")
    if any(category in {"Cc", "Cs", "Zl", "Zp"} for category in categories):
        return FieldError("name", "control_character", "leave out line breaks and control characters")
    return None


def tidy_name(name: str) -> str:
    """Return ``name`` in the form that is stored: NFC, without spaces around it."""
    # Only what has a chance: normalising a very long text is slow.
    name = name.strip(" ")
    return unicodedata.normalize("NFC", name) if len(name) <= MAX_LENGTH else name
