"""What clients do: look at themselves, refresh, log in, ask for the health; and a flood of bad log-ins."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .checks import Tokens, log_in, read_tokens
from .contenders import PASSWORD, Contender, Route
from .load import Client, drive
from .numbers import percentile
from .servers import Server

CLIENTS = 16  # connections
LOGINS = 2  # and of those who log in: one hash runs on a processor, one waits
BYSTANDERS = 4  # who look at themselves while
FLOOD = 32  # others try passwords
#: What a flooded service may say to one who tries: no, later, or too often.
BUSY = (429, 503)


def logged_in(server: Server, count: int = CLIENTS) -> list[Tokens]:
    """Log in as so many accounts, one after the other."""
    return [log_in(server.contender, server.port, number) for number in range(count)]


def health(contender: Contender, tokens: Sequence[Tokens]) -> list[Client]:
    """Return clients that ask whether the service lives."""
    return [Client(contender.routes["health"].filled()) for _ in range(CLIENTS)]


def me(contender: Contender, tokens: Sequence[Tokens]) -> list[Client]:
    """Return a client for each of ``tokens`` that reads its own account."""
    route = contender.routes["me"]
    return [Client(route.filled(**one.values()), contains=one.email.encode()) for one in tokens]


def login(contender: Contender, tokens: Sequence[Tokens]) -> list[Client]:
    """Return clients that log in."""
    route = contender.routes["login"]
    return [
        Client(route.filled(email=f"user{number}@example.com", password=PASSWORD)) for number in range(LOGINS)
    ]


def refresh(contender: Contender, tokens: Sequence[Tokens]) -> list[Client]:
    """Return a client for each of ``tokens`` that refreshes, each time with what the last answer gave."""
    return [_Refreshing(contender.routes["refresh"], one) for one in tokens]


class _Refreshing(Client):
    def __init__(self, route: Route, tokens: Tokens) -> None:
        super().__init__(route.filled(refresh=tokens.refresh))
        self._route, self._email = route, tokens.email

    def take(self, status: int, body: bytes) -> None:
        super().take(status, body)
        self.request = self._route.filled(refresh=read_tokens(self._route, self._email, body).refresh)


#: By their names in the result; a contender without the route is left out.
WORKLOADS: dict[str, Callable[[Contender, Sequence[Tokens]], list[Client]]] = {
    "me": me,
    "refresh": refresh,
    "login": login,
    "health": health,
}


def measure(server: Server, clients: list[Client], seconds: float) -> dict[str, float]:
    """Return what a workload gave: requests a second, milliseconds, microseconds of processor a request."""
    measured = drive(server.port, clients, seconds, cpu=server.cpu)
    count = max(measured.count, 1)
    return {
        "rate": count / measured.seconds,
        "p50": percentile(measured.latencies, 0.50) * 1e3,
        "p99": percentile(measured.latencies, 0.99) * 1e3,
        "cpu": measured.server_cpu / count * 1e6,
        "generator": measured.own_cpu / measured.seconds,  # of a processor: near 1, it is what is measured
    }


def flooded(server: Server, tokens: Sequence[Tokens], seconds: float) -> dict[str, float]:
    """Return the milliseconds of a few bystanders: quiet, and while others try passwords without pause."""
    contender = server.contender
    bystanders = me(contender, tokens[:BYSTANDERS])
    wrong = contender.routes["login"].filled(email="user0@example.com", password=PASSWORD + "!")
    flood = [Client(wrong, statuses=(contender.wrong_login, *BUSY)) for _ in range(FLOOD)]
    found: dict[str, float] = {}
    for name, beside in (("quiet", []), ("flood", flood)):
        latencies = drive(server.port, bystanders, seconds, beside=beside, warm_up=0.5).latencies
        for share in (50, 99):
            found[f"{name}_p{share}"] = percentile(latencies, share / 100) * 1e3
    return found
