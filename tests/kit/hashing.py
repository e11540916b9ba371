"""Counts how often code runs a function that hashes passwords, however it has imported it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

#: The functions in C and Rust behind hashlib, argon2-cffi, PyNaCl, bcrypt, passlib and cryptography.
MADE_FOR_PASSWORDS = {
    *("scrypt", "pbkdf2_hmac", "argon2_hash", "argon2_verify", "hashpw", "checkpw", "derive"),
    *("crypto_pwhash_alg", "crypto_pwhash_str_alg", "crypto_pwhash_str_verify"),
}


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the names of the functions for passwords that are called in this thread and those it starts."""
    calls: list[str] = []

    def profile(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and getattr(called, "__name__", "") in MADE_FOR_PASSWORDS:
            calls.append(called.__name__)

    before = sys.getprofile(), threading.getprofile()
    sys.setprofile(profile)
    threading.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(before[0])
        threading.setprofile(before[1])  # type: ignore[arg-type]  # None is what it was
