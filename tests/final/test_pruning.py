"""`flask prune` deletes what is over and keeps the rest, however often and by however many it is run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kit.adapter import PASSWORD, Client, Stage, expect

ME = "/v2/accounts/me"
NOTHING = (
    "0 sessions, 0 unconfirmed accounts, 0 one-time tokens, 0 signing keys, 0 audit events, 0 addresses\n"
)


def prune(service: Stage) -> str:
    """Run `flask prune`, which has to succeed, and return its output."""
    result = service.app.test_cli_runner().invoke(args=["prune"])
    assert result.exit_code == 0, result.output
    return str(result.output)


def days_ago(days: float) -> str:
    """Return a moment as both databases read it."""
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S.%f")


# The column of a session, how many days ago, and whether the session goes.
SESSIONS = {
    "ended long ago": ("revoked_at", 8, True),
    "ended yesterday": ("revoked_at", 1, False),
    "expired long ago": ("expires_at", 8, True),
    "expired yesterday": ("expires_at", 1, False),
    "forgotten": ("last_used_at", 15, True),
    "not used for a week": ("last_used_at", 6, False),
}


@pytest.mark.parametrize(("column", "days", "goes"), SESSIONS.values(), ids=SESSIONS)
def test_sessions_go_when_they_have_been_over_for_a_week(
    service: Stage, in_database: Any, column: str, days: int, goes: bool
) -> None:
    """The other session, and the account, stay."""
    gone, stays = service.sign_up(), service.sign_up()
    in_database(f"UPDATE sessions SET {column} = ? WHERE account_id = ?", days_ago(days), gone.id)  # noqa: S608

    said = prune(service)

    assert said.startswith(f"{int(goes)} sessions")
    assert in_database("SELECT count(*) FROM sessions") == [(1 if goes else 2,)]
    assert in_database("SELECT count(*) FROM accounts") == [(2,)]
    expect(stays.client.get(ME), 200)


def test_links_and_keys_go_when_they_are_of_no_use(service: Stage, in_database: Any) -> None:
    """A link that has expired and a key that has retired; those in use stay."""
    account = service.sign_up()
    expect(service.client.post("/v2/auth/password/forgot", json={"email": account.email}), 202)
    with service.app.app_context():
        keys = service.app.extensions["keys"]
        keys.make(at_once=True)
    assert prune(service) == NOTHING
    in_database("UPDATE one_time_tokens SET expires_at = ?", days_ago(0.01))
    in_database("UPDATE signing_keys SET signs_from = ?", days_ago(1))
    keys._opened.clear()  # a key never changes, so what was read once is kept

    assert prune(service).endswith(" one-time tokens, 1 signing keys, 0 audit events, 0 addresses\n")
    assert in_database("SELECT number FROM signing_keys") == [(2,)]
    assert in_database("SELECT count(*) FROM one_time_tokens") == [(0,)]
    assert prune(service) == NOTHING


# How many days ago something happened; whether its address stays, and whether the event does.
EVENTS = {"today": (0, True, True), "last quarter": (100, False, True), "long ago": (400, False, False)}


@pytest.mark.parametrize(("days", "address", "event"), EVENTS.values(), ids=EVENTS)
def test_the_audit_forgets_addresses_then_events(
    service: Stage, in_database: Any, monkeypatch: pytest.MonkeyPatch, days: int, address: bool, event: bool
) -> None:
    """After 90 days and after a year, each once, and in batches; what is younger stays as it is."""
    monkeypatch.setattr(service.loaded.package.services.pruning, "BATCH", 2)
    guess = {"email": "mina@example.com", "password": "not this one, certainly"}
    for _ in range(5):
        expect(service.client.post("/v2/auth/login", json=guess), 401)
    in_database("UPDATE audit_events SET created_at = ?", days_ago(days))
    for _ in range(3):
        expect(service.client.post("/v2/auth/login", json=guess), 401)

    said = prune(service)

    events, addresses = 0 if event else 5, 5 if event and not address else 0
    assert said.endswith(f", {events} audit events, {addresses} addresses\n")
    kept = in_database("SELECT count(*), count(address) FROM audit_events")
    assert kept == [(3 + 5 * event, 3 + 5 * address)]
    assert prune(service) == NOTHING


def test_the_audit_may_be_kept_for_ever(service: Stage, in_database: Any) -> None:
    """0 days are no days after which it ends."""
    service.app = service.new_app(AUDIT_DAYS=0, ADDRESS_DAYS=0)
    account = service.sign_up()
    in_database("UPDATE audit_events SET created_at = ?, address = '192.0.2.7'", days_ago(5000))

    assert account.id and prune(service) == NOTHING


# What is different about an account that nobody has confirmed for eight days, and whether it goes.
UNCONFIRMED: dict[str, tuple[str, bool]] = {
    "nothing": ("", True),
    "a link of yesterday": ("UPDATE one_time_tokens SET expires_at = '2026-01-01 00:00:00'", True),
    "it is younger": ("UPDATE accounts SET created_at = '{six_days_ago}'", False),
    "it is confirmed": ("UPDATE accounts SET verified_at = created_at", False),
    "it is an admin's": ("UPDATE accounts SET role = 'admin'", False),
    "a sign-up of today, whose letter waits": ("sign up", False),
    "a sign-up of today, whose link waits": ("sign up, and get the letter", False),
    "it may be used all the same": ("REQUIRE_VERIFIED_EMAIL", False),
    "all are kept": ("UNVERIFIED_DAYS", False),
}


@pytest.mark.parametrize(("what", "goes"), UNCONFIRMED.values(), ids=UNCONFIRMED)
def test_accounts_go_that_nobody_confirms(
    service: Stage, mailbox: Any, in_database: Any, what: str, goes: bool
) -> None:
    """After a week, if no owner is about to; the address is free again. What was ever confirmed stays."""
    service.app.config["REQUIRE_VERIFIED_EMAIL"] = True
    body = {"email": "mina@example.com", "name": "Mina", "password": PASSWORD}
    expect(service.client.post("/v2/accounts", json=body), 202)
    mailbox.letters()
    in_database("UPDATE accounts SET created_at = ?", days_ago(8))
    in_database("UPDATE one_time_tokens SET expires_at = ?", days_ago(7))
    if what.startswith("UPDATE"):
        in_database(what.format(six_days_ago=days_ago(6)))
    elif what.startswith("sign up"):
        expect(service.client.post("/v2/accounts", json=body), 202)
        if "letter" in what:
            mailbox.letters()
    elif what:
        service.app.config[what] = 0

    assert f"{int(goes)} unconfirmed accounts" in prune(service)

    assert in_database("SELECT count(*) FROM accounts") == [(0 if goes else 1,)]


def begin_sessions(in_database: Any, account_id: str, *ended: int) -> None:
    """Store sessions of an account that were last used forty days ago, and ended that many days ago."""
    for number, days in enumerate(ended):
        in_database(
            "INSERT INTO sessions (id, account_id, created_at, last_used_at, expires_at, generation)"
            " VALUES (?, ?, ?, ?, ?, 0)",
            *(f"s{number}", account_id, days_ago(40), days_ago(40), days_ago(days)),
        )


def test_many_are_deleted_in_batches_by_several_at_once(
    service: Stage, in_database: Any, at_once: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process holds all rows at once, two do not block each other, and each row is counted once."""
    monkeypatch.setattr(service.loaded.package.services.pruning, "BATCH", 10)
    account = service.sign_up()
    begin_sessions(in_database, account.id, *[10] * 45)

    def work(_: int) -> int:
        with service.app.app_context():
            return int(service.loaded.package.services.pruning.prune()["sessions"])

    assert sum(at_once(3, work)) == 45
    assert in_database("SELECT count(*) FROM sessions") == [(1,)]
    expect(account.client.get(ME), 200)


def test_live_traffic_goes_on_beside_two_prunes(
    service: Stage, in_database: Any, at_once: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions are begun, refreshed and ended meanwhile: no request fails, and no session is lost."""
    monkeypatch.setattr(service.loaded.package.services.pruning, "BATCH", 20)
    account = service.sign_up()
    begin_sessions(in_database, account.id, *[-10, 10] * 150)
    app = service.another_process(
        **dict.fromkeys(("ATTEMPTS_PER_ACCOUNT", "ATTEMPTS_PER_ADDRESS", "PASSWORD_SLOTS"), 10000),
    )

    def live() -> list[int]:
        client, said = Client(app), []
        body = {"email": account.email, "password": PASSWORD}
        for _ in range(10):
            grant = expect(client.post("/v2/auth/login", json=body), 200)
            answer = client.post("/v2/auth/refresh", json={"refresh_token": grant["refresh_token"]})
            client.token = expect(answer, 200)["access_token"]
            said += [client.get(ME).status_code, client.post("/v2/auth/logout").status_code]
            said.append(client.get(ME).status_code)
            client.token = None
        return said

    def work(number: int) -> Any:
        if number < 2:
            with app.app_context():
                return service.loaded.package.services.pruning.prune()["sessions"]
        return live()

    one, two, *said = at_once(5, work)

    assert one + two == 300  # expired, or forgotten for longer than a session may be
    assert said == [[200, 204, 401] * 10] * 3
    assert expect(account.client.get(ME), 200)
