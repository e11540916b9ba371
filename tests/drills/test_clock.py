"""A clock that is set back, or ahead, under a server that runs: libfaketime tells it another time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pyotp
import pytest
from kit.adapter import PASSWORD, LoadedStage
from kit.server import Answer, Server

FAKETIME = next(
    (file for lib in ("/usr/lib", "/usr/local/lib") for file in Path(lib).rglob("libfaketimeMT.so.1")), None
)

pytestmark = [
    pytest.mark.threads,
    pytest.mark.timeout(300),
    pytest.mark.skipif(FAKETIME is None, reason="no libfaketime: apt-get install faketime"),
]

LOGIN, REFRESH, LOGOUT, ME = "/v2/auth/login", "/v2/auth/refresh", "/v2/auth/logout", "/v2/accounts/me"
LIFE = 600  # seconds of an access token


class Clock:
    """The clock of a machine, which the test sets some seconds off."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, seconds: int) -> None:
        """Set it, at once and without a warning; those that only measure how long something takes go on."""
        self.seconds = seconds
        # Renamed, because a clock that is read while the file is written would stop.
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+}s", encoding="utf-8")
        new.replace(self._file)

    @property
    def now(self) -> float:
        """The time that it shows."""
        return time.time() + self.seconds

    @property
    def settings(self) -> dict[str, str]:
        """The variables that make a program use this clock."""
        return {
            "LD_PRELOAD": str(FAKETIME),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }


@pytest.fixture(scope="module")
def machines(
    final: LoadedStage, postgresql: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[tuple[Server, Clock]]]:
    """Two machines, each with a clock of its own, and a database that has the right time."""
    scratch, database = tmp_path_factory.mktemp("clock"), postgresql.new_name()
    postgresql.make(database)

    def start(name: str) -> tuple[Server, Clock]:
        (scratch / name).mkdir()
        clock = Clock(scratch / name / "clock")
        url = postgresql.url_of(database)
        return Server(final.folder, scratch / name, url, WEB_CONCURRENCY="1", **clock.settings), clock

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(start, ("one", "two")))
    yield made
    for server, _ in made:
        server.close()
    postgresql.drop(database)


@pytest.fixture
def machine(machines: list[tuple[Server, Clock]]) -> Iterator[tuple[Server, Clock]]:
    """One of them, its clock right at the beginning and at the end."""
    yield machines[0]
    for _, clock in machines:
        clock.set(0)


def log_in(server: Server, email: str) -> Any:
    """Make an account unless it is there, and return what a log-in gives."""
    server.send("POST", "/v2/accounts", {"email": email, "name": "Mina", "password": PASSWORD})
    answer = server.send("POST", LOGIN, {"email": email, "password": PASSWORD})
    assert answer.status == 200, answer
    return answer.body


def refresh(server: Server, grant: Any) -> Answer:
    """Send a refresh token."""
    return server.send("POST", REFRESH, {"refresh_token": grant["refresh_token"]})


def me(server: Server, grant: Any) -> int:
    """Ask for the own account, and return the status."""
    return server.send("GET", ME, token=grant["access_token"]).status


def lines(server: Server) -> list[str]:
    """Return the log."""
    return server.log.read_text(encoding="utf-8").splitlines()


def skew(server: Server, clock: Clock) -> float:
    """Return how many seconds the server is off the clock: without it nothing here would prove much."""
    server.send("GET", "/health/live")
    return abs(datetime.fromisoformat(json.loads(lines(server)[-1])["time"]).timestamp() - clock.now)


@pytest.mark.parametrize("seconds", [-120, -3600, 3600])
def test_an_ended_session_stays_ended(machine: tuple[Server, Clock], seconds: int) -> None:
    """What has ended never begins again; other sessions go on, at most after a refresh."""
    server, clock = machine
    email = f"out{seconds}@example.com"
    inside, logged_out, stolen = (log_in(server, email) for _ in range(3))
    server.send("POST", LOGOUT, token=logged_out["access_token"])
    second = refresh(server, stolen).body
    third = refresh(server, second).body
    assert refresh(server, stolen).status == 401  # used twice: the session ends

    for moment in (seconds, 0):
        clock.set(moment)
        assert skew(server, clock) < 60
        for ended in (logged_out, stolen, second, third):
            assert (me(server, ended), refresh(server, ended).status) == (401, 401)
        answer = refresh(server, inside)
        assert answer.status == 200
        inside = answer.body
        assert me(server, inside) == 200


@pytest.mark.parametrize("seconds", [-120, -3600, 3600])
def test_a_token_is_good_for_its_ten_minutes_alone(machine: tuple[Server, Clock], seconds: int) -> None:
    """A clock that jumps out of them, back or ahead, ends it; a client gains no time by that."""
    server, clock = machine
    grant = log_in(server, "minutes@example.com")
    assert me(server, grant) == 200

    for moment, status in ((seconds, 401), (0, 200), (LIFE - 60, 200), (LIFE + 5, 401)):
        clock.set(moment)
        assert me(server, grant) == status, moment


def test_clocks_that_differ_a_little_are_no_reason_to_refuse(machines: list[tuple[Server, Clock]]) -> None:
    """A token from a machine whose clock is half a minute ahead is valid on the other at once."""
    (one, ahead), (two, _) = machines
    ahead.set(30)
    grant = log_in(one, "ahead@example.com")
    assert (me(one, grant), me(two, grant)) == (200, 200)
    again = refresh(two, grant)
    assert (again.status, me(one, again.body), me(two, again.body)) == (200, 200, 200)
    ahead.set(0)


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_of_many_refreshes_at_once_one_wins_at_any_time(
    machines: list[tuple[Server, Clock]], at_once: Any, seconds: int
) -> None:
    """With two machines, one of them with the wrong time: there is one successor, and no branch.

    A client that is late gets the same token, or the session is over: the two do not agree on
    how long ago it was.
    """
    (one, wrong), (two, _) = machines
    wrong.set(seconds)
    grant = log_in(one, f"race{seconds}@example.com")

    answers = at_once(20, lambda number: refresh((one, two)[number % 2], grant))

    assert {answer.status for answer in answers} <= {200, 401}
    successors = {answer.body["refresh_token"] for answer in answers if answer.status == 200}
    assert len(successors) == 1
    wrong.set(0)


def test_the_audit_keeps_its_order(machines: list[tuple[Server, Clock]]) -> None:
    """Rows are read in the order of their arrival, even if the time in a row is wrong."""
    (one, clock), (two, _) = machines
    happened = []
    for number, (server, seconds) in enumerate([(one, 3600), (two, 0), (one, -3600), (two, 0), (one, 0)]):
        clock.set(seconds)
        email = f"order{number}@example.com"
        log_in(server, email)
        happened.append(email)
    clock.set(0)

    with psycopg.connect(one.environment["DATABASE_URL"]) as connection:
        rows = connection.execute(
            "SELECT email FROM audit_events e JOIN accounts a ON a.id = e.account_id"
            " WHERE action = 'login' AND email LIKE 'order%' ORDER BY e.id"
        ).fetchall()
    assert [email for (email,) in rows] == happened


def test_a_code_works_once_at_any_time(machine: tuple[Server, Clock]) -> None:
    """A clock that is set back makes no code valid again, not the used one and not an earlier one."""
    server, clock = machine
    token = log_in(server, "codes@example.com")["access_token"]
    made = server.send("POST", "/v2/auth/mfa", {"current_password": PASSWORD}, token).body
    app = pyotp.TOTP(parse_qs(urlsplit(made["uri"]).query)["secret"][0])
    on = server.send("POST", "/v2/auth/mfa/confirm", {"code": app.at(int(clock.now))}, token)
    recovery = on.body["recovery_codes"]

    def attempt(code: str) -> int:
        found = server.send("POST", LOGIN, {"email": "codes@example.com", "password": PASSWORD}).body
        return server.send(
            "POST", "/v2/auth/login/mfa", {"mfa_token": found["mfa_token"], "code": code}
        ).status

    clock.set(3600)
    used = app.at(int(clock.now))
    assert [attempt(used), attempt(used)] == [200, 401]
    for seconds in (3600 - 120, 0, -3600):
        clock.set(seconds)
        assert attempt(used) == 401
        assert attempt(app.at(int(clock.now))) == 401  # of a half-minute before the one that was used
    assert attempt(recovery[0]) == 200  # the way in without waiting for the clock
    clock.set(3600 + 60)
    assert [attempt(recovery[0]), attempt(app.at(int(clock.now)))] == [401, 200]


def test_nothing_failed(machines: list[tuple[Server, Clock]]) -> None:
    """Every request above got a response, and none of them an error of the server."""
    for server, _ in machines:
        statuses = {json.loads(line).get("status") for line in lines(server)}
        assert {200, 401} <= statuses
        assert not [status for status in statuses if status and status >= 500]
        assert "Traceback" not in server.log.read_text(encoding="utf-8")
