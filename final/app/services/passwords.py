"""Passwords: the rules for a new one, and Argon2id without letting a flood of log-ins stop the service.

NIST SP 800-63B-4 and ASVS 6.2 for the rules, the OWASP Password Storage Cheat Sheet for the parameters.
"""

from __future__ import annotations

import base64
import gzip
import os
import re
import secrets
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from threading import BoundedSemaphore
from typing import TypeVar, cast
from urllib.parse import urlsplit

from flask import Flask, current_app
from nacl.exceptions import InvalidkeyError
from nacl.pwhash import argon2id

from ..exceptions import FieldError, TooBusy

T = TypeVar("T")

MIN_LENGTH = 15  # code points, for a password that is the only proof
MIN_WITH_MFA = 8  # where a code is asked for too
MAX_LENGTH = 128  # code points; long enough for any passphrase, short enough to bound the work
#: A stored hash: KiB, passes and threads, then the salt and the digest in Base64.
HASH = re.compile(r"\$argon2id\$v=19\$m=([0-9]+),t=([0-9]+),p=([0-9]+)\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}")
# One that asks for more than this did not come from here.
MAX_MEMORY = 256 * 1024  # KiB
MAX_TIME = 16  # passes
MAX_LANES = 4  # threads
UNUSABLE_HASH = "!"  # in the place of a hash: no password has it
NICENESS = 5  # of the thread that hashes: of a processor that others want too it gets a quarter

LONGEST_COMMON = 21  # of the list, the shortest of which have 8, like the shortest password
_COMMON = Path(__file__).with_name("common_passwords.txt.gz")


def problem_with_new(
    password: str, email: str = "", *, with_mfa: bool = False, field: str = "password"
) -> FieldError | None:
    """Say why an account cannot take ``password`` as its new one, None where it can.

    Digits and capitals are not demanded (NIST 3.1.1.2). An attacker first tries common passwords, the e-mail
    and the name of this service (ASVS 6.2.4, 6.2.11): without these, eight characters have to be left. Both
    the text as typed and its normal form must be long enough, and not too long: NFKC turns a single letter
    such as U+FDFA into 18.

    Args:
        email: of the account.
        with_mfa: whether a log-in asks for a code too; then a shorter one will do.
        field: what the client calls it.
    """
    shortest = MIN_WITH_MFA if with_mfa else MIN_LENGTH
    # Only what has a chance: normalising 16 KiB of accents takes five times as long as a hash.
    plain = _normalise(password[: MAX_LENGTH + 1])
    if len(password) > MAX_LENGTH or len(plain) > MAX_LENGTH:
        return FieldError(field, "too_long", f"use at most {MAX_LENGTH} characters")
    if min(len(password), len(plain)) < shortest:
        return FieldError(field, "too_short", f"use at least {shortest} characters, a sentence for example")
    plain = plain.casefold()
    if len(_without_common(plain)) < MIN_WITH_MFA:
        return FieldError(
            field, "too_common", "this is one of the first that are tried; take one of your own"
        )
    if len(_without_context(plain, email.casefold())) < MIN_WITH_MFA:
        return FieldError(field, "too_easy", "do not make it of your address or of the name of this service")
    return None


class Passwords:
    """Hashes and checks passwords, one at a time in this process.

    Argon2 takes a processor and 19 MiB for some 20 ms. Unbounded, a flood of bad log-ins stops the whole
    service; and if every log-in waited for its turn, all threads would wait. So few may wait, and the others
    are refused at once (trap 7). One thread of low priority computes them all, so that requests without a
    password are answered meanwhile.

    Args:
        memory: KiB a hash uses.
        time: passes over that memory.
        slots: hashes that run or wait at the same time; keep it below the number of threads.
    """

    def __init__(self, memory: int, time: int, slots: int) -> None:
        self._memory, self._time = memory, time
        self._slots = BoundedSemaphore(slots)
        # Begun with the first hash, so in each process: a thread does not come along when one is forked.
        self._thread = ThreadPoolExecutor(1, "argon2", initializer=_lower_priority)
        # What an unknown account is checked against. No password has this hash, but checking one takes as
        # long as for any other, because the parameters are the same.
        salt, digest = _base64(secrets.token_bytes(16)), _base64(secrets.token_bytes(32))
        self._no_account = f"$argon2id$v=19$m={memory},t={time},p=1${salt}${digest}"

    def hash(self, password: str) -> str:
        """Return a salted hash of ``password``, with its parameters in it.

        Raises:
            TooBusy: too many hashes wait already.
        """
        work = partial(argon2id.str, _normalise(password).encode(), self._time, self._memory * 1024)
        return self._bounded(work).decode("ascii")

    def verify(self, stored: str | None, password: str) -> bool:
        """Say whether ``stored`` is the hash of ``password``; the work of one hash, whatever the answer.

        Args:
            stored: a hash, None where there is no account.

        Raises:
            TooBusy: too many hashes wait already.
        """
        if stored is None or not _is_sane(stored) or len(password) > MAX_LENGTH:
            stored, password = self._no_account, password[:MAX_LENGTH]
        work = partial(argon2id.verify, stored.encode("ascii"), _normalise(password).encode())
        try:
            return self._bounded(work)
        except InvalidkeyError:
            return False

    def is_outdated(self, stored: str) -> bool:
        """Say whether ``stored`` was made with other parameters than those of today."""
        return _parameters(stored) != (self._memory, self._time, 1)

    def _bounded(self, work: Callable[[], T]) -> T:
        if not self._slots.acquire(blocking=False):
            raise TooBusy
        try:
            return self._thread.submit(work).result()
        finally:
            self._slots.release()


def init_app(app: Flask) -> None:
    """Give ``app`` the hasher that its configuration describes."""
    config = app.config
    app.extensions["passwords"] = Passwords(
        config["ARGON2_MEMORY"], config["ARGON2_TIME"], config["PASSWORD_SLOTS"]
    )


def current() -> Passwords:
    """Return the hasher of the application that runs."""
    return cast(Passwords, current_app.extensions["passwords"])


def _lower_priority() -> None:
    # To Linux a thread is a process of its own; elsewhere this would slow down all of them. Where a filter of
    # system calls does not allow it, passwords are checked all the same.
    if sys.platform == "linux":
        with suppress(OSError):
            os.nice(NICENESS)


def _normalise(password: str) -> str:
    # The same password typed on two keyboards can be two sequences of code points; NFKC makes them one.
    return unicodedata.normalize("NFKC", password)


def _parameters(stored: str) -> tuple[int, ...] | None:
    found = HASH.fullmatch(stored)
    return tuple(map(int, found.groups())) if found else None


def _is_sane(stored: str) -> bool:
    # The parameters come from the database: absurd ones would take the machine down, one log-in at a time.
    asked, most = _parameters(stored), (MAX_MEMORY, MAX_TIME, MAX_LANES)
    return asked is not None and all(value <= limit for value, limit in zip(asked, most, strict=True))


@cache
def _common() -> frozenset[str]:
    return frozenset(gzip.decompress(_COMMON.read_bytes()).decode().splitlines())


def _without_common(text: str) -> str:
    # `password12345678` is two of them, and `password1234567` little more than one.
    for length in range(LONGEST_COMMON, MIN_WITH_MFA - 1, -1):
        start = 0
        while start + length <= len(text):
            if text[start : start + length] in _common():
                text = text[:start] + text[start + length :]
            else:
                start += 1
    return text


def _without_context(text: str, email: str) -> str:
    local, _, domain = email.rpartition("@")
    host = urlsplit(current_app.config["PUBLIC_URL"]).hostname or ""
    issuer = current_app.config["TOKEN_ISSUER"]
    words = {email, local, domain, host, *domain.split("."), *host.split("."), issuer}
    for word in sorted(words, key=len, reverse=True):
        if len(word) > 3:  # a shorter one is in many a good password
            text = text.replace(word, "")
    return text


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")
