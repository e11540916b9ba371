"""Logging in: what it costs, what it reveals, and what a flood of log-ins does to the rest of the service."""

from __future__ import annotations

import importlib
import os
import sys
import time
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from argon2 import PasswordHasher
from kit.adapter import PASSWORD, Client, Stage, expect
from nacl.pwhash import argon2id

LOGIN = "/v2/auth/login"
DISABLE = "UPDATE accounts SET disabled_at = '2026-01-01 00:00:00' WHERE email = 'disabled@example.com'"


def test_no_failed_login_tells_who_has_an_account(service: Stage, in_database: Any, hashes: Any) -> None:
    """Unknown, wrong, disabled, unconfirmed, no address: one status, body and headers, and one hash each."""
    for email in ("disabled@example.com", "mina@example.com", "unconfirmed@example.com"):
        service.sign_up(email=email)
    in_database(DISABLE)
    in_database("UPDATE accounts SET verified_at = created_at WHERE email = ?", "mina@example.com")
    service.app.config["REQUIRE_VERIFIED_EMAIL"] = True
    hashes.clear()
    attempts = [
        ("nobody@example.com", PASSWORD),
        ("mina@example.com", "not this one, certainly"),
        ("mina@example.com", ""),
        ("mina@example.com", "x" * 5000),
        ("disabled@example.com", PASSWORD),
        ("disabled@example.com", "not this one, certainly"),
        ("unconfirmed@example.com", PASSWORD),
        ("no address at all", PASSWORD),
        ("@", PASSWORD),
        ("x" * 5000 + "@example.com", PASSWORD),
    ]

    answers = [service.log_in(email, password) for email, password in attempts]

    seen = {
        (answer.status_code, answer.text.replace(answer.headers["X-Request-ID"], ""), str(comparable(answer)))
        for answer in answers
    }
    assert len(seen) == 1 and answers[0].status_code == 401
    assert hashes == ["verify"] * len(attempts)


def comparable(answer: Any) -> list[tuple[str, str]]:
    """Return the headers of a response, without the request's id, the remaining attempts and the time.

    The time is measured below; the remaining attempts are counted for the client, not for the account.
    """
    varying = {"X-Request-ID", "Server-Timing", "RateLimit"}
    return [(name, value) for name, value in answer.headers if name not in varying]


def test_a_password_that_is_changed_during_a_log_in_lets_nobody_in(
    service: Stage, in_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After it was checked, before the session begins: it fails as with a wrong one, in the audit too."""
    account = service.sign_up()
    auth = importlib.import_module(f"{service.app.import_name}.services.auth")
    begin = auth.begin_session

    def too_late(*arguments: Any) -> Any:
        in_database("UPDATE accounts SET password_hash = 'another' WHERE email = ?", account.email)
        return begin(*arguments)

    monkeypatch.setattr(auth, "begin_session", too_late)

    expect(service.log_in(account.email), 401)

    newest = "SELECT action, outcome, details FROM audit_events ORDER BY id DESC LIMIT 1"
    ((action, outcome, details),) = in_database(newest)
    assert (action, outcome) == ("login", "failed") and "true" not in str(details).lower()


def test_an_unknown_account_costs_as_much_as_a_wrong_password(service: Stage) -> None:
    """Measured, at the cost of production: the medians are within a quarter of each other."""
    app = service.new_app(ARGON2_MEMORY=19456, ARGON2_TIME=2)
    client = Client(app, "/v2")
    new = {"email": "mina@example.com", "name": "김미나", "password": PASSWORD}
    expect(client.post("/accounts", json=new), 202)
    times: dict[str, list[float]] = {"mina@example.com": [], "nobody@example.com": []}

    for _ in range(9):
        for email, taken in times.items():
            begin = time.process_time()
            expect(client.post(LOGIN, json={"email": email, "password": "not this one, certainly"}), 401)
            taken.append(time.process_time() - begin)

    known, unknown = (sorted(taken)[4] for taken in times.values())
    assert 0.75 < known / unknown < 1.33, times


def test_a_password_is_the_same_on_every_keyboard(service: Stage) -> None:
    """One text in two Unicode forms is one password (NFKC)."""
    password = "긴 암호 문장은 외우기 쉽고 강합니다"
    service.sign_up(email="mina@example.com", password=password)

    expect(service.log_in("mina@example.com", unicodedata.normalize("NFD", password)), 200)


LENGTHS = {
    "14 letters": ("a" * 14, 400),
    "15 letters": ("a" * 15, 202),
    "128 letters": ("a" * 128, 202),
    "129 letters": ("a" * 129, 400),
    "15 emoji": ("🎈" * 15, 202),
    "15 syllables": ("가" * 15, 202),
    "14 syllables in 42 pieces": (unicodedata.normalize("NFD", "각" * 14), 400),
    "one letter that becomes 18": ("\ufdfa", 400),
    "8 letters that become 144": ("\ufdfa" * 8, 400),
    "15 spaces": (" " * 15, 202),
    "a tab in it": ("a passphrase\twith a tab", 202),
    "a NUL in it": ("a passphrase\0with NUL", 400),
}


@pytest.mark.parametrize(("password", "status"), LENGTHS.values(), ids=LENGTHS)
def test_a_password_has_15_to_128_characters(service: Stage, password: str, status: int) -> None:
    """Any characters, counted as code points; and what was accepted logs in."""
    new = {"email": "mina@example.com", "name": "김미나", "password": password}

    answer = service.client.post("/v2/accounts", json=new)

    expect(answer, status)
    if status == 202:
        expect(service.log_in("mina@example.com", password), 200)
    else:
        assert [error["field"] for error in answer.get_json(force=True)["errors"]] == ["password"]


def test_a_very_long_password_is_not_normalised(service: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 8,000 accents that takes five times as long as a hash, and nothing else runs meanwhile."""
    lengths, normalize = [], unicodedata.normalize

    def record(form: Any, text: str) -> str:
        lengths.append(len(text))
        return normalize(form, text)

    monkeypatch.setattr(unicodedata, "normalize", record)
    accents = "\u0315" * 1000 + "\u0316" * 1000
    new = {"email": "mina@example.com", "name": "김미나", "password": PASSWORD}

    for body in ({"password": accents}, {"name": accents}, {"email": f"{accents}@example.com"}):
        expect(service.client.post("/v2/accounts", json={**new, **body}), 400)

    assert max(lengths) < 300


def test_a_hash_of_other_parameters_is_renewed(service: Stage, in_database: Any) -> None:
    """After the cost is raised, the next log-in stores a hash at the new cost; the one after does not."""
    service.sign_up(email="mina@example.com")
    old = in_database("SELECT password_hash FROM accounts")[0][0]
    costlier = service.another_process(ARGON2_TIME=3)
    login = {"email": "mina@example.com", "password": PASSWORD}

    expect(Client(costlier).post(LOGIN, json=login), 200)
    new = in_database("SELECT password_hash FROM accounts")[0][0]
    assert ",t=1," in old and ",t=3," in new
    expect(Client(costlier).post(LOGIN, json=login), 200)
    assert in_database("SELECT password_hash FROM accounts")[0][0] == new


def test_a_hash_is_that_of_any_argon2id(service: Stage, in_database: Any) -> None:
    """Another implementation reads what is stored, and what that wrote is good too."""
    service.sign_up(email="mina@example.com")
    ours = in_database("SELECT password_hash FROM accounts")[0][0]
    assert PasswordHasher().verify(ours, PASSWORD)

    for lanes in (1, 4):
        theirs = PasswordHasher(time_cost=1, memory_cost=8 * lanes, parallelism=lanes).hash(PASSWORD)
        in_database("UPDATE accounts SET password_hash = ?", theirs)
        expect(service.log_in("mina@example.com", "not this one, certainly"), 401)
        expect(service.log_in("mina@example.com"), 200)
        kept = in_database("SELECT password_hash FROM accounts")[0][0] == theirs
        assert kept == (lanes == 1), "only one of other parameters is renewed"


ABSURD = {
    "a terabyte": "$argon2id$v=19$m=1073741824,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43,
    "a year": "$argon2id$v=19$m=8,t=4294967295,p=1$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43,
    "a thousand threads": "$argon2id$v=19$m=65536,t=1,p=8192$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43,
    "no hash": "plaintext",
    "nothing": "",
}


@pytest.mark.parametrize("stored", ABSURD.values(), ids=ABSURD)
def test_an_absurd_stored_hash_is_not_computed(
    service: Stage, in_database: Any, hashes: Any, stored: str
) -> None:
    """A value written into the database cannot make one log-in bring the machine down."""
    service.sign_up(email="mina@example.com")
    in_database("UPDATE accounts SET password_hash = ?", stored)
    hashes.clear()

    expect(service.log_in("mina@example.com"), 401)
    assert hashes == ["verify"]


# -- a flood (trap 7) ------------------------------------------------------------------------------


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Make every check of a password wait for `go`; `running` and `most` count those that do."""

    class Slow:
        go = Event()
        running = most = 0

    original = argon2id.verify

    def verify(*args: Any) -> Any:
        Slow.running += 1
        Slow.most = max(Slow.most, Slow.running)
        try:
            assert Slow.go.wait(10)
            return original(*args)
        finally:
            Slow.running -= 1

    monkeypatch.setattr(argon2id, "verify", verify)
    yield Slow
    Slow.go.set()


def test_a_flood_of_logins_is_refused_at_once_and_stops_nothing_else(
    service: Stage, problem: Any, slow: Any
) -> None:
    """One hash runs, one waits, the other thirty get 503 at once; `me` works meanwhile."""
    app = service.new_app(PASSWORD_SLOTS=2, ATTEMPTS_PER_ACCOUNT=100)
    wrong = {"email": "nobody@example.com", "password": "not this one, certainly"}

    with ThreadPoolExecutor(32) as pool:
        logins = [pool.submit(lambda: Client(app).post(LOGIN, json=wrong)) for _ in range(32)]
        try:
            deadline = time.monotonic() + 3
            while sum(login.done() for login in logins) < 30 and time.monotonic() < deadline:
                time.sleep(0.01)
            refused = [login.result() for login in logins if login.done()]
            assert len(refused) == 30, "one hash runs, one waits, and the other 30 are told at once"
            expect(Client(app).get("/health/ready"), 200)
        finally:
            slow.go.set()
        answers = [login.result() for login in logins]

    for answer in refused:
        problem(answer, 503)
        assert answer.headers["Retry-After"] == "1"
    assert [answer.status_code for answer in answers].count(401) == 2
    assert slow.most == 1
    expect(Client(app).post(LOGIN, json=wrong), 401)


@pytest.mark.skipif(sys.platform != "linux", reason="only to Linux a thread is a process of its own")
def test_hashing_has_a_lower_priority(service: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that hashes has a lower priority, and the one that took the request keeps its own."""
    found: list[int] = []
    original = argon2id.verify

    def verify(*args: Any) -> bool:
        found.append(os.getpriority(os.PRIO_PROCESS, 0))  # of this thread
        return original(*args)

    monkeypatch.setattr(argon2id, "verify", verify)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    service.log_in("nobody@example.com")
    assert found == [min(before + 5, 19)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the priority of a thread is left alone")
def test_a_log_in_does_not_need_another_priority(service: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter of system calls may forbid to lower it: passwords are checked all the same."""

    def refuse(_: int) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "nice", refuse)
    account = Client(service.new_app())
    account.post("/v2/accounts", json={"email": "mina@example.com", "name": "Mina", "password": PASSWORD})

    login = {"email": "mina@example.com", "password": PASSWORD}
    assert expect(account.post("/v2/auth/login", json=login), 200)["access_token"]
