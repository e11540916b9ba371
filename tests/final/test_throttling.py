"""How often a client may try: what counts, for whom, and that only time resets it."""

from __future__ import annotations

from typing import Any

import pytest
from kit.adapter import PASSWORD, Client, Stage, expect
from sqlalchemy import text

LOGIN, ACCOUNTS = "/v2/auth/login", "/v2/accounts"
MINA, OTHER, NOBODY = "mina@example.com", "other@example.com", "nobody@example.com"
HERE, THERE = "192.0.2.1", "192.0.2.2"
PER_ACCOUNT, PER_ADDRESS, IN_ALL, MAILS = (
    3,
    6,
    8,
    2,
)  # in the tests of this file, so that the tables stay short

Attempt = tuple[str, str, str]


@pytest.fixture
def client(service: Stage, clock: Any) -> Client:
    """A client of a service with two accounts, which signed up from elsewhere; the clock is stopped."""
    limits = {"ATTEMPTS_PER_ACCOUNT": PER_ACCOUNT, "ATTEMPTS_PER_ADDRESS": PER_ADDRESS}
    app = service.new_app(**limits, ATTEMPTS_PER_ACCOUNT_IN_ALL=IN_ALL, MAILS_PER_ACCOUNT=MAILS)
    client = Client(app)
    client._client = app.test_client(use_cookies=False)  # test_devices.py is about devices that are known
    for email in (MINA, OTHER):
        expect(send(client, ("sign up", email, "198.51.100.1")), 202)
    clock.forward(60)
    return client


def send(client: Client, attempt: Attempt) -> Any:
    """Send one attempt: what, with which e-mail, from which address."""
    what, email, address = attempt
    path, password = LOGIN, "not this one, certainly" if what == "wrong" else PASSWORD
    body: dict[str, Any] = {"json": {"email": email, "password": password}}
    if what == "sign up":
        path, body["json"]["name"] = ACCOUNTS, "김미나"
    if what == "malformed":
        body = {"data": "{", "content_type": "application/json"}
    return client.post(path, **body, environ_overrides={"REMOTE_ADDR": address})


def guesses(address: str = HERE, count: int = PER_ADDRESS) -> list[Attempt]:
    """Return attempts at different accounts, from one address."""
    return [("wrong", f"guess{number}@example.com", address) for number in range(count)]


# The attempts sent first, the last attempt, and its status.
COUNTED: dict[str, tuple[list[Attempt], Attempt, int]] = {
    "wrong passwords": ([("wrong", MINA, HERE)] * 3, ("right", MINA, HERE), 429),
    "fewer of them": ([("wrong", MINA, HERE)] * 2, ("right", MINA, HERE), 200),
    "right passwords": ([("right", MINA, HERE)] * 3, ("right", MINA, HERE), 429),
    "a right one resets nothing": (
        [("wrong", MINA, HERE)] * 2 + [("right", MINA, HERE)],
        ("right", MINA, HERE),
        429,
    ),
    "every spelling of an e-mail": (
        [("wrong", email, HERE) for email in ("MINA@example.com", "mina@EXAMPLE.com", " mina@example.com ")],
        ("right", MINA, HERE),
        429,
    ),
    "an account, from one address": ([("wrong", MINA, HERE)] * 3, ("right", MINA, THERE), 200),
    "an account, from many addresses together": (
        [("wrong", MINA, f"192.0.2.{number}") for number in range(IN_ALL)],
        ("right", MINA, "198.51.100.9"),
        429,
    ),
    "an e-mail without an account": ([("wrong", NOBODY, HERE)] * 3, ("wrong", NOBODY, HERE), 429),
    "each account apart": ([("wrong", MINA, HERE)] * 3, ("right", OTHER, HERE), 200),
    "an address, whatever it tries": (guesses(), ("right", MINA, HERE), 429),
    "each address apart": (guesses(), ("right", MINA, THERE), 200),
    "what cannot be read, for its address": (
        [("malformed", "", HERE)] * PER_ADDRESS,
        ("right", MINA, HERE),
        429,
    ),
    "not for the account what its address was refused": (
        guesses() + [("wrong", MINA, HERE)] * 3,
        ("right", MINA, THERE),
        200,
    ),
    "sign-ups of one e-mail": ([("sign up", NOBODY, HERE)] * 2, ("sign up", NOBODY, HERE), 429),
    "sign-ups of one e-mail from elsewhere": (
        [("sign up", NOBODY, HERE)] * 2,
        ("sign up", NOBODY, THERE),
        202,
    ),
    "sign-ups and log-ins apart": ([("sign up", MINA, HERE)] * 2, ("right", MINA, HERE), 200),
    "the addresses of one IPv6 network together": (
        guesses("2001:db8:0:1::1"),
        ("right", MINA, "2001:db8:0:1:ffff:ffff:ffff:ffff"),
        429,
    ),
    "each IPv6 network apart": (guesses("2001:db8:0:1::1"), ("right", MINA, "2001:db8:0:2::1"), 200),
    "IPv4 written as IPv6 like IPv4": (guesses("::ffff:192.0.2.1"), ("right", MINA, "::ffff:192.0.2.2"), 200),
    "a peer without an address": (guesses("unix:/run/accounts"), ("right", MINA, "unix:/run/accounts"), 429),
}


@pytest.mark.parametrize(("before", "last", "status"), COUNTED.values(), ids=COUNTED)
def test_what_counts(client: Client, before: list[Attempt], last: Attempt, status: int) -> None:
    """For each account by its e-mail, and for each address, everything that arrives counts."""
    for attempt in before:
        send(client, attempt)

    expect(send(client, last), status)


FORWARDED = {
    "no header is believed without a proxy": (0, "192.0.2.7", "127.0.0.1"),
    "a proxy names the address it saw": (1, "192.0.2.7", "192.0.2.7"),
    "a client says nothing before it": (1, "203.0.113.66, 192.0.2.7", "192.0.2.7"),
    "two proxies": (2, "203.0.113.66, 192.0.2.7, 10.0.0.1", "192.0.2.7"),
    "a request past the proxy": (1, "", "127.0.0.1"),
    "a proxy that writes the port": (1, "192.0.2.7:1001", "192.0.2.7"),
    "the same with IPv6": (1, "[2001:db8::7]:1001", "2001:db8::7"),
    "brackets alone": (1, "[2001:db8::7]", "2001:db8::7"),
    "a long spelling of IPv6": (1, "2001:0DB8:0:0::7", "2001:db8::7"),
    "no address": (1, "unknown", "127.0.0.1"),
    "half an address": (1, "192.0.2", "127.0.0.1"),
    "a port alone": (1, ":1001", "127.0.0.1"),
    "text that is meant for the log": (1, '192.0.2.7" OR 1', "127.0.0.1"),
}


@pytest.mark.parametrize(("proxies", "header", "address"), FORWARDED.values(), ids=FORWARDED)
def test_an_address_counts_as_our_proxies_saw_it(
    service: Stage, log: Any, proxies: int, header: str, address: str
) -> None:
    """`X-Forwarded-For` is read from its end, as far as there are proxies; the log has the same address."""
    client = Client(service.new_app(PROXIES=proxies, ATTEMPTS_PER_ADDRESS=1))
    headers = {"X-Forwarded-For": header} if header else {}

    expect(client.post(LOGIN, json={}, headers=headers), 400)
    expect(client.post(LOGIN, json={}, headers=headers), 429)

    assert log.text.count(f'"address":"{address}"') == 2


def test_made_up_addresses_do_not_fill_the_memory(service: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are only so many counters; those that came first stay exact, and nobody is without a limit."""
    limits = service.loaded.package.decorators.rate_limits
    monkeypatch.setattr(limits, "MOST", 100)
    monkeypatch.setattr(limits, "SHARED", 10)
    windows = limits.FixedWindows()
    windows.hit("mina", 10**9)

    for number in range(5000):
        windows.hit(f"made up {number}", 10**9)

    assert sum(len(counts) for counts in windows._windows.values()) <= 110
    assert windows.hit("mina", 10**9)[0] == 2
    assert [windows.hit("late", 10**9)[0] for _ in range(11)][-1] >= 11


@pytest.mark.parametrize("before", [[("wrong", MINA, HERE)] * 3, guesses()], ids=["account", "address"])
def test_only_time_resets(client: Client, clock: Any, before: list[Attempt]) -> None:
    """A minute after its window began; refused attempts do not prolong it: no lock lasts."""
    for attempt in before:
        expect(send(client, attempt), 401)
    clock.forward(20)
    refused = [send(client, ("right", MINA, HERE)) for _ in range(20)]

    assert {(answer.status_code, answer.headers["Retry-After"]) for answer in refused} == {(429, "40")}
    clock.forward(39)
    expect(send(client, ("right", MINA, HERE)), 429)
    clock.forward(1)
    expect(send(client, ("right", MINA, HERE)), 200)


def test_a_refusal_costs_nothing_and_tells_nothing(client: Client, problem: Any, hashes: Any) -> None:
    """No password is checked, and an account and an e-mail without one are refused alike."""
    for email in (MINA, NOBODY):
        for _ in range(PER_ACCOUNT):
            send(client, ("wrong", email, HERE))
    hashes.clear()

    known, unknown = (send(client, ("right", email, HERE)) for email in (MINA, NOBODY))

    assert problem(known, 429) | {"instance": ""} == problem(unknown, 429) | {"instance": ""}
    assert hashes == []


def test_the_first_refusal_is_in_the_audit_and_no_other(client: Client) -> None:
    """A flood must not fill it."""
    app = client._client.application
    count = text("SELECT count(*) FROM audit_events WHERE action = 'throttle'")
    rows = []
    for _ in range(PER_ACCOUNT + 3):
        send(client, ("wrong", MINA, HERE))
        with app.app_context():
            rows.append(app.extensions["sqlalchemy"].session.scalar(count))

    assert rows == [0] * PER_ACCOUNT + [1, 1, 1]


def test_counters_of_the_past_are_forgotten(client: Client, clock: Any) -> None:
    """They use the memory of one window only."""
    windows = client._client.application.extensions["rate_limits"]
    for number in range(1000):
        windows.hit(f"address {number}", 60)
    clock.forward(3600)  # the longest of all windows
    windows.hit("address", 60)

    assert sum(len(counts) for counts in windows._windows.values()) == 1


def test_refreshing_is_counted_by_address(service: Stage, clock: Any, problem: Any) -> None:
    """Tokens that are made up count too; from elsewhere, and a minute later, it goes on."""
    app = service.new_app(REFRESHES_PER_ADDRESS=3)
    account = Client(app)
    body = {"email": MINA, "name": "Mina", "password": PASSWORD}
    expect(account.post(ACCOUNTS, json=body), 202)
    token = expect(account.post(LOGIN, json={"email": MINA, "password": PASSWORD}), 200)["refresh_token"]

    def refresh(token: str, address: str = HERE) -> Any:
        where = {"REMOTE_ADDR": address}
        return account.post("/v2/auth/refresh", json={"refresh_token": token}, environ_overrides=where)

    assert [refresh(f"rt_{number}").status_code for number in range(3)] == [401] * 3
    problem(refresh(token), 429)
    expect(refresh(token, THERE), 200)
    clock.forward(60)
    expect(refresh(token), 200)


def test_a_member_who_goes_on_asking_for_what_admins_may_is_one_row(
    service: Stage, clock: Any, in_database: Any
) -> None:
    """One for each minute and each list: a loop fills no table."""
    member = service.sign_up().client
    for _ in range(2):
        for path in (ACCOUNTS, "/v2/audit") * 5:
            expect(member.get(path), 403)
        clock.forward(60)

    rows = in_database("SELECT details FROM audit_events WHERE action = 'access' AND outcome = 'refused'")
    assert len(rows) == 4 and str(rows).count("v2.audit") == 2
