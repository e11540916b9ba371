"""Changing a password: what proves it, what it costs, and what it ends. Which sessions: test_sessions.py."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from kit.adapter import PASSWORD, Client, SignedUp, Stage, expect
from nacl.pwhash import argon2id

ME, LOGIN, LOGOUT = "/v2/accounts/me", "/v2/auth/login", "/v2/auth/logout"
NEW = "another passphrase for the tests"
THREADS = 8


@pytest.fixture
def account(service: Stage) -> SignedUp:
    """An account that is logged in."""
    return service.sign_up()


def change(client: Client, current: str = PASSWORD, new: str = NEW) -> Any:
    """Change the password."""
    body = {"current_password": current, "new_password": new}
    return client.open("PUT", f"{ME}/password", json=body)


def devices(service: Stage, account: SignedUp, count: int) -> list[Client]:
    """Log ``account`` in on ``count`` more devices."""
    return [Client(service.app, "/v2", service.token(account.email)) for _ in range(count)]


@pytest.fixture
def room(service: Stage) -> Stage:
    """The service with room for as many hashes, and attempts, as a race needs."""
    service.app = service.new_app(PASSWORD_SLOTS=2 * THREADS, ATTEMPTS_PER_ACCOUNT=10 * THREADS)
    return service


# -- what proves it, and what it costs ---------------------------------------------------------------

# The current password, the new one, the status, and the work.
CHANGES: dict[str, tuple[str, str, int, list[str]]] = {
    "the right one": (PASSWORD, NEW, 204, ["verify", "hash"]),
    "the right one in another form": ("\uff41 passphrase for the tests 1", NEW, 204, ["verify", "hash"]),
    "a wrong one": ("not this one, certainly", NEW, 403, ["verify"]),
    "none": ("", NEW, 403, ["verify"]),
    "an endless one": ("x" * 9000, NEW, 403, ["verify"]),
    "the new one": (NEW, NEW, 403, ["verify"]),
    "a wrong one and a short one": ("not this one, certainly", "short", 400, []),
    "the right one and a short one": (PASSWORD, "fourteen chars", 400, []),
    "the right one and a long one": (PASSWORD, "x" * 129, 400, []),
    "128 characters": (PASSWORD, "x" * 128, 204, ["verify", "hash"]),
    "15 emoji": (PASSWORD, "🎈" * 15, 204, ["verify", "hash"]),
}


@pytest.mark.any_database
@pytest.mark.parametrize(("current", "new", "status", "work"), CHANGES.values(), ids=CHANGES)
def test_what_changes_a_password(
    service: Stage, account: SignedUp, hashes: Any, current: str, new: str, status: int, work: list[str]
) -> None:
    """Only the current one does, at the cost of two hashes; otherwise the old one stays."""
    hashes.clear()

    answer = change(account.client, current, new)

    assert (answer.status_code, hashes) == (status, work)
    expect(service.log_in(account.email, new), 200 if status == 204 else 401)
    expect(service.log_in(account.email, PASSWORD), 401 if status == 204 else 200)
    if status == 400:
        assert [error["field"] for error in answer.get_json(force=True)["errors"]] == ["new_password"]


def test_a_wrong_password_says_so_and_does_not_doubt_the_token(account: SignedUp, problem: Any) -> None:
    """403 and not 401: the user stays logged in, and the client keeps its token."""
    answer = change(account.client, current="not this one, certainly")

    assert "password" in problem(answer, 403)["detail"]
    assert "WWW-Authenticate" not in answer.headers
    expect(account.client.get(ME), 200)


def test_guesses_count_for_the_account(service: Stage, clock: Any, problem: Any, hashes: Any) -> None:
    """On all its devices together; a refusal costs nothing; a minute later the right one is accepted."""
    service.app.config["ATTEMPTS_PER_ACCOUNT"] = 3
    account, other = service.sign_up(), service.sign_up()
    (tablet,) = devices(service, account, 1)
    for client in (account.client, tablet, account.client):
        expect(change(client, current="not this one, certainly"), 403)
    hashes.clear()

    for client in (account.client, tablet):
        assert int(problem(change(client), 429)["status"]) == 429
    assert hashes == []
    expect(change(other.client), 204)
    clock.forward(60)
    expect(change(tablet), 204)


def test_a_change_is_refused_at_once_where_hashes_wait(
    service: Stage, account: SignedUp, problem: Any, hashes: Any
) -> None:
    """It shares the few slots of the log-ins (trap 7): 503 with `Retry-After`, and nothing has changed."""
    slots = service.app.extensions["passwords"]._slots
    hashes.clear()
    for _ in range(service.app.config["PASSWORD_SLOTS"]):
        assert slots.acquire(blocking=False)
    try:
        answer = change(account.client)
    finally:
        slots.release(service.app.config["PASSWORD_SLOTS"])

    problem(answer, 503)
    assert (answer.headers["Retry-After"], hashes) == ("1", [])
    expect(service.log_in(account.email), 200)


@pytest.mark.skipif(sys.platform != "linux", reason="only on Linux a thread may give way alone")
def test_a_sandbox_that_forbids_to_give_way_stops_no_log_in(
    service: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashing at a lower priority is a wish: where the system refuses it, log-ins work all the same."""
    asked = []

    def refuse(by: int) -> int:
        asked.append(by)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.nice", refuse)
    service.new_app()
    account = service.sign_up()

    expect(service.log_in(account.email), 200)
    assert asked


# -- at the same moment ------------------------------------------------------------------------------

# What happens to the account while its password is checked, and the resulting status.
MEANWHILE = {
    "another password, and a change": ("UPDATE accounts SET password_hash = 'another'", "change", 403),
    "another password, and a log-in": ("UPDATE accounts SET password_hash = 'another'", "log in", 401),
    "another password, and a move": ("UPDATE accounts SET password_hash = 'another'", "move", 403),
    "a disabled account, and a log-in": ("UPDATE accounts SET disabled_at = '2026-01-01'", "log in", 401),
    "no account, and a change": ("DELETE FROM accounts", "change", 403),
    "no account, and a move": ("DELETE FROM accounts", "move", 403),
    "no account, and a log-in": ("DELETE FROM accounts", "log in", 401),
}


@pytest.mark.parametrize(("statement", "what", "status"), MEANWHILE.values(), ids=MEANWHILE)
def test_what_was_checked_has_to_be_true_still(
    service: Stage,
    account: SignedUp,
    in_database: Any,
    monkeypatch: pytest.MonkeyPatch,
    statement: str,
    what: str,
    status: int,
) -> None:
    """No lock is held for a hash, so a password that was right at its beginning may be wrong at its end."""
    original = argon2id.verify

    def verify(*args: Any) -> Any:
        try:
            return original(*args)
        finally:
            in_database(statement)

    monkeypatch.setattr(argon2id, "verify", verify)
    before = in_database("SELECT count(*) FROM sessions")
    move = {"email": "thief@example.org", "current_password": PASSWORD}

    if what == "move":
        answer = account.client.post("/v2/accounts/me/email", json=move)
    else:
        answer = change(account.client) if what == "change" else service.log_in(account.email)

    expect(answer, status)
    after = in_database("SELECT password_hash FROM accounts")
    assert "another" not in statement or after == [("another",)]
    assert in_database("SELECT count(*) FROM sessions") <= before


def test_eight_changes_at_once_leave_one_password(room: Stage, at_once: Any) -> None:
    """From one device: one wins, the others get 403, and only the password of the winner logs in."""
    account = room.sign_up()
    passwords = [f"the passphrase of thread {number}" for number in range(THREADS)]

    answers = at_once(
        THREADS,
        lambda number: (
            change(Client(room.app, "/v2", account.client.token), new=passwords[number]).status_code
        ),
    )

    assert sorted(answers) == [204] + [403] * (THREADS - 1)
    working = [room.log_in(account.email, password).status_code == 200 for password in passwords]
    assert working == [answer == 204 for answer in answers]
    expect(account.client.get(ME), 200)


def test_eight_devices_that_change_it_at_once_leave_one_device(room: Stage, at_once: Any) -> None:
    """The winner stays logged in, and all other sessions end."""
    account = room.sign_up()
    clients = devices(room, account, THREADS)

    answers = at_once(THREADS, lambda number: change(clients[number]).status_code)

    assert answers.count(204) == 1 and set(answers) <= {204, 401, 403}
    alive = [client.get(ME).status_code == 200 for client in clients]
    assert alive == [answer == 204 for answer in answers]
    expect(account.client.get(ME), 401)


def test_no_log_in_with_the_old_password_outlives_the_change(room: Stage, at_once: Any) -> None:
    """Seven log in while one changes the password: those logged in before it are logged out."""
    account = room.sign_up()

    def race(number: int) -> Any:
        return change(account.client) if number == 0 else room.log_in(account.email)

    changed, *log_ins = at_once(THREADS, race)

    expect(changed, 204)
    assert {answer.status_code for answer in log_ins} <= {200, 401}
    for answer in log_ins:
        if answer.status_code == 200:
            expect(Client(room.app, "/v2", expect(answer, 200)["access_token"]).get(ME), 401)
    expect(account.client.get(ME), 200)


def test_changes_and_log_outs_at_once_end_in_order(room: Stage, at_once: Any) -> None:
    """Four devices change the password and four log out: no 500, one password, one device at the most."""
    account = room.sign_up()
    clients = devices(room, account, THREADS)

    answers = at_once(
        THREADS,
        lambda number: (change(clients[number]) if number % 2 else clients[number].post(LOGOUT)).status_code,
    )

    assert set(answers[1::2]) <= {204, 401, 403} and answers[1::2].count(204) == 1
    assert set(answers[::2]) <= {204, 401}
    alive = [client.get(ME).status_code == 200 for client in clients]
    assert alive == [number % 2 == 1 and answers[number] == 204 for number in range(THREADS)]
    expect(room.log_in(account.email, PASSWORD), 401)
    expect(room.log_in(account.email, NEW), 200)
