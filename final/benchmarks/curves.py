"""How the cost of ours grows: with accounts, with the sessions of one, with connections, with processes."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from . import databases
from .checks import log_in
from .contenders import PASSWORD, Contender
from .load import Client
from .rounds import Bench
from .servers import Server, seed
from .workloads import CLIENTS, LOGINS, login, me, measure

Points = list[dict[str, Any]]

MOST_SLOTS = 5  # how many passwords one process may check at once in production: RANGES in app/settings.py


def all_curves(bench: Bench, ours: Contender, processors: set[int]) -> dict[str, Points]:
    """Return every curve, by its name.

    Args:
        processors: all there are, for the curve of processes.
    """
    return {
        "accounts": accounts(bench, ours),
        "sessions": sessions(bench, ours),
        "clients": clients(bench, ours),
        "workers": workers(replace(bench, processors=processors), ours),
    }


def accounts(bench: Bench, ours: Contender) -> Points:
    """`me` with more and more accounts in the table; the tokens are of accounts from all over it."""
    points = []
    with ExitStack() as running:
        for size in bench.plan.sizes:
            bench.say(f"{size:,} accounts: making them")
            database = databases.sqlite(bench.folder, f"accounts-{size}")
            seed(ours, database, size, PASSWORD)
            server = running.enter_context(bench.start(ours, database, f"accounts-{size}"))
            tokens = [log_in(ours, server.port, number * (size // CLIENTS)) for number in range(CLIENTS)]
            points.append(_Point(size, server, me(ours, tokens)))
        return _in_turns(bench, points)


def sessions(bench: Bench, ours: Contender) -> Points:
    """`me` of accounts that are logged in on more and more devices."""
    bench.say("sessions: making them")
    database = databases.sqlite(bench.folder, "sessions")
    seed(ours, database, bench.plan.accounts, PASSWORD, *bench.plan.sessions)
    with bench.start(ours, database, "sessions") as server:
        points = []
        for number, count in enumerate(bench.plan.sessions):
            tokens = log_in(ours, server.port, number)
            points.append(_Point(count, server, me(ours, [tokens] * CLIENTS)))
        return _in_turns(bench, points)


def clients(bench: Bench, ours: Contender) -> Points:
    """`me` on more and more connections at once."""
    database = databases.sqlite(bench.folder, "clients")
    seed(ours, database, bench.plan.accounts, PASSWORD)
    with bench.start(ours, database, "clients") as server:
        tokens = [log_in(ours, server.port, number) for number in range(max(bench.plan.clients))]
        points = [_Point(count, server, me(ours, tokens[:count])) for count in bench.plan.clients]
        return _in_turns(bench, points)


def workers(bench: Bench, ours: Contender) -> Points:
    """Log-ins, nearly all Argon2, by more and more processes on all processors; and their memory."""
    points = []
    # Which process a connection ends up at is chance: none should refuse because too many came to it.
    all_wait = {"FLASK_PASSWORD_SLOTS": str(MOST_SLOTS)}
    ours = replace(ours, environment=ours.environment | all_wait)
    database = databases.sqlite(bench.folder, "workers")
    seed(ours, database, bench.plan.accounts, PASSWORD)
    with ExitStack() as running:
        for count in bench.plan.workers:
            server = running.enter_context(bench.start(ours, database, f"workers-{count}", workers=count))
            points.append(_Point(count, server, _logins(ours, count)))
        found = _in_turns(bench, points)
        for one, point in zip(found, points, strict=True):
            one["memory"] = point.server.memory() / point.x
        return found


def _logins(ours: Contender, processes: int) -> list[Client]:
    return [client for _ in range(processes) for client in login(ours, ())][: LOGINS * processes]


class _Point:
    def __init__(self, x: int, server: Server, clients: list[Client]) -> None:
        self.x, self.server, self.clients = x, server, clients
        self.runs: list[dict[str, float]] = []


def _in_turns(bench: Bench, points: list[_Point]) -> Points:
    for number in range(bench.plan.curve_rounds):
        for point in points:
            bench.say(f"curve, round {number + 1} of {bench.plan.curve_rounds}: at {point.x:,}")
            point.runs.append(measure(point.server, point.clients, bench.plan.seconds))
    return [{"x": point.x, "runs": point.runs} for point in points]
