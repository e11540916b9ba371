"""The devices of an account: who sees them, what ends them, and that nothing else does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kit.adapter import PASSWORD, Client, SignedUp, Stage, expect

ME, LOGIN, LOGOUT, SESSIONS = "/v2/accounts/me", "/v2/auth/login", "/v2/auth/logout", "/v2/auth/sessions"
NEW = "another passphrase for the tests"


def log_in(service: Stage, email: str, agent: str | None = None, address: str = "192.0.2.1") -> Client:
    """Log in on another device and return the client of it."""
    credentials = {"email": email, "password": PASSWORD}
    answer = service.client.post(
        LOGIN,
        json=credentials,
        headers={"User-Agent": agent} if agent is not None else {},
        environ_overrides={"REMOTE_ADDR": address},
    )
    return Client(service.app, "/v2", expect(answer, 200)["access_token"])


def listed(client: Client) -> list[dict[str, Any]]:
    """Return the sessions that a client sees on one page."""
    return list(expect(client.get(SESSIONS), 200)["items"])


def own_id(client: Client) -> str:
    """Return the id of the client's own session."""
    return next(str(session["id"]) for session in listed(client) if session["current"])


@dataclass(frozen=True)
class Devices:
    """One account on two devices, and another account."""

    account: SignedUp
    phone: Client
    laptop: Client
    other: Client

    def alive(self) -> dict[str, bool]:
        """Ask on every device whether it is logged in."""
        clients = {"phone": self.phone, "laptop": self.laptop, "other": self.other}
        return {name: client.get(ME).status_code == 200 for name, client in clients.items()}


@pytest.fixture
def devices(service: Stage) -> Devices:
    """A phone and a laptop of Mina, and the device of another account."""
    account, other = service.sign_up(), service.sign_up()
    return Devices(account, account.client, log_in(service, account.email), other.client)


# -- what ends them ----------------------------------------------------------------------------------

# What the phone sends, with the ids of sessions filled in, and who is logged in after that.
ENDINGS: dict[str, tuple[str, str, Any, bool, bool]] = {
    "logging out": ("POST", LOGOUT, None, False, True),
    "logging out with a body": ("POST", LOGOUT, {"everywhere": True}, False, True),
    "ending all": ("DELETE", SESSIONS, None, False, False),
    "ending this one": ("DELETE", f"{SESSIONS}/{{phone}}", None, False, True),
    "ending the other one": ("DELETE", f"{SESSIONS}/{{laptop}}", None, True, False),
    "ending it in capitals": ("DELETE", f"{SESSIONS}/{{LAPTOP}}", None, True, False),
    "changing the password": (
        "PUT",
        f"{ME}/password",
        {"current_password": PASSWORD, "new_password": NEW},
        True,
        False,
    ),
}


@pytest.mark.parametrize(("method", "path", "body", "phone", "laptop"), ENDINGS.values(), ids=ENDINGS)
def test_what_ends_a_session(
    devices: Devices, method: str, path: str, body: Any, phone: bool, laptop: bool
) -> None:
    """204 and no body; the session ends before the next request, and no other account's session does."""
    ids = {"phone": own_id(devices.phone), "laptop": own_id(devices.laptop)}
    ids["LAPTOP"] = ids["laptop"].upper()

    answer = devices.phone.open(method, path.format(**ids), json=body)

    assert (answer.status_code, answer.data, answer.content_type) == (204, b"", None)
    assert devices.alive() == {"phone": phone, "laptop": laptop, "other": True}


def test_a_session_ends_once(devices: Devices, problem: Any) -> None:
    """A session that is over no longer exists for clients."""
    path = f"{SESSIONS}/{own_id(devices.laptop)}"
    expect(devices.phone.delete(path), 204)

    problem(devices.phone.delete(path), 404)


def test_after_a_log_out_only_a_log_in_helps(service: Stage, devices: Devices, problem: Any) -> None:
    """Every endpoint refuses the old token, the log-out too; the password begins another session."""
    expect(devices.phone.post(LOGOUT), 204)

    for method, path in (("GET", ME), ("GET", SESSIONS), ("POST", LOGOUT), ("DELETE", SESSIONS)):
        problem(devices.phone.open(method, path), 401)
    expect(log_in(service, devices.account.email).get(ME), 200)
    expect(devices.phone.get(ME), 401)


# -- who sees them -----------------------------------------------------------------------------------


def test_a_session_shows_this_and_no_more(service: Stage) -> None:
    """The fields by name, the address and agent that began it; the client's own is marked."""
    account = service.sign_up()
    tablet = log_in(service, account.email, agent="Tablet/1.0", address="2001:db8::7")

    first, second = listed(tablet)

    assert set(second) == {"id", "created_at", "last_used_at", "address", "agent", "current"}
    assert (second["address"], second["agent"], second["current"]) == ("2001:db8::7", "Tablet/1.0", True)
    assert second["created_at"][-1] == second["last_used_at"][-1] == "Z"
    assert (first["address"], first["current"]) == ("127.0.0.1", False)


GONE = {
    "ended": "UPDATE sessions SET revoked_at = '2026-01-01 00:00:00'",
    "too old": "UPDATE sessions SET expires_at = '2026-01-01 00:00:00'",
    "forgotten": "UPDATE sessions SET last_used_at = '2026-01-01 00:00:00'",
}


@pytest.mark.parametrize("statement", GONE.values(), ids=GONE)
def test_only_living_sessions_are_listed(service: Stage, in_database: Any, statement: str) -> None:
    """Neither an ended one nor one of another account is shown."""
    account = service.sign_up()
    in_database(statement)
    service.sign_up()
    again = log_in(service, account.email)

    assert [session["current"] for session in listed(again)] == [True]


def test_sessions_come_page_by_page(service: Stage) -> None:
    """Each once, oldest first, by the URL in `next`, which says the same as `Link`."""
    account = service.sign_up()
    for _ in range(4):
        log_in(service, account.email)
    whole = [session["id"] for session in listed(account.client)]

    found, path = [], f"{SESSIONS}?limit=2"
    while path:
        answer = account.client.get(path)
        body = expect(answer, 200)
        found += [session["id"] for session in body["items"]]
        path = body["next"]
        assert answer.headers.get("Link") == (f'<{path}>; rel="next"' if path else None)

    assert len(whole) == 5 and found == whole == sorted(whole)


AGENTS = {
    "none": ("", None),
    "long": ("x" * 5000, "x" * 200),
    "nothing to be seen": ("\x1b\x07", None),
    "a terminal escape": ("a\x1b[2Jb", "a[2Jb"),
    "a control character of eight bits": ("a\x9b2Jb", "a2Jb"),
    "a script": ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    "SQL": ("'); DROP TABLE sessions; --", "'); DROP TABLE sessions; --"),
}


@pytest.mark.any_database
@pytest.mark.parametrize(("sent", "shown"), AGENTS.values(), ids=AGENTS)
def test_an_agent_is_text(service: Stage, sent: str, shown: str | None) -> None:
    """200 printable characters of what a client calls itself, in JSON that no browser mistakes for a page."""
    client = log_in(service, service.sign_up().email, agent=sent)

    answer = client.get(SESSIONS)

    assert expect(answer, 200)["items"][-1]["agent"] == shown
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_use_is_noted_to_five_minutes(service: Stage, in_database: Any) -> None:
    """A request after a while moves `last_used_at`; the next one does not write."""
    account = service.sign_up()
    in_database(
        "UPDATE sessions SET last_used_at = ?", (datetime.now(UTC) - timedelta(days=6)).isoformat(" ")
    )
    long_ago = in_database("SELECT last_used_at FROM sessions")

    expect(account.client.get(ME), 200)
    noted = in_database("SELECT last_used_at FROM sessions")
    expect(account.client.get(ME), 200)

    assert noted != long_ago
    assert in_database("SELECT last_used_at FROM sessions") == noted


def test_a_refused_request_is_no_use(service: Stage, in_database: Any) -> None:
    """A token of an ended session changes nothing in its row."""
    account = service.sign_up()
    in_database("UPDATE sessions SET last_used_at = '2026-01-01', revoked_at = '2026-01-02'")

    expect(account.client.get(ME), 401)

    assert in_database("SELECT count(*) FROM sessions WHERE last_used_at > '2026-01-02'") == [(0,)]


# -- at the same moment ------------------------------------------------------------------------------


def test_eight_log_outs_at_once_end_one_session(service: Stage, devices: Devices, at_once: Any) -> None:
    """Each is 204 or, if it came late, 401; the laptop is still logged in."""
    answers = at_once(8, lambda _: Client(service.app, token=devices.phone.token).post(LOGOUT))

    assert {answer.status_code for answer in answers} <= {204, 401}
    assert 204 in {answer.status_code for answer in answers}
    assert devices.alive() == {"phone": False, "laptop": True, "other": True}


def test_two_clicks_end_it_twice(
    service: Stage, devices: Devices, monkeypatch: pytest.MonkeyPatch, in_database: Any
) -> None:
    """A log-out that another one overtook, between its token and its work, is 204 like the other."""
    sessions = service.loaded.package.services.sessions
    end = sessions.end

    def overtaken(asker: Any, session_id: str) -> None:
        in_database("UPDATE sessions SET revoked_at = '2026-01-01' WHERE id = ?", session_id)
        end(asker, session_id)

    monkeypatch.setattr(sessions, "end", overtaken)

    expect(devices.phone.post(LOGOUT), 204)
    assert devices.alive()["phone"] is False


def test_eight_devices_that_end_all_at_once(service: Stage, at_once: Any) -> None:
    """No client is told that the database is locked, and no session is left."""
    account = service.sign_up()
    clients = [account.client, *(log_in(service, account.email) for _ in range(7))]

    answers = at_once(8, lambda number: clients[number].delete(SESSIONS))

    assert {answer.status_code for answer in answers} <= {204, 401}
    assert {client.get(ME).status_code for client in clients} == {401}
