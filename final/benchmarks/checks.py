"""Whether a contender answers rightly, before its speed counts; and whether what is revoked is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .contenders import PASSWORD, Contender, Route
from .failures import WrongAnswer
from .load import ask

REFUSED = frozenset((400, 401, 403))


@dataclass(frozen=True)
class Tokens:
    """What a log-in gave. `refresh` is empty where there is no such thing."""

    email: str
    access: str
    refresh: str = ""

    def values(self) -> dict[str, str]:
        """Return what is filled into a request."""
        return {"email": self.email, "access": self.access, "refresh": self.refresh}


@dataclass(frozen=True)
class Verdict:
    """What a contender does with a token whose session was logged out; None where it has no such thing."""

    access_refused: bool | None
    refresh_refused: bool | None

    @property
    def revokes(self) -> bool:
        """Whether logging out works at once, for every token there is."""
        return self.access_refused is True and self.refresh_refused is not False


def check(contender: Contender, port: int) -> Verdict:
    """Use a contender once, as a client would.

    Raises:
        WrongAnswer: it does not do what every contender must.
    """
    expect(contender, port, "health", 200)
    if "me" not in contender.routes:
        return Verdict(None, None)
    tokens = log_in(contender, port, 0)
    expect(contender, port, "me", 200, tokens, contains=tokens.email)
    for token in ("", "x.y.z", tokens.access[:-6] + "AAAAAA"):
        status, _ = send(contender, port, "me", Tokens(tokens.email, token))
        if status not in REFUSED:
            raise WrongAnswer(f"{contender.title} answers {status} to a token that it did not issue")
    wrong = contender.routes["login"].filled(email=tokens.email, password=PASSWORD + "!")
    status, body = ask(port, wrong)
    if status != contender.wrong_login:
        raise WrongAnswer(f"{contender.title} answers {status} to a wrong password: {body[:200]!r}")
    if "refresh" in contender.routes:
        tokens = _refreshed(contender, port, tokens)
    return _verdict(contender, port, tokens)


def log_in(contender: Contender, port: int, number: int) -> Tokens:
    """Return the tokens of the account with this number."""
    email = f"user{number}@example.com"
    route = contender.routes["login"]
    status, body = ask(port, route.filled(email=email, password=PASSWORD))
    if status != 200:
        raise WrongAnswer(f"{contender.title} answers {status} to a right password: {body[:200]!r}")
    return read_tokens(route, email, body)


def read_tokens(route: Route, email: str, body: bytes) -> Tokens:
    """Return the tokens in the answer of a route that gives some.

    Raises:
        WrongAnswer: they are not there.
    """
    answer = json.loads(body)
    try:
        return Tokens(email, _at(answer, route.access), _at(answer, route.refresh) if route.refresh else "")
    except (KeyError, TypeError) as error:
        raise WrongAnswer(f"{route.request} gives no token: {body[:200]!r}") from error


def expect(
    contender: Contender, port: int, name: str, status: int, tokens: Tokens | None = None, contains: str = ""
) -> bytes:
    """Send the request ``name``, and return the body of the answer.

    Raises:
        WrongAnswer: it has another status, or not ``contains`` in it.
    """
    got, body = send(contender, port, name, tokens)
    if got != status or contains.encode() not in body:
        raise WrongAnswer(f"{contender.title} answers {got} to {name}: {body[:200]!r}")
    return body


def send(contender: Contender, port: int, name: str, tokens: Tokens | None = None) -> tuple[int, bytes]:
    """Send the request ``name`` of a contender, and return the status and the body of the answer."""
    return ask(port, contender.routes[name].filled(**tokens.values() if tokens else {}))


def _refreshed(contender: Contender, port: int, tokens: Tokens) -> Tokens:
    body = expect(contender, port, "refresh", 200, tokens)
    fresh = read_tokens(contender.routes["refresh"], tokens.email, body)
    expect(contender, port, "me", 200, fresh, contains=tokens.email)
    return fresh


def _verdict(contender: Contender, port: int, tokens: Tokens) -> Verdict:
    if "logout" not in contender.routes:
        return Verdict(False, None)
    status, body = send(contender, port, "logout", tokens)
    if status not in (200, 204):
        raise WrongAnswer(f"{contender.title} answers {status} to a log-out: {body[:200]!r}")
    access = send(contender, port, "me", tokens)[0] in REFUSED
    refresh = None
    if "refresh" in contender.routes:
        refresh = send(contender, port, "refresh", tokens)[0] in REFUSED
    return Verdict(access, refresh)


def _at(answer: Any, path: str) -> str:
    for name in path.split("."):
        answer = answer[name]
    return str(answer)
