"""The examples of the last page: sessions in Redis, and the accounts in Quart beside Flask."""

from __future__ import annotations

import asyncio
import importlib
import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from redis import Redis, RedisError

from course.paths import ROOT
from course.site.transcripts.needs import NEEDS, redis_url

EXAMPLES = ROOT / "docs" / "examples"
MINA = {"email": "mina@example.com", "password": "a long passphrase of mine"}
PHONE, LAPTOP = {"User-Agent": "phone"}, {"User-Agent": "laptop"}


@pytest.fixture(autouse=True)
def examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples can be imported, as they are when one of them is run."""
    monkeypatch.syspath_prepend(EXAMPLES)


# -- sessions in Redis ------------------------------------------------------------------------------


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The application, with keys of its own in a real Redis."""
    if missing := NEEDS["redis"]():
        pytest.skip(missing)
    monkeypatch.setenv("REDIS_URL", redis_url())
    prefix = f"effective-flask:test:{secrets.token_hex(8)}:"
    app = importlib.import_module("redis_sessions_app").create_app(prefix)
    redis = app.extensions["sessions"].redis
    yield app
    if keys := list(redis.scan_iter(f"{prefix}*")):
        redis.delete(*keys)
    redis.close()


@pytest.fixture
def sessions(app: Any) -> Any:
    return app.extensions["sessions"]


def log_in(app: Any, device: dict[str, str]) -> dict[str, str]:
    """Log mina in and return the headers with which that device goes on."""
    answer = app.test_client().post("/login", json=MINA, headers=device)
    assert answer.status_code == 200
    return device | {"Authorization": f"Bearer {answer.json['token']}"}


def status(app: Any, headers: dict[str, str], method: str = "GET", path: str = "/sessions") -> int:
    return app.test_client().open(path, method=method, headers=headers).status_code


def devices(app: Any, headers: dict[str, str]) -> dict[str, bool]:
    """Return the devices that are logged in, and whether each is the one that sent the request."""
    items = app.test_client().get("/sessions", headers=headers).json["items"]
    return {item["device"]: item["current"] for item in items}


def token_of(headers: dict[str, str]) -> str:
    return headers["Authorization"].partition(" ")[2]


def test_a_token_is_good_until_its_session_ends(app: Any) -> None:
    phone, laptop = log_in(app, PHONE), log_in(app, LAPTOP)
    assert devices(app, phone) == {"phone": True, "laptop": False}
    assert status(app, laptop, "DELETE", "/sessions/current") == 204
    assert status(app, laptop) == 401
    assert devices(app, phone) == {"phone": True}


def test_a_device_can_end_the_session_of_another(app: Any) -> None:
    phone, laptop = log_in(app, PHONE), log_in(app, LAPTOP)
    items = app.test_client().get("/sessions", headers=phone).json["items"]
    (lost,) = (item["id"] for item in items if item["device"] == "laptop")
    assert status(app, phone, "DELETE", f"/sessions/{lost}") == 204
    assert status(app, laptop) == 401
    assert status(app, phone, "DELETE", f"/sessions/{lost}") == 404


def test_nobody_ends_the_session_of_another_account(app: Any, sessions: Any) -> None:
    mina = log_in(app, PHONE)
    token = sessions.begin("seojun@example.com", "phone")
    assert status(app, mina, "DELETE", f"/sessions/{sessions.find(token)['id']}") == 404
    assert status(app, mina, "DELETE", "/sessions") == 204
    assert sessions.find(token)["account"] == "seojun@example.com"


def test_all_devices_are_out_at_once(app: Any, sessions: Any) -> None:
    phone, laptop = log_in(app, PHONE), log_in(app, LAPTOP)
    assert status(app, phone, "DELETE", "/sessions") == 204
    assert [status(app, phone), status(app, laptop)] == [401, 401]
    assert list(sessions.redis.scan_iter(f"{sessions.prefix}*")) == []


def test_who_logs_in_while_all_are_thrown_out_is_listed_or_out(
    sessions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that is alive and in no list could never be ended."""
    sessions.begin(MINA["email"], "phone")
    transaction, late = sessions.redis.transaction, []

    def with_a_log_in(end: Any, *watches: str) -> Any:
        def end_and_log_in(pipe: Any) -> None:
            end(pipe)
            if not late:
                late.append(sessions.begin(MINA["email"], "late"))

        return transaction(end_and_log_in, *watches)

    monkeypatch.setattr(sessions.redis, "transaction", with_a_log_in)
    sessions.end_all(MINA["email"])
    alive = sessions.find(late[0]) is not None
    assert alive == ("late" in [session["device"] for session in sessions.of(MINA["email"])])


def test_what_is_ended_during_a_request_stays_ended(sessions: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    token = sessions.begin(MINA["email"], "phone")
    read = sessions.redis.hgetall

    def read_and_end(key: str) -> Any:
        found = read(key)
        sessions.end_all(MINA["email"])
        return found

    with monkeypatch.context() as during:
        during.setattr(sessions.redis, "hgetall", read_and_end)
        sessions.find(token)
    assert sessions.find(token) is None
    assert list(sessions.redis.scan_iter(f"{sessions.prefix}*")) == []


def test_a_session_lives_on_while_it_is_used_but_not_for_ever(sessions: Any) -> None:
    module = importlib.import_module("redis_sessions")
    start = int(time.time())
    sessions.clock = lambda: start
    token = sessions.begin(MINA["email"], "phone")
    key = sessions._key(token)
    assert sessions.redis.expiretime(key) == start + module.IDLE

    sessions.clock = lambda: start + 60
    sessions.find(token)
    assert sessions.redis.expiretime(key) == start + 60 + module.IDLE

    sessions.clock = lambda: start + module.ABSOLUTE - 60
    sessions.find(token)
    assert sessions.redis.expiretime(key) == start + module.ABSOLUTE


def test_a_session_that_expired_leaves_the_list(app: Any, sessions: Any) -> None:
    phone, laptop = log_in(app, PHONE), log_in(app, LAPTOP)
    sessions.redis.expire(sessions._key(token_of(laptop)), 0)
    assert status(app, laptop) == 401
    assert devices(app, phone) == {"phone": True}
    assert sessions.redis.scard(sessions._list(MINA["email"])) == 1


def test_redis_does_not_hold_the_token(app: Any, sessions: Any) -> None:
    token = token_of(log_in(app, PHONE))
    keys = list(sessions.redis.scan_iter(f"{sessions.prefix}*"))
    values = [
        sessions.redis.hgetall(key) if ":session:" in key else sessions.redis.smembers(key) for key in keys
    ]
    assert len(keys) == 2
    assert token not in f"{keys} {values}"


def test_a_browser_gets_a_cookie_that_no_script_reads(app: Any) -> None:
    client = app.test_client()
    answer = client.post("/login", json=MINA | {"cookie": True}, headers=PHONE, base_url="https://localhost")
    assert (answer.status_code, answer.text) == (204, "")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert client.get("/sessions", base_url="https://localhost").json["items"][0]["device"] == "phone"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (MINA | {"password": "wrong"}, 401),
        (MINA | {"email": "nobody@example.com"}, 401),
        ({}, 401),
        ([], 400),
        (None, 400),
    ],
    ids=["a wrong password", "an unknown e-mail", "no fields", "a list", "null"],
)
def test_a_log_in_is_refused(app: Any, body: Any, expected: int) -> None:
    answer = app.test_client().post("/login", data=json.dumps(body), content_type="application/json")
    assert answer.status_code == expected
    assert set(answer.json) == {"error"}


def test_without_redis_nobody_is_known_and_nobody_is_logged_out(app: Any, sessions: Any) -> None:
    phone = log_in(app, PHONE)
    redis, sessions.redis = sessions.redis, Redis.from_url("redis://127.0.0.1:1/0")  # nothing listens there
    with pytest.raises(RedisError):
        sessions.find("any")
    assert status(app, phone) == 503
    sessions.redis = redis
    assert status(app, phone) == 200


# -- the accounts in Quart --------------------------------------------------------------------------


@pytest.fixture
def quart() -> None:
    if missing := NEEDS["quart"]():
        pytest.skip(missing)


def flask_answers(requests: list[tuple[str, str, dict[str, Any]]]) -> list[tuple[int, str, str]]:
    module = importlib.reload(importlib.import_module("accounts_flask"))  # without accounts
    client = module.app.test_client()
    answers = [client.open(path, method=method, **options) for method, path, options in requests]
    return [(a.status_code, a.headers["X-Request-ID"], a.get_data(as_text=True)) for a in answers]


def quart_answers(requests: list[tuple[str, str, dict[str, Any]]]) -> list[tuple[int, str, str]]:
    module = importlib.reload(importlib.import_module("accounts_quart"))
    client = module.app.test_client()

    async def send() -> list[tuple[int, str, str]]:
        answers = [await client.open(path, method=method, **options) for method, path, options in requests]
        return [(a.status_code, a.headers["X-Request-ID"], await a.get_data(as_text=True)) for a in answers]

    return asyncio.run(send())


def test_the_port_answers_as_the_original_does(quart: None) -> None:
    named = {"headers": {"X-Request-ID": "r1"}}
    requests = [
        ("GET", "/accounts", named),
        ("POST", "/accounts", named | {"json": {"name": "김미나"}}),
        ("POST", "/accounts", named | {"json": {"name": 1}}),
        ("POST", "/accounts", named | {"json": []}),
        ("GET", "/accounts/1", named),
        ("GET", "/accounts/2", named),
        ("GET", "/accounts", named),
        ("PUT", "/accounts", named),
    ]
    answers = flask_answers(requests)
    assert [status for status, _, _ in answers] == [200, 201, 400, 400, 200, 404, 200, 405]
    assert {request_id for _, request_id, _ in answers} == {"r1"}
    assert "김미나" in answers[1][2]
    assert quart_answers(requests) == answers


def test_the_port_differs_where_the_body_is_not_said_to_be_json(quart: None) -> None:
    requests = [("POST", "/accounts", {"data": '{"name": "Jane"}'})]
    assert flask_answers(requests)[0][0] == 415
    assert quart_answers(requests)[0][0] == 400  # request.get_json() is None there, as it was in the article


@pytest.mark.parametrize(
    ("framework", "view", "requests", "at_once"),
    [
        ("flask", "ask", 8, 4),
        ("flask", "ask_async", 8, 4),
        ("quart", "ask_async", 8, 8),
        ("quart", "ask_without_await", 3, 1),
        ("flask", "ask_four", 1, 1),
        ("flask", "ask_four_async", 1, 4),
    ],
    ids=[
        "Flask has as many as threads",
        "Flask's async def has no more",
        "Quart has them all",
        "Quart without await has one",
        "one request asks one after another",
        "async def asks all at once",
    ],
)
def test_how_many_wait_at_once(quart: None, framework: str, view: str, requests: int, at_once: int) -> None:
    module = importlib.import_module("async_waiting")
    _, most = getattr(module, framework)(getattr(module, view), requests)
    assert most == at_once


def test_a_forgotten_await_reads_nothing(quart: None) -> None:
    source = (EXAMPLES / "accounts_quart.py").read_text(encoding="utf-8")
    assert "await request.get_json()" in source
    module: dict[str, Any] = {"__name__": "without_await"}
    exec(source.replace("await request.get_json()", "request.get_json()"), module)  # noqa: S102

    async def send() -> int:
        with pytest.warns(RuntimeWarning, match="never awaited"):
            answer = await module["app"].test_client().post("/accounts", json={"name": "Jane"})
        return answer.status_code

    assert asyncio.run(send()) == 400


def test_what_a_view_of_flask_starts_ends_with_it(quart: None) -> None:
    app, tasks = Flask("async_views"), []

    @app.get("/")
    async def view() -> str:
        tasks.append(asyncio.create_task(asyncio.sleep(60)))
        return "an answer"

    assert app.test_client().get("/").text == "an answer"
    assert tasks[0].cancelled()
