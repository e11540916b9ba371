"""Refreshing: each token once, its predecessor for a moment; anything older ends the session."""

from __future__ import annotations

import importlib
import string
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kit.adapter import PASSWORD, Client, SignedUp, Stage, expect

REFRESH, ME, LOGOUT = "/v2/auth/refresh", "/v2/accounts/me", "/v2/auth/logout"


class Device:
    """One device of an account: its refresh tokens, oldest first, and what requests with them return."""

    def __init__(self, app: Any, email: str) -> None:
        self.app = app
        grant = expect(Client(app).post("/v2/auth/login", json={"email": email, "password": PASSWORD}), 200)
        self.tokens = [grant["refresh_token"]]
        self.access = grant["access_token"]

    def send(self, token: str) -> Any:
        """Send a refresh token."""
        return Client(self.app).post(REFRESH, json={"refresh_token": token})

    def refresh(self, times: int = 1) -> None:
        """Refresh with the newest token, ``times`` times, and keep the new tokens."""
        for _ in range(times):
            grant = expect(self.send(self.tokens[-1]), 200)
            self.access = grant["access_token"]
            self.tokens.append(grant["refresh_token"])

    def is_alive(self) -> bool:
        """Ask whether its access token is still valid."""
        return Client(self.app, token=self.access).get(ME).status_code == 200


@pytest.fixture
def account(service: Stage) -> SignedUp:
    """An account that is logged in."""
    return service.sign_up()


@pytest.fixture
def device(service: Stage, account: SignedUp) -> Device:
    """Another device of it."""
    return Device(service.app, account.email)


@pytest.fixture
def strict(service: Stage, account: SignedUp) -> Device:
    """A device at a service that follows RFC 9700 strictly."""
    return Device(service.another_process(REFRESH_LEEWAY=0), account.email)


def reuses(in_database: Any) -> list[Any]:
    """Return what the audit has about old tokens: whose, and how it ended."""
    return list(in_database("SELECT account_id, outcome FROM audit_events WHERE action = 'refresh.reuse'"))


def past(in_database: Any, seconds: int) -> None:
    """Move the last refresh ``seconds`` into the past."""
    then = datetime.now(UTC) - timedelta(seconds=seconds)
    in_database("UPDATE sessions SET refreshed_at = ?", then.strftime("%Y-%m-%d %H:%M:%S.%f"))


def test_a_refresh_gives_the_next_token(device: Device) -> None:
    """200 with the same fields as a log-in; both tokens are new and work."""
    first = device.access
    answer = device.send(device.tokens[0])

    grant = expect(answer, 200)
    assert set(grant) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert (grant["token_type"], grant["expires_in"]) == ("Bearer", 600)
    assert grant["refresh_token"] != device.tokens[0] and grant["access_token"] != first
    assert answer.headers["Cache-Control"] == "no-store"
    device.tokens.append(grant["refresh_token"])
    device.refresh(times=3)
    assert device.is_alive()


def test_a_lost_answer_is_given_again(device: Device, in_database: Any) -> None:
    """Within ten seconds the previous token gets the same successor: no branch begins and nothing ends."""
    device.refresh()
    past(in_database, 9)

    grants = [expect(device.send(device.tokens[0]), 200) for _ in range(3)]

    assert {grant["refresh_token"] for grant in grants} == {device.tokens[1]}
    assert in_database("SELECT max(generation) FROM sessions") == [(1,)]
    assert reuses(in_database) == []
    device.refresh()
    assert device.is_alive()


# How often the owner has refreshed, how long ago, and which token comes back.
THEFTS = {
    "later than the leeway": (1, 11, 0),
    "older than the predecessor": (2, 0, 0),
    "much older": (5, 0, 0),
    "by a clock that is far ahead": (1, -11, 0),
}


@pytest.mark.parametrize(("times", "ago", "shown"), THEFTS.values(), ids=THEFTS)
def test_an_old_token_ends_the_session(
    device: Device, account: SignedUp, in_database: Any, problem: Any, times: int, ago: int, shown: int
) -> None:
    """For the thief and for the owner alike; the audit says so once; the other device goes on."""
    device.refresh(times)
    past(in_database, ago)

    problem(device.send(device.tokens[shown]), 401)

    problem(device.send(device.tokens[-1]), 401)
    assert not device.is_alive()
    assert reuses(in_database) == [(account.id, "refused")]
    problem(device.send(device.tokens[shown]), 401)
    assert len(reuses(in_database)) == 1
    expect(account.client.get(ME), 200)


def test_without_leeway_the_predecessor_ends_the_session(
    strict: Device, in_database: Any, problem: Any
) -> None:
    """REFRESH_LEEWAY=0 is the strict reading, also where clocks differ."""
    strict.refresh()
    past(in_database, -5)  # the clock of the machine that refreshed is ahead

    problem(strict.send(strict.tokens[0]), 401)

    assert not strict.is_alive()
    assert len(reuses(in_database)) == 1


def test_the_owner_hears_of_a_token_in_two_hands(device: Device, account: SignedUp, mailbox: Any) -> None:
    """Once for the session that ends, however often the old token comes."""
    device.refresh(times=2)
    mailbox.letters()

    for _ in range(3):
        expect(device.send(device.tokens[0]), 401)

    assert mailbox.fetch() == [(account.email, "One of your devices was logged out")]


def test_a_generation_that_was_never_given_out_is_just_401(
    device: Device, in_database: Any, problem: Any
) -> None:
    """A restored database is older than the tokens, which is not a theft."""
    device.refresh(times=2)
    in_database("UPDATE sessions SET generation = 0")

    problem(device.send(device.tokens[2]), 401)

    assert device.is_alive()
    assert reuses(in_database) == []


@pytest.mark.parametrize("generation", [2**31 - 1, 2**31, 2**32 - 1])
def test_a_generation_that_no_row_can_have_is_just_401(
    service: Stage, device: Device, in_database: Any, problem: Any, generation: int
) -> None:
    """Also in a token that is marked as ours: a comparison beyond the column is an error of PostgreSQL."""
    tokens = importlib.import_module(f"{service.app.import_name}.services.refresh_tokens")
    for (session_id,) in in_database("SELECT id FROM sessions"):
        with service.app.app_context():
            token = tokens.write(session_id, generation)
        problem(device.send(token), 401)

    assert device.is_alive()
    assert reuses(in_database) == []


def _next(letter: str) -> str:
    """Return another last letter of Base64 for the same bytes: 43 letters are two bits more than 32 bytes."""
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    return letters[letters.index(letter) ^ 1]


def _mangled(token: str) -> dict[str, str]:
    session, generation, mark = token[3:].split(".")

    def write(*parts: str) -> str:
        return "rt_" + ".".join(parts)

    return {
        "empty": "",
        "a word": "xyzzy",
        "only the prefix": "rt_",
        "without the prefix": token[3:],
        "with more behind it": token + "A",
        "cut": token[:-1],
        "padded": token + "=",
        "with a space": token + " ",
        "in another alphabet": token.replace("_", "/").replace("-", "+") + "/",
        "of another generation": write(session, "1", mark),
        "of another session": write("0" * 32, generation, mark),
        "not marked": write(session, generation),
        "marked with nothing": write(session, generation, "A" * 43),
        "another spelling of the mark": write(session, generation, mark[:-1] + _next(mark[-1])),
        "another spelling of the number": write(session, f"0{generation}", mark),
        "another spelling of the session": write(session.upper(), generation, mark),
        "huge": "rt_" + "A" * 9000,
        "Korean": "rt_토큰",
        "NUL": "rt_\0",
        "a JWT": "eyJhbGciOiJub25lIn0.e30.",
    }


def test_what_is_no_token_of_ours_is_refused(device: Device, in_database: Any) -> None:
    """401, or 400 if it is not text; the response does not say why, and no session ends."""
    for name, token in _mangled(device.tokens[0]).items():
        answer = device.send(token)
        assert answer.status_code == (400 if name == "NUL" else 401), name
        assert answer.status_code == 400 or answer.headers["WWW-Authenticate"].startswith("Bearer"), name
        assert not token or token not in answer.text, name
    assert reuses(in_database) == []
    device.refresh()


def test_tokens_are_of_no_use_for_each_other(device: Device, problem: Any) -> None:
    """An access token does not refresh, and a refresh token gives no access."""
    problem(device.send(device.access), 401)
    problem(Client(device.app, token=device.tokens[0]).get(ME), 401)
    problem(device.send(device.tokens[0] + "." + device.access), 401)


def test_another_secret_refuses_every_token(service: Stage, device: Device, problem: Any) -> None:
    """A service that does not share SECRET_KEY did not give them out."""
    other = service.another_process(SECRET_KEY="another secret of the same length")

    problem(Client(other).post(REFRESH, json={"refresh_token": device.tokens[0]}), 401)


ENDINGS = {
    "it was ended": "UPDATE sessions SET revoked_at = '2026-01-01'",
    "it is too old": "UPDATE sessions SET expires_at = '2026-01-01'",
    "it was not used for a week": "UPDATE sessions SET last_used_at = '2026-01-01'",
    "the account was disabled": "UPDATE accounts SET disabled_at = '2026-01-01'",
    "it was deleted": "DELETE FROM sessions",
}


@pytest.mark.parametrize("statement", ENDINGS.values(), ids=ENDINGS)
def test_a_session_that_is_over_is_not_refreshed(
    device: Device, in_database: Any, problem: Any, statement: str
) -> None:
    """With the current token or an old one; and none of its access tokens is valid."""
    device.refresh()
    in_database(statement)

    for token in device.tokens:
        problem(device.send(token), 401)
    assert not device.is_alive()
    assert reuses(in_database) == []


def test_a_refresh_prolongs_only_the_idle_end(service: Stage, device: Device, in_database: Any) -> None:
    """The absolute end stays the same; the use is noted."""
    six_days_ago = (datetime.now(UTC) - timedelta(days=6)).strftime("%Y-%m-%d %H:%M:%S.%f")
    in_database("UPDATE sessions SET last_used_at = ?", six_days_ago)
    ends = in_database("SELECT id, expires_at FROM sessions ORDER BY id")

    device.refresh()

    assert in_database("SELECT id, expires_at FROM sessions ORDER BY id") == ends
    used = in_database("SELECT count(*) FROM sessions WHERE last_used_at > ?", six_days_ago)
    assert used == [(1,)]


# -- at the same moment ------------------------------------------------------------------------------


def test_twenty_refreshes_at_once_get_one_successor(device: Device, in_database: Any, at_once: Any) -> None:
    """Within the leeway all of them get the same new token, and the session goes on by one generation."""
    answers = at_once(20, lambda _: device.send(device.tokens[0]))

    assert len({expect(answer, 200)["refresh_token"] for answer in answers}) == 1
    assert in_database("SELECT max(generation) FROM sessions") == [(1,)]
    assert reuses(in_database) == []


def test_without_leeway_one_of_twenty_wins_and_the_session_ends(
    strict: Device, in_database: Any, at_once: Any
) -> None:
    """Two clients with one token are a theft by the strict reading, and the first does not matter."""
    answers = at_once(20, lambda _: strict.send(strict.tokens[0]))

    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 19
    assert in_database("SELECT max(generation) FROM sessions") == [(1,)]
    assert not strict.is_alive()
    assert len(reuses(in_database)) == 1


def test_a_log_out_wins_over_simultaneous_refreshes(device: Device, at_once: Any, problem: Any) -> None:
    """In any order: afterwards no token of the session is valid, not even one that was just issued."""

    def work(number: int) -> Any:
        if number == 0:
            return Client(device.app, token=device.access).post(LOGOUT)
        return device.send(device.tokens[0])

    answers = at_once(20, work)

    assert answers[0].status_code == 204
    assert {answer.status_code for answer in answers[1:]} <= {200, 401}
    given = [answer.json for answer in answers[1:] if answer.status_code == 200]
    for grant in given:
        problem(device.send(grant["refresh_token"]), 401)
        problem(Client(device.app, token=grant["access_token"]).get(ME), 401)
    problem(device.send(device.tokens[0]), 401)
