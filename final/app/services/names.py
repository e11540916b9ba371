"""Names: which ones an account may have."""

from __future__ import annotations

import unicodedata
from contextlib import suppress

import idna

from ..exceptions import FieldError

MAX_LENGTH = 100  # code points
JOINERS = {"\u200c", "\u200d"}
EMOJI_STYLE, KEYCAP = "\ufe0f", "\u20e3"
#: They choose a shape for the letter before them, where that has several.
SELECTORS = frozenset(map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
#: With the fillers and blanks that Unicode counts among the letters, marks and symbols.
INVISIBLE = SELECTORS | set("\u034f\u115f\u1160\u17b4\u17b5\u2065\u2800\u3164\uffa0\U00016fe4\U0001d159")


def problem_with_name(name: str) -> FieldError | None:
    """Say why ``name`` cannot be a name, None where it can."""
    categories = [unicodedata.category(letter) for letter in name]
    if all(category[0] in "CZ" for category in categories):
        return FieldError("name", "blank", "give a name that can be seen")
    if len(name) > MAX_LENGTH:
        return FieldError("name", "too_long", f"use at most {MAX_LENGTH} characters")
    if any(_is_hidden(name, place) for place in range(len(name))):
        return FieldError("name", "control_character", "leave out line breaks and what nobody can see")
    return None


def _is_hidden(name: str, place: int) -> bool:
    # Invisible letters make two names look alike; letters that change the direction make one read as another.
    letter, before, after = name[place], name[max(place - 1, 0) : place], name[place + 1 : place + 2]
    if letter in SELECTORS and before:
        return unicodedata.category(before) not in {"Lo", "Po", "Sm", "So"} and after != KEYCAP
    if letter not in JOINERS:
        return letter in INVISIBLE or unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    if before and after and unicodedata.category(after) == "So":  # one picture of several
        return before != EMOJI_STYLE and unicodedata.category(before) not in {"So", "Sk"}
    with suppress(ValueError):
        return not idna.valid_contextj(name, place)  # Persian, and the scripts of India (RFC 5892 A.1, A.2)
    return True


def tidy_name(name: str) -> str:
    """Return ``name`` in the form that is stored: NFC, without spaces around it."""
    # Only what has a chance: normalising a very long text is slow.
    name = name.strip(" ")
    return unicodedata.normalize("NFC", name) if len(name) <= MAX_LENGTH else name
