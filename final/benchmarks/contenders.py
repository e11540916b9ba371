"""Who is measured: `ours/` and `peers/*/`, where `peer.toml` says how each is started and spoken to."""

from __future__ import annotations

import json
import shutil
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .environments import CACHE, FINAL, python_of

HERE = Path(__file__).parent
OURS = "ours"
HELLO = "hello"
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Route:
    """A request; `{email}`, `{password}`, `{access}` and `{refresh}` in it are filled in."""

    request: str  # "GET /me"
    body: str = ""
    content_type: str = ""
    token: str = "Authorization: Bearer {access}"
    access: str = ""  # where in the JSON of the answer the access token stands: "response.token"
    refresh: str = ""

    def filled(self, **values: str) -> bytes:
        """Return the bytes to send; the header with the token is left out where there is no token."""
        method, path = self.request.split()
        body = _fill(self.body, values).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: application/json"]
        if self.body:
            lines += [f"Content-Type: {self.content_type}"]
        if self.token and "access" in values:
            lines += [_fill(self.token, values)]
        if method != "GET":
            lines += [f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True)
class Contender:
    """A service to be measured.

    Args:
        folder: from which it is started.
        serve: the command of its server; `{port}` is filled in, and its first word is of its environment.
        seed: the command that makes its database, less how many accounts there shall be, and their password.
        routes: its requests by what they are for: health, me, login, refresh, logout.
        wrong_login: the status with which it refuses a wrong password.
        packages: of which the version belongs into the result.
    """

    name: str
    title: str
    folder: Path
    requirements: Path
    serve: tuple[str, ...]
    seed: tuple[str, ...]
    routes: dict[str, Route]
    wrong_login: int = 401
    packages: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def python(self) -> Path:
        """The Python of its environment, which is made if it is not there."""
        return python_of(self.requirements.parent.name, self.requirements)


def all_contenders() -> list[Contender]:
    """Return ours, the peers, and the bare Flask; in this order."""
    ours = read(HERE / OURS)
    return [
        ours,
        *(peer for folder in sorted((HERE / "peers").iterdir()) for peer in variants(folder)),
        hello(ours),
    ]


def variants(folder: Path) -> list[Contender]:
    """Return the peer in ``folder``, once for each way of it that `peer.toml` names."""
    first = read(folder)
    found = [first]
    for name, changed in _toml(folder).get("variants", {}).items():
        found.append(
            Contender(**{**vars(first), "name": f"{first.name}_{name}", **changed}),
        )
    return found


def read(folder: Path) -> Contender:
    """Return the contender that a folder describes. Ours is started as its own image starts it."""
    told = _toml(folder)
    ours = folder.name == OURS
    routes: dict[str, Route] = {
        name: _route(told[name]) for name in ("health", "me", "login", "refresh", "logout") if name in told
    }
    return Contender(
        name=folder.name,
        title=told["title"],
        folder=FINAL if ours else folder,
        requirements=(FINAL if ours else folder) / "requirements.txt",
        serve=image_command() if ours else tuple(told["serve"]),
        seed=("-m", "benchmarks.ours.seed") if ours else ("app.py",),
        routes=routes,
        wrong_login=told["wrong_login"],
        packages=tuple(told["packages"]),
        environment=told.get("environment", {}),
    )


def hello(ours: Contender) -> Contender:
    """Return a bare Flask on the server of ours, with the settings of that."""
    folder = CACHE / HELLO
    folder.mkdir(parents=True, exist_ok=True)
    for file in FINAL.glob("*.py"):
        shutil.copy(file, folder)
    shutil.copy(HERE / HELLO / "wsgi.py", folder)
    # The server's own modules of `app` are there, and those that they import; the application is not.
    shutil.rmtree(folder / "app", ignore_errors=True)
    shutil.copytree(FINAL / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__", "static"))
    (folder / "app" / "__init__.py").write_text("", encoding="utf-8")
    health = {"health": Route("GET /health")}
    return Contender(
        HELLO, "Flask hello", folder, ours.requirements, ours.serve, (), health, packages=("flask", "granian")
    )


def image_command() -> tuple[str, ...]:
    """Return the command that final/Dockerfile runs: the one place that says how the service is served."""
    lines = (FINAL / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return tuple(
        json.loads(next(line for line in reversed(lines) if line.startswith("CMD ")).removeprefix("CMD "))
    )


def _toml(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "peer.toml").read_text(encoding="utf-8"))


def _route(told: dict[str, str]) -> Route:
    kinds = {"json": "application/json", "form": "application/x-www-form-urlencoded"}
    kind = next((kind for kind in kinds if kind in told), "")
    rest = {name: value for name, value in told.items() if name not in kinds}
    return Route(body=told.get(kind, ""), content_type=kinds.get(kind, ""), **rest)


def _fill(text: str, values: dict[str, str]) -> str:
    # Not str.format: the braces of JSON are in the way.
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text
