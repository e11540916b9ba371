"""How many requests a client may send. Chapter 3, view decorators."""

# Why not `limits`, on which Flask-Limiter is built? In memory, version 5.8.0 keeps every key of a flood:
# 200,000 took 61 MiB, `FixedWindows` 5. With 20,000 keys, 50 requests a second cost it 207 ms of processor,
# here 8: its timer thread starts again and again and looks through all keys. One hit costs 7.5 times as much.
# In 19 of 300 races of eight threads it lost counts. And its window begins with the first request instead of
# on the minute.

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from ipaddress import ip_address
from threading import Lock
from typing import ParamSpec, TypeVar

from flask import Response, after_this_request, current_app, g, request

from ..exceptions import MfaRefused, TooManyRequests
from ..parsing import read_body
from ..services import audit, devices, mfa_tokens
from ..services.account import find_id
from ..services.emails import email_key
from .access import principal
from .notes import may_answer

LOG_IN = "log-in"  # what attempts are counted under

P = ParamSpec("P")
R = TypeVar("R")


def client_address() -> str:
    """Count by the address that a request comes from.

    Of an IPv6 address only the first half counts: a client that has the first chooses the second, and so has
    as many addresses as it likes.
    """
    address = request.remote_addr or ""
    if ":" in address and not address.startswith("::ffff:"):  # those are IPv4
        with suppress(ValueError):  # of a server on a Unix socket
            address = ip_address(address).exploded[:19]
    return f"address {address}"


def account_from_here() -> str:
    """Count by the `email` of the body, in any spelling, and by the device or else the network it comes from.

    With an account or without. So a stranger does not use up what the owner may do elsewhere. Stands below
    `validated`: it needs an e-mail to count by.
    """
    return _from_here(read_body()["email"])


def account_from_anywhere() -> str | None:
    """Count by the `email` of the body alone; not from its known devices, which this must not shut out."""
    email = read_body()["email"]
    return None if _device(email) else f"account {email_key(email)}"


def account_of_token() -> str:
    """Count by the account that asks, and apart on its known devices. Stands below `token_required`."""
    return _account(principal().id, principal().email)


def account_of_mfa_token() -> str:
    """Count by the account of the `mfa_token` in the body. Stands below `validated`.

    Raises:
        MfaRefused: the token is not good; such a request is counted by its address only.
    """
    found = mfa_tokens.read(read_body()["mfa_token"])
    if found is None:
        raise MfaRefused
    return _account(found.id, found.email)


def rate_limited(
    times: int | str, seconds: int, by: Callable[[], str | None] = client_address, budget: str = ""
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let ``times`` requests through in each window of ``seconds``, counted by ``by()``.

    Every request counts, refused ones too, and only time resets: the next window begins at nothing.

    Args:
        times: how many, or the setting that says how many.
        by: returns what a request counts for; None where it does not count.
        budget: the name that several views count under together; otherwise each counts for itself.

    Raises:
        TooManyRequests: these are more.
    """

    def decorator(view: Callable[P, R]) -> Callable[P, R]:
        name = _name(budget or f"{view.__module__}.{view.__qualname__}", times, seconds)

        @wraps(view)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            who = by()
            if who is None:
                return view(*args, **kwargs)
            windows: FixedWindows = current_app.extensions["rate_limits"]
            most = current_app.config[times] if isinstance(times, str) else times
            count, left = windows.hit(f"{name}, {who}", seconds)
            if by is client_address or count > most:
                after_this_request(_tell(by.__name__, most, seconds, max(most - count, 0), left))
            if count == most + 1:  # the first that is refused: a flood must not fill the audit
                _record(by)
            if count > most:
                raise TooManyRequests(left)
            return view(*args, **kwargs)

        return may_answer(wrapper, 429)

    return decorator


def log_in_limited(view: Callable[P, R]) -> Callable[P, R]:
    """Limit the guesses at the password of the `email` of the body. Stands below `validated`."""
    anywhere = rate_limited("ATTEMPTS_PER_ACCOUNT_IN_ALL", 60, account_from_anywhere, LOG_IN)
    return rate_limited("ATTEMPTS_PER_ACCOUNT", 60, account_from_here, LOG_IN)(anywhere(view))


def mail_limited(view: Callable[P, R]) -> Callable[P, R]:
    """Limit the mail that is sent to the `email` of the body, by all views together."""
    anywhere = rate_limited("MAILS_PER_ACCOUNT_IN_ALL", 3600, account_from_anywhere, "mail")
    return rate_limited("MAILS_PER_ACCOUNT", 3600, account_from_here, "mail")(anywhere(view))


def forget_log_ins(email: str) -> None:
    """Let the owner of ``email``, who has just chosen a new password, log in by it at once."""
    windows: FixedWindows = current_app.extensions["rate_limits"]
    windows.forget(f"{_name(LOG_IN, 'ATTEMPTS_PER_ACCOUNT_IN_ALL', 60)}, account {email_key(email)}", 60)
    windows.forget(f"{_name(LOG_IN, 'ATTEMPTS_PER_ACCOUNT', 60)}, {_from_here(email)}", 60)


def _name(budget: str, times: int | str, seconds: int) -> str:
    return f"{budget}, {times} in {seconds}"


def _device(email: str) -> str | None:
    return devices.find(request.cookies.get(devices.COOKIE, ""), email)


def _account(account_id: str, email: str) -> str:
    # Known devices together: each reset by mail makes one more, and a code is short enough to be guessed.
    return f"account {account_id}{', known devices' if _device(email) else ''}"


def _from_here(email: str) -> str:
    return f"account {email_key(email)} {_device(email) or client_address()}"


def _record(by: Callable[[], str | None]) -> None:
    account = g.get("account")
    by_email = by in {account_from_here, account_from_anywhere}
    account_id = find_id(read_body()["email"]) if by_email else account and account.id
    if by is account_of_mfa_token and (found := mfa_tokens.read(read_body()["mfa_token"])):
        account_id = found.id
    actor_id = account and account.id
    details = {"request": request.endpoint or ""}
    audit.record("throttle", account_id=account_id, actor_id=actor_id, outcome=audit.REFUSED, **details)


def _tell(policy: str, most: int, seconds: int, remaining: int, left: int) -> Callable[[Response], Response]:
    """Return a hook that says how much is left (draft-ietf-httpapi-ratelimit-headers-10).

    Of the count for an account only that it is used up: as long as it is not, a stranger could read from it
    how often its owner logs in.
    """

    def add(response: Response) -> Response:
        response.headers.add("RateLimit-Policy", f'"{policy}";q={most};w={seconds}')
        response.headers.add("RateLimit", f'"{policy}";r={remaining};t={left}')
        return response

    return add


MOST, SHARED = 20_000, 20_000


class FixedWindows:
    """Counters that begin again with every window of time, in memory. Threads share one.

    A window has at most `MOST` keys of its own. Those that come after share `SHARED` counters, and may be
    refused for what others did: under a flood of made-up addresses that is better than to run out of memory,
    and better than no limit.

    `SharedWindows` takes its place where several processes count together.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._windows: dict[tuple[int, int], dict[str, int]] = {}  # (its end, its length): counts by key

    def hit(self, key: str, seconds: int) -> tuple[int, int]:
        """Count one request for ``key``.

        Returns:
            how many there are in this window of ``seconds`` so far, and how many seconds of it are left.
        """
        now = int(time.time())
        ends = now - now % seconds + seconds
        with self._lock:  # to read, to add and to write are three steps: no thread may come in between
            if (ends, seconds) not in self._windows:
                self._windows = {window: kept for window, kept in self._windows.items() if window[0] > now}
            counts = self._windows.setdefault((ends, seconds), {})
            if len(counts) >= MOST and key not in counts:
                key = f"{hash(key) % SHARED}"  # Python's hash of a text is another one in each process
            counts[key] = counts.get(key, 0) + 1
            return counts[key], ends - now

    def forget(self, key: str, seconds: int) -> None:
        """Begin to count ``key`` again."""
        with self._lock:
            for (_, length), counts in self._windows.items():
                if length == seconds:
                    counts.pop(key, None)
