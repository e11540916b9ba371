"""What admins read: the audit and the list of accounts, page by page. test_life.py has all its rows."""

from __future__ import annotations

import importlib
import time
from typing import Any
from uuid import RFC_4122, UUID

import pytest
from kit.adapter import Stage, expect

AUDIT, ACCOUNTS = "/v2/audit", "/v2/accounts"


def read(service: Stage, path: str) -> list[dict[str, Any]]:
    """Return all items of a list, page after page."""
    items, following = [], path
    while following:
        answer = service.admin.get(following)
        body = expect(answer, 200)
        items += body["items"]
        following = body["next"]
        assert answer.headers.get("Link") == (f'<{following}>; rel="next"' if following else None)
    return items


def test_a_row_says_who_what_when_and_from_where(service: Stage) -> None:
    """All of it, newest first; the id of the request links the row to the log."""
    answer = service.log_in("nobody@example.com", "not this one, certainly")
    account = service.sign_up()

    login, *_, unknown = read(service, f"{AUDIT}?action=login&limit=1")[1:]

    known = {"id", "created_at", "action", "outcome", "account_id", "actor_id", "address", "request_id"}
    assert set(login) == known | {"details"}
    assert (login["account_id"], login["actor_id"], login["outcome"]) == (account.id, account.id, "done")
    assert (login["address"], login["created_at"][-1]) == ("127.0.0.1", "Z")
    assert unknown["request_id"] == answer.headers["X-Request-ID"]
    assert (unknown["account_id"], unknown["actor_id"], unknown["outcome"]) == (None, None, "failed")


def test_what_happens_in_one_millisecond_keeps_its_order(service: Stage) -> None:
    """The audit is read by the order of its ids, and a request leaves several rows at once."""
    columns = importlib.import_module(f"{service.app.import_name}.models.columns")

    ids = [columns.new_id() for _ in range(100)]

    assert ids == sorted(ids)
    assert {(one.version, one.variant) for one in map(UUID, ids)} == {(7, RFC_4122)}


def test_a_clock_that_is_set_back_changes_no_order(
    service: Stage, in_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row comes after the existing ones, though its time is before theirs."""
    account = service.sign_up()
    right = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: right() - 3600 * 10**9)
    expect(account.client.post("/v2/auth/logout"), 204)

    *_, before, last = in_database("SELECT action FROM audit_events ORDER BY id")
    assert (before[0], last[0]) == ("login", "session.end")


def test_an_operator_is_seen_too(service: Stage) -> None:
    """A command has no request and no actor, but what it did is recorded."""
    account = service.sign_up()
    for command in ("disable", "enable"):
        result = service.app.test_cli_runner().invoke(args=["accounts", command, account.email.upper()])
        assert result.exit_code == 0 and f"{account.email} is {command}d" in result.output

    rows = read(service, f"{AUDIT}?account_id={account.id}")

    assert [row["action"] for row in rows] == ["account.enable", "account.disable", "login", "account.create"]
    assert {row[name] for row in rows[:2] for name in ("actor_id", "address", "request_id")} == {None}


def test_a_flood_is_one_row(service: Stage, clock: Any) -> None:
    """The first refused attempt of each window is recorded: a flood fills no table."""
    service.app.config["ATTEMPTS_PER_ACCOUNT"] = 2
    account = service.sign_up()
    for _ in range(2):
        for _ in range(10):
            service.log_in(account.email, "not this one, certainly")
        clock.forward(60)

    rows = read(service, f"{AUDIT}?action=throttle")

    assert [(row["account_id"], row["outcome"]) for row in rows] == [(account.id, "refused")] * 2


def test_the_rows_of_a_deleted_account_stay(service: Stage) -> None:
    """What was done to it can still be read."""
    account = service.sign_up()
    expect(account.client.delete("/v2/accounts/me"), 204)

    actions = [row["action"] for row in read(service, f"{AUDIT}?account_id={account.id}&limit=2")]

    assert actions == ["account.delete", "login", "account.create"]


FILTERS = {
    "all": ("", {"mina", "juno", "sora", "boss"}),
    "an e-mail": ("email=MINA@example.com", {"mina"}),
    "an e-mail of nobody": ("email=nobody@example.com", set()),
    "admins": ("role=admin", {"boss"}),
    "members": ("role=member", {"mina", "juno", "sora"}),
    "active": ("state=active", {"mina", "boss"}),
    "unverified": ("state=unverified", {"juno"}),
    "disabled": ("state=disabled", {"sora"}),
    "two at once": ("role=member&state=active", {"mina"}),
    "two that exclude each other": ("role=admin&state=disabled", set()),
}


@pytest.fixture
def four(service: Stage, in_database: Any) -> Stage:
    """Four accounts: one of each state, and an admin."""
    for name in ("mina", "juno", "sora"):
        service.sign_up(name, f"{name}@example.com")
    in_database("UPDATE accounts SET verified_at = created_at WHERE name <> ?", "juno")
    in_database("UPDATE accounts SET disabled_at = created_at WHERE name = ?", "sora")
    service.create_admin("boss@example.com", "boss")
    service.admin = type(service.client)(service.app, "/v2", service.token("boss@example.com"))
    return service


@pytest.mark.parametrize(("query", "names"), FILTERS.values(), ids=FILTERS)
def test_an_admin_finds_the_accounts_that_are_asked_for(four: Stage, query: str, names: set[str]) -> None:
    """Page by page, and the filter holds on every page."""
    for limit in (1, 100):
        found = [account["name"] for account in read(four, f"{ACCOUNTS}?{query}&limit={limit}")]

        assert sorted(found) == sorted(names)


def test_sessions_are_listed_and_ended_by_a_command(service: Stage, problem: Any) -> None:
    """A line for each device; `--end` logs all of them out."""
    account = service.sign_up()

    def run(*options: str) -> str:
        result = service.app.test_cli_runner().invoke(args=["accounts", "sessions", account.email, *options])
        assert result.exit_code == 0, result.output
        return str(result.output)

    assert run().count("127.0.0.1") == 1
    assert run("--end").strip() == ""
    problem(account.client.get("/v2/accounts/me"), 401)


@pytest.mark.parametrize("command", ["disable", "enable", "sessions"])
def test_a_command_without_an_account_says_so(service: Stage, command: str) -> None:
    """A sentence, not a traceback; and the last admin is not disabled."""
    service.create_admin("boss@example.com", "관리자")
    run = service.app.test_cli_runner().invoke

    result = run(args=["accounts", command, "nobody@example.com"])
    assert result.exit_code == 1 and "Traceback" not in result.output and "no account" in result.output
    last = run(args=["accounts", "disable", "boss@example.com"])
    assert last.exit_code == 1 and "last admin" in last.output
