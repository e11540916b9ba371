"""Limits that several processes share: counted in Redis, and by each for itself while Redis is down."""

from __future__ import annotations

import importlib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from kit.adapter import Client, Stage, expect
from kit.services import HOW_REDIS, REDIS, Proxy

LOGIN = "/v2/auth/login"
MINA = "mina@example.com"

New = Callable[..., Any]


def shared_limits(service: Stage) -> Any:
    """Return the module, which the service loads if it has a Redis."""
    return importlib.import_module(f"{service.loaded.package.__name__}.decorators.shared_limits")


@pytest.fixture
def server(service: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """Redis, with keys of this test alone."""
    client = redis.Redis.from_url(REDIS, socket_timeout=2)
    try:
        client.ping()
    except redis.RedisError:
        pytest.skip(f"no Redis: {HOW_REDIS}")
    prefix = f"test:{time.time_ns()}:"
    monkeypatch.setattr(shared_limits(service), "PREFIX", prefix)
    client.prefix = prefix  # type: ignore[attr-defined]
    yield client
    for key in client.scan_iter(f"{prefix}*"):
        client.delete(key)
    client.close()


@pytest.fixture
def proxy(server: redis.Redis) -> Iterator[Proxy]:
    """A proxy between the service and Redis."""
    address = server.connection_pool.connection_kwargs
    proxy = Proxy(address["host"], address["port"])
    yield proxy
    proxy.cut()


@pytest.fixture
def new(service: Stage, proxy: Proxy) -> New:
    """Start another process that counts in Redis: five attempts for an account, eight from an address."""
    url = f"redis://127.0.0.1:{proxy.port}/0"

    def start(**settings: Any) -> Any:
        limits = {"ATTEMPTS_PER_ACCOUNT": 5, "ATTEMPTS_PER_ADDRESS": 8, "REDIS_URL": url}
        return service.another_process(**limits | settings)

    return start


def attempt(app: Any, email: str = MINA) -> Any:
    """Try to log in."""
    return Client(app).post(LOGIN, json={"email": email, "password": "a passphrase that is wrong"})


def statuses(app: Any, times: int, email: str = MINA) -> list[int]:
    """Log in ``times`` times and return each status."""
    return [attempt(app, email).status_code for _ in range(times)]


def test_processes_count_together(new: New, clock: Any) -> None:
    """Attempts at one process count in the other, for an account and an address; only time resets them."""
    one, two = new(), new()

    assert statuses(one, 3) == [401] * 3
    assert statuses(two, 3) == [401, 401, 429]
    assert statuses(one, 2) == [429, 429]
    assert statuses(two, 2, email="other@example.com") == [429, 429]  # the eight of this address are used up
    clock.forward(60)
    assert statuses(two, 5) == [401] * 5


def test_what_is_in_redis_names_no_account_and_expires(new: New, server: Any, log: Any) -> None:
    """Hashed names that expire by themselves; another service on the same Redis counts apart."""
    attempt(new())

    keys = list(server.scan_iter(f"{server.prefix}*"))
    assert len(keys) == 3  # the network, the account from here, and from anywhere
    assert not any(b"mina" in key or b"127.0.0.1" in key for key in keys)
    assert all(0 < server.ttl(key) <= 60 for key in keys)
    attempt(new(SECRET_KEY="another secret, of a service beside this"))
    assert len(list(server.scan_iter(f"{server.prefix}*"))) == 6


def test_what_is_forgotten_is_forgotten_for_all(new: New, server: Any, proxy: Proxy, clock: Any) -> None:
    """A new password clears the attempts in Redis, too; while it is away, those of this process."""
    one, two = new(), new()
    for app in (one, two):
        for _ in range(3):
            app.extensions["rate_limits"].hit("somebody", 60)

    one.extensions["rate_limits"].forget("somebody", 60)
    assert one.extensions["rate_limits"].hit("somebody", 60)[0] == 1
    proxy.cut()
    one.extensions["rate_limits"].forget("somebody", 60)
    assert one.extensions["rate_limits"].hit("somebody", 60)[0] == 1


def test_without_redis_each_process_still_counts(new: New, proxy: Proxy, log: Any) -> None:
    """Cut off in the middle: what this process has counted still counts, and further attempts too."""
    one, two = new(), new()
    assert statuses(one, 3) == [401] * 3
    proxy.cut()

    assert statuses(one, 4) == [401, 401, 429, 429]
    assert statuses(two, 6) == [401] * 5 + [429]
    assert log.text.count("Redis does not answer") == 2  # a line for each process, not for each request


def test_without_redis_no_request_is_slow(new: New, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request finds out, with one attempt, and no other tries for a while."""
    slept: list[float] = []
    monkeypatch.setattr("redis.retry.sleep", slept.append)
    app = new(ATTEMPTS_PER_ADDRESS=1000, ATTEMPTS_PER_ACCOUNT=1000)
    attempt(app)
    proxy.cut()
    windows = app.extensions["rate_limits"]
    asked: list[int] = []
    pipeline = windows._redis.pipeline
    windows._redis.pipeline = lambda **options: (asked.append(1), pipeline(**options))[1]

    begun = time.monotonic()
    for _ in range(50):
        windows.hit("somebody", 60)

    assert len(asked) == 1 and slept == []
    assert time.monotonic() - begun < 2


def test_a_redis_that_says_nothing_is_not_waited_for(service: Stage, new: New) -> None:
    """It accepts the connection and is silent: that costs a fifth of a second, once."""

    with socket.create_server(("127.0.0.1", 0)) as silent:
        app = new(REDIS_URL=f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        begun = time.monotonic()
        assert statuses(app, 6) == [401] * 5 + [429]
        assert time.monotonic() - begun < 4


def test_when_redis_is_back_all_count_together_again(
    service: Stage, new: New, proxy: Proxy, server: Any, monkeypatch: pytest.MonkeyPatch, log: Any
) -> None:
    """Without a restart; and though Redis has forgotten, what a process has counted still counts."""
    monkeypatch.setattr(shared_limits(service), "PAUSE", 0)
    one, two = new(), new()
    statuses(one, 2)
    proxy.cut()
    assert statuses(one, 2) == [401] * 2
    for key in server.scan_iter(f"{server.prefix}*"):
        server.delete(key)
    proxy.restore()

    assert statuses(one, 2) == [401, 429]
    assert "Redis answers again" in log.text
    assert statuses(two, 4) == [401] * 3 + [429]  # two of `one` are in Redis since it is back


def test_a_connection_that_was_lost_is_made_again(new: New, proxy: Proxy, log: Any) -> None:
    """Redis was restarted between two requests: neither slow nor counted apart."""
    app = new()
    attempt(app)
    proxy.cut()
    proxy.restore()

    assert statuses(app, 5) == [401] * 4 + [429]
    assert "Redis" not in log.text


@pytest.mark.parametrize("url", ["http://127.0.0.1", "hunter2", "127.0.0.1:6379"])
def test_an_invalid_redis_url_stops_the_start(new: New, url: str) -> None:
    """One line, without the URL: it may have a password in it."""
    with pytest.raises(SystemExit, match="REDIS_URL") as stopped:
        new(REDIS_URL=url)
    assert url not in str(stopped.value.code)


# -- what a client is told ---------------------------------------------------------------------------


def test_answers_say_how_much_is_left(service: Stage, clock: Any) -> None:
    """With the fields of draft-ietf-httpapi-ratelimit-headers-10, on limited endpoints only."""
    app = service.new_app(ATTEMPTS_PER_ADDRESS=3)
    clock.forward(18)

    told = [
        (answer.headers["RateLimit"], answer.headers["RateLimit-Policy"])
        for answer in (attempt(app, f"guess{number}@example.com") for number in range(4))
    ]

    policy = '"client_address";q=3;w=60'
    assert told == [(f'"client_address";r={left};t=42', policy) for left in (2, 1, 0, 0)]
    assert "RateLimit" not in Client(app).get("/health/live").headers


def test_the_count_of_an_account_is_told_only_when_it_is_used_up(service: Stage, clock: Any) -> None:
    """Otherwise an attacker could read from it how often the owner logs in."""
    app = service.new_app(ATTEMPTS_PER_ACCOUNT=2)

    first, _, third = (attempt(app) for _ in range(3))

    assert first.headers.getlist("RateLimit") == ['"client_address";r=59;t=60']
    assert '"account_from_here";r=0;t=60' in third.headers.getlist("RateLimit")
    assert third.headers["Retry-After"] == "60"
    expect(third, 429)
