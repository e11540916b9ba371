"""E-mail addresses: which are accepted, and which two are the same."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from functools import lru_cache

import idna

from ..exceptions import FieldError
from .names import INVISIBLE

MAX_LENGTH = 254  # RFC 5321, the longest address that mail can be sent to
# One @, with something before it; no spaces, brackets, quotes or control characters anywhere.
_SHAPE = re.compile(r"[^@\s\x00-\x1f\x7f-\x9f\"(),:;<>\[\\\]]{1,64}@[^@\s\x00-\x2c/:-@\[-`{-\x9f]+")


def is_email(text: str) -> bool:
    """Say whether ``text`` can be an e-mail address. Only a mail can say whether it is one."""
    if len(text) > MAX_LENGTH or not _SHAPE.fullmatch(text):
        return False
    if "=?" in text:  # an encoded word (RFC 2047): in a header it would be read as other text
        return False
    if any(letter in INVISIBLE or unicodedata.category(letter)[0] in "CZ" for letter in text):
        return False  # an address that looks like another
    try:  # asked of the ASCII form: there are four letters that it writes as a dot
        return not ascii_domain(text.rpartition("@")[2]).endswith(".")
    except UnicodeError:
        return False


def problem_with_email(email: str) -> FieldError | None:
    """Say why ``email`` cannot be an address, None where it can."""
    if is_email(email):
        return None
    return FieldError("email", "not_an_email", "give an e-mail address, mina@example.com for example")


def tidy(text: str) -> str:
    """Return ``text`` in the form that is stored: NFC, in which letters with an accent are one code point."""
    return unicodedata.normalize("NFC", text[: MAX_LENGTH + 1].strip(" "))


def email_key(text: str) -> str:
    """Return the one spelling that stands for every spelling of an address.

    Everything in lower case, the domain in its ASCII form (IDNA 2008). Not case-folded: that would make one
    letter of another, and `faß` and `fass`, `mıke` and `mike` are two people.
    """
    local, _, domain = tidy(text).rpartition("@")
    with suppress(UnicodeError):  # of no address: no account has such a key
        domain = ascii_domain(domain)
    return f"{local}@{domain}".lower()


@lru_cache(1000)  # a log-in wants it eight times, of the same few domains
def ascii_domain(domain: str) -> str:
    """Return the form of ``domain`` that the DNS knows (IDNA 2008).

    Raises:
        UnicodeError: it is none.
    """
    return idna.encode(domain, uts46=True).decode("ascii")
