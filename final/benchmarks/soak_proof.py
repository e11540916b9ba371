"""What has to be true when all users have stopped: nothing lost, nothing double, and the audit adds up."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from statistics import fmean, stdev

from .soak_users import Account, Tally, User

OUTBOX_WITHIN = 240.0  # seconds until all letters have left


def every_account_is_there(users: Sequence[User], tally: Tally) -> dict[str, int]:
    """Log in to every account, and compare its sessions with those its owner knows of."""
    found = {"accounts": 0, "sessions": 0, "stray": 0}
    for user in users:
        for account in user.accounts:
            found["accounts"] += 1
            user.log_in(account)
            listed = _listed(user, account)
            known = {one.session for one in account.sessions}
            found["sessions"] += len(listed)
            found["stray"] += len(listed - known)
            if not known <= listed:
                tally.fault(f"{account.email} has lost {len(known - listed)} sessions")
            if len(listed - known) > account.stray:
                tally.fault(f"{account.email} has {len(listed - known)} sessions that its user did not begin")
    return found


def the_audit_adds_up(database: Path, tally: Tally) -> list[dict[str, object]]:
    """Compare the rows of the audit with what was done, and with the tables; return each sum."""
    done = tally.operations
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:

        def count(sql: str) -> int:
            return int(connection.execute(sql).fetchone()[0])

        def audit(action: str) -> int:
            return count(f"SELECT count(*) FROM audit_events WHERE outcome = 'done' AND action = '{action}'")  # noqa: S608

        sums = [
            ("accounts = sign-ups", count("SELECT count(*) FROM accounts"), done["sign-up"]),
            ("accounts = audit of sign-ups", count("SELECT count(*) FROM accounts"), audit("account.create")),
            ("sessions = audit of log-ins", count("SELECT count(*) FROM sessions"), audit("login")),
            (
                "audit of ended sessions = log-outs + revocations",
                audit("session.end"),
                done["log-out"] + done["revoke"],
            ),
            ("audit of new passwords = changes", audit("password.change"), done["change of password"]),
            (
                "audit of reuse = refreshes that came too late",
                count("SELECT count(*) FROM audit_events WHERE action = 'refresh.reuse'"),
                done["refresh too late"],
            ),
        ]
        whole = connection.execute("PRAGMA integrity_check").fetchone()[0]
    if whole != "ok":
        tally.fault(f"the database is damaged: {whole}")
    for name, left, right in sums:
        if left != right:
            tally.fault(f"{name}: {left} and {right}")
    return [{"sum": name, "left": left, "right": right} for name, left, right in sums]


def every_letter_left(database: Path, letters: Callable[[], int], wanted: int, tally: Tally) -> int:
    """Wait until the outbox is empty; return how many letters more came than were due.

    Args:
        letters: says how many have come.
    """
    end = time.monotonic() + OUTBOX_WITHIN
    while time.monotonic() < end:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            if not connection.execute("SELECT count(*) FROM outbox").fetchone()[0]:
                break
        time.sleep(1)
    else:
        tally.fault(f"the outbox still has letters after {OUTBOX_WITHIN:g} seconds")
    if letters() < wanted:
        tally.fault(f"{wanted} letters were due and {letters()} came")
    return letters() - wanted


def growth(samples: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Fit a line to the memory of a process.

    Args:
        samples: seconds and MiB.

    Returns:
        its slope in MiB an hour, what that makes over all samples, and the noise around the line, in MiB.
    """
    times, sizes = [one for one, _ in samples], [size for _, size in samples]
    middle, mean = fmean(times), fmean(sizes)
    square = sum((one - middle) ** 2 for one in times)
    slope = sum((one - middle) * (size - mean) for one, size in samples) / square
    rest = [size - mean - slope * (one - middle) for one, size in samples]
    return {"per_hour": slope * 3600, "grown": slope * (times[-1] - times[0]), "noise": stdev(rest)}


def _listed(user: User, account: Account) -> set[str]:
    tokens = user.renew(account, account.sessions[-1])
    if tokens is None:
        return set()
    status, answer = user.ask("GET", "/v2/auth/sessions?limit=100", token=tokens.access)
    return {one["id"] for one in answer["items"]} if status == 200 else set()
