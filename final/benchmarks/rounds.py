"""The comparison: all are started once, then measured in turns, so that all suffer alike from the machine."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .checks import Verdict, check
from .contenders import HELLO, PASSWORD, Contender
from .environments import versions
from .servers import Server, on, seed
from .workloads import WORKLOADS, flooded, logged_in, measure

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Args:
        rounds: how often each contender has its turn.
        seconds: of one measurement.
        accounts: rows in each contender's table.
        sizes: rows of the curve.
        sessions: of one account, for the curve.
        clients: connections, for the curve.
        workers: processes, for the curve.
    """

    rounds: int = 5
    seconds: float = 2.0
    accounts: int = 1_000
    curve_rounds: int = 3
    sizes: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    sessions: tuple[int, ...] = (1, 10, 100, 1_000, 10_000)
    clients: tuple[int, ...] = (1, 4, 16, 64)
    workers: tuple[int, ...] = (1, 2, 4)


QUICK = Plan(
    rounds=1,
    seconds=0.5,
    curve_rounds=1,
    sizes=(1_000, 10_000),
    sessions=(1, 100),
    clients=(1, 16),
    workers=(1, 2),
)


@dataclass(frozen=True)
class Bench:
    """Where it happens: the processors of the servers, and a folder for databases and logs."""

    processors: set[int]
    folder: Path
    plan: Plan
    say: Callable[[str], None]

    def start(self, contender: Contender, database: str, label: str = "", workers: int = 1) -> Server:
        """Start a contender on its processors."""
        log = self.folder / f"{label or contender.name}.log"
        return Server(contender, database, self.processors, log, workers=workers)


def compare(
    bench: Bench,
    contenders: Sequence[Contender],
    url_of: Callable[[str], str],
    *,
    only: Sequence[str] = (),
    each_round: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """Measure all contenders on databases of one kind.

    Args:
        url_of: makes a database and returns its URL.
        only: the workloads; all, and the flood, where none is named.
        each_round: what else has its turn.

    Raises:
        WrongAnswer: a contender does not answer what it should; nothing is published then.
    """
    found: dict[str, Any] = {}
    with ExitStack() as running:
        servers: list[Server] = []
        for contender in contenders:
            bench.say(f"{contender.title}: starting")
            database = url_of(contender.name)
            if contender.seed:
                seed(contender, database, bench.plan.accounts, PASSWORD)
            server = running.enter_context(bench.start(contender, database))
            servers.append(server)
            found[contender.name] = describe(contender, server, check(contender, server.port))
        for number in range(bench.plan.rounds):
            each_round()
            for server in _turned(servers, number):
                bench.say(f"round {number + 1} of {bench.plan.rounds}: {server.contender.title}")
                _one_round(server, found[server.contender.name]["runs"], bench.plan.seconds, only)
        for server in servers:
            found[server.contender.name]["memory_after"] = server.memory()
    return found


def describe(contender: Contender, server: Server, verdict: Verdict) -> dict[str, Any]:
    """Return what is known of a contender before it is measured."""
    installed = {
        name.lower().replace("_", "-"): version for name, version in versions(contender.python).items()
    }
    names = [name.lower().replace("_", "-") for name in contender.packages]
    return {
        "title": contender.title,
        "command": " ".join(contender.serve),
        "versions": {name: installed[name] for name in names if name in installed},
        "revokes": verdict.revokes,
        **asdict(verdict),
        "start_up": server.start_up,
        "memory": server.memory(),
        "runs": {},
    }


def argon2_alone(bench: Bench, python: Path) -> float:
    """Return how many passwords a second one processor checks when it does nothing else."""
    command = [str(python), str(HERE / "argon2_alone.py"), str(bench.plan.seconds)]
    with on(bench.processors):
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _turned(servers: Sequence[Server], number: int) -> list[Server]:
    # No contender is always the first after a pause.
    at = number % len(servers)
    return [*servers[at:], *servers[:at]]


def _one_round(server: Server, runs: dict[str, Any], seconds: float, only: Sequence[str]) -> None:
    contender = server.contender
    tokens = logged_in(server) if contender.name != HELLO else []
    for name, clients in WORKLOADS.items():
        if name in contender.routes and (not only or name in only):
            runs.setdefault(name, []).append(measure(server, clients(contender, tokens), seconds))
    if tokens and not only:
        runs.setdefault("flood", []).append(flooded(server, tokens, seconds))
