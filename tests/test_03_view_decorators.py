"""Practice 3, view decorators: what goes around a view is written once and stacked where it is needed."""

from __future__ import annotations

import gc
import gzip
import re
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from types import FrameType
from typing import Any

import pytest
from flask import Flask, request
from flask.views import MethodView
from kit import stored
from kit.adapter import PASSWORD, Client, Stage, expect
from kit.clients import expect_header, expect_object, expect_status, require
from kit.superseded import superseded
from werkzeug.test import create_environ

BEARER = "WWW-Authenticate: Bearer"
ROLES = "a token carries its session, and final has a command that changes roles"
NOT_KEPT = "the list is no longer cached, because one worker does not see the changes of another"

Decorator = Callable[[Callable], Callable]

# -- the decorators by themselves: on a function, on a method, on a whole view --------------------


IN_THE_URL = {"account_id": 7}  # which a decorator has to pass on


def on_a_function(app: Flask, decorate: Decorator, answer: Callable) -> None:
    def probe(**given: Any) -> Any:
        return answer(**given)

    app.add_url_rule("/probe", view_func=decorate(probe), methods=["GET", "POST"], defaults=IN_THE_URL)


def on_a_method(app: Flask, decorate: Decorator, answer: Callable) -> None:
    class Probe(MethodView):
        @decorate
        def get(self, **given: Any) -> Any:
            return answer(**given)

        @decorate
        def post(self, **given: Any) -> Any:
            return answer(**given)

    app.add_url_rule("/probe", view_func=Probe.as_view("probe"), defaults=IN_THE_URL)


def on_a_whole_view(app: Flask, decorate: Decorator, answer: Callable) -> None:
    class Probe(MethodView):
        decorators = [decorate]

        def get(self, **given: Any) -> Any:
            return answer(**given)

        def post(self, **given: Any) -> Any:
            return answer(**given)

    app.add_url_rule("/probe", view_func=Probe.as_view("probe"), defaults=IN_THE_URL)


everywhere = pytest.mark.parametrize(
    "place", [on_a_function, on_a_method, on_a_whole_view], ids=["function", "method", "whole view"]
)


class Probe:
    """A view of the test's own behind one decorator; it counts how often it is reached."""

    def __init__(self, stage: Stage, place: Callable, decorate: Decorator, answer: Any = "reached") -> None:
        self.calls: list[dict[str, Any]] = []
        self.stage = stage

        def view(**given: Any) -> Any:
            assert IN_THE_URL.items() <= given.items(), (
                "expected the decorator to pass on the values from the URL"
            )
            self.calls.append({name: value for name, value in given.items() if name not in IN_THE_URL})
            return answer

        place(stage.app, decorate, view)
        self.client = Client(stage.app)

    def open(self, method: str = "GET", token: str | None = None, **options: Any) -> Any:
        headers = options.pop("headers", {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        return self.client._client.open("/probe", method=method, headers=headers, **options)


PROBE = create_environ("/probe")


def ask(stage: Stage, view: Callable, query: str = "", address: str = "127.0.0.1") -> Any:
    """Send a request straight to ``view``, for a test that sends a thousand of them."""
    with stage.app.request_context(PROBE | {"QUERY_STRING": query, "REMOTE_ADDR": address}):
        return view()


@everywhere
def test_json_required_lets_only_objects_through(stage: Stage, place: Callable) -> None:
    """`json_required` refuses other types of content with 415, and JSON that isn't an object with 400."""
    probe = Probe(stage, place, stage.decorators.json_required)

    statuses = [
        probe.open("POST", data="name=x", content_type="application/x-www-form-urlencoded").status_code,
        probe.open("POST").status_code,
        probe.open("POST", data="{", content_type="application/json").status_code,
        probe.open("POST", json=[1]).status_code,
        probe.open("POST", data="null", content_type="application/json").status_code,
    ]

    assert statuses == [415, 415, 400, 400, 400]
    assert probe.calls == []
    assert probe.open("POST", json={}).status_code == 200
    assert probe.open("POST", data="{}", content_type="application/json; charset=utf-8").status_code == 200


@everywhere
def test_validated_hands_over_what_was_checked(stage: Stage, place: Callable) -> None:
    """`validated(field=rule)` gives the view a dict `data`, or answers 400 if a rule returns a text."""

    def even(value: object) -> str | None:
        return None if isinstance(value, int) and value % 2 == 0 else "must be even"

    probe = Probe(stage, place, stage.decorators.validated(one=even, two=even))

    assert probe.open("POST", json={"one": 1, "two": 2}).status_code == 400
    assert probe.open("POST", json={"two": 2}).status_code == 400
    assert probe.calls == []
    assert probe.open("POST", json={"one": 2, "two": 4}).status_code == 200
    probe.open("POST", json={"one": 2, "two": 4, "role": "admin"})
    assert {"data": {"one": 2, "two": 4}} in probe.calls
    passed_on = any("role" in call["data"] for call in probe.calls)  # to refuse it is as good
    assert not passed_on, "expected only the checked fields to reach the view"


@everywhere
def test_token_required_asks_for_a_token(stage: Stage, place: Callable) -> None:
    """`token_required` refuses a request without a token with 401 and `WWW-Authenticate: Bearer`."""
    probe = Probe(stage, place, stage.decorators.token_required)
    token = stage.sign_up().client.token

    refused = probe.open()

    expect_status(refused, 401)
    require(refused, expect_header(refused, "WWW-Authenticate").lower().startswith("bearer"), BEARER)
    assert probe.calls == []
    assert probe.open(token=token).status_code == 200


@everywhere
def test_role_required_asks_for_a_role(stage: Stage, place: Callable) -> None:
    """`role_required("admin")` refuses an account of another role with 403."""
    needed = stage.decorators.role_required("admin")
    probe = Probe(stage, place, lambda view: stage.decorators.token_required(needed(view)))

    assert probe.open(token=stage.sign_up().client.token).status_code == 403
    assert probe.calls == []
    assert probe.open(token=stage.admin.token).status_code == 200


def wait_of(answer: Any) -> int:
    """Return how many seconds a response asks to wait, which HTTP lets it say as a number or as a date."""
    said = expect_header(answer, "Retry-After")
    if said.isdecimal():
        return int(said)
    until = parsedate_to_datetime(said)
    return round((until - datetime.now(until.tzinfo)).total_seconds())


@everywhere
def test_rate_limited_counts(stage: Stage, place: Callable, clock: Any) -> None:
    """`rate_limited(2, seconds=60)` refuses a third request with 429, says how long to wait, and reopens."""
    probe = Probe(stage, place, stage.decorators.rate_limited(2, seconds=60))
    clock.forward(15)

    answers = [probe.open() for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    wait = wait_of(answers[-1])
    assert 1 <= wait <= 60, f"expected up to 60 seconds to wait, got {wait}"
    clock.forward(wait // 2)
    assert probe.open().status_code == 429
    clock.forward(wait_of(probe.open()) + 0.1)
    assert probe.open().status_code == 200


def test_rate_limited_counts_each_client_apart(stage: Stage, clock: Any) -> None:
    """The requests of one client do not count against another, and no header makes it another client."""
    probe = Probe(stage, on_a_function, stage.decorators.rate_limited(1, seconds=60))

    statuses = [
        probe.open(environ_overrides={"REMOTE_ADDR": address}).status_code
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2")
    ]
    for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "User-Agent"):
        value = "for=198.51.100.7" if header == "Forwarded" else "198.51.100.7"
        forged = probe.open(environ_overrides={"REMOTE_ADDR": "192.0.2.1"}, headers={header: value})
        assert forged.status_code == 429, f"expected {header} not to be believed: any client can send it"

    assert statuses == [200, 429, 200]


def test_counters_are_forgotten_after_their_window(stage: Stage, clock: Any) -> None:
    """The counters of hundreds of clients do not stay in memory when the next window begins."""
    limited = stage.decorators.rate_limited(1, seconds=60)(lambda: "reached")

    def from_clients(numbers: range) -> int:
        """Send a request from each of these clients, and return the bytes that are in use."""
        for number in numbers:
            ask(stage, limited, address=f"192.0.{number // 250}.{number % 250}")
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    gc.freeze()  # of what is here already nothing is garbage, and to look through it takes long
    tracemalloc.start()
    try:
        begun = from_clients(range(20))
        kept = from_clients(range(20, 320)) - begun
        clock.forward(61)
        left = from_clients(range(20)) - begun
    finally:
        tracemalloc.stop()
        gc.unfreeze()

    assert left < max(kept, 40_000) / 4, f"expected few of {kept} bytes, but {left} are still in use"


def test_two_applications_count_apart(stage: Stage, clock: Any) -> None:
    """Counters belong to an application: in another one, the same view begins at zero."""
    limited = stage.decorators.rate_limited(1, seconds=60)(lambda: "reached")
    statuses = []
    for app in (stage.app, stage.new_app()):
        app.add_url_rule("/probe", "probe", limited)
        statuses.append(app.test_client().get("/probe").status_code)

    assert statuses == [200, 200]


@pytest.mark.threads
def test_rate_limited_counts_right_under_threads(stage: Stage, clock: Any) -> None:
    """Of 200 requests in eight threads exactly the 50 that are allowed get through."""
    reached: list[int] = []

    @stage.decorators.rate_limited(50, seconds=60)
    def view() -> str:
        reached.append(1)
        return "reached"

    def send(_: int) -> None:
        with suppress(Exception):  # from chapter 4 on it refuses by an exception
            ask(stage, view)

    send(0)
    with taking_turns(stage, "line"), ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(199)))

    assert len(reached) == 50, f"expected 50 of 200 requests to get through, and {len(reached)} did"


@contextmanager
def taking_turns(stage: Stage, step: str) -> Iterator[None]:
    """Let threads that begin now change over after each step of the stage's code.

    Args:
        step: a "line" or an "opcode", of which a line has several.
    """
    folder = str(stage.loaded.folder)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(folder):
            return None
        frame.f_trace_opcodes = step == "opcode"
        if event == step:
            time.sleep(1e-6)  # long enough for another thread to go on
        return trace

    before = threading.gettrace()
    threading.settrace(trace)
    try:
        yield
    finally:
        threading.settrace(before)


@everywhere
def test_cached_asks_the_view_once(stage: Stage, place: Callable, clock: Any) -> None:
    """`cached(seconds=60)` answers a second request itself, until the time is up."""
    text = ("한글", {"Content-Type": "text/plain; charset=utf-8"})
    probe = Probe(stage, place, stage.decorators.cached(seconds=60), answer=text)

    first = probe.open()
    clock.forward(59)
    second = probe.open()

    assert len(probe.calls) == 1
    assert first.data == second.data == "한글".encode()
    assert first.content_type == second.content_type == text[1]["Content-Type"]
    head = probe.open("HEAD")
    assert (head.status_code, head.data, head.content_type) == (200, b"", first.content_type)
    assert probe.open().data == first.data
    asked = len(probe.calls)  # HEAD may have been one more
    clock.forward(2)
    probe.open()
    assert len(probe.calls) == asked + 1


def test_cached_forgets_what_came_first(stage: Stage, clock: Any) -> None:
    """The cache holds a thousand responses at most: the oldest makes room, so no client fills the memory."""
    made: list[str] = []

    def view() -> str:
        made.append(request.args["number"])
        return "answer"

    cached = stage.decorators.cached(seconds=60)(view)
    for number in (*range(1100), 1099, 0):
        ask(stage, cached, query=f"number={number}")

    assert made[1099:] == ["1099", "0"], "expected the last response to be cached, and the first to be gone"


@pytest.mark.threads
def test_cached_is_right_under_threads(stage: Stage, clock: Any) -> None:
    """When the cache is full, eight threads that need room at the same time all get their responses."""
    cached = stage.decorators.cached(seconds=60)(lambda: request.args["number"])
    for number in range(1100):
        ask(stage, cached, query=f"number={number}")

    with taking_turns(stage, "opcode"), ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda number: ask(stage, cached, query=f"number={number}").data, range(2000, 2040))
        )

    assert answers == [str(number).encode() for number in range(2000, 2040)]


@superseded("final", NOT_KEPT, by="final/test_accounts.py::test_the_list_is_compressed_and_not_kept")
def test_cached_does_not_keep_what_changed_meanwhile(stage: Stage, clock: Any) -> None:
    """A response that was begun before a change and is finished after it is not cached."""
    names: list[str] = []

    def slow() -> str:
        seen = names[-1]
        if seen == "김미나":  # while this view runs, another client renames the account
            expect(account.client.patch(account.path, json={"name": "김민아"}), 200)
            names.append("김민아")
        return seen

    stage.app.add_url_rule("/probe", "probe", stage.decorators.cached(seconds=60)(slow))
    account = stage.sign_up(name="김미나")
    names.append("김미나")
    client = stage.app.test_client()

    assert client.get("/probe").text == "김미나"
    assert client.get("/probe").text == "김민아"


def test_cached_keeps_queries_and_accounts_apart(stage: Stage, clock: Any) -> None:
    """Each URL, each query and each account has a cached response of its own."""
    decorators = stage.decorators
    cached = decorators.cached(seconds=60)
    numbers = cached(lambda number: f"number {number}")
    stage.app.add_url_rule("/numbers/<int:number>", "numbers", numbers)
    probe = Probe(stage, on_a_function, lambda view: decorators.token_required(cached(view)))
    one, other = stage.sign_up().client.token, stage.sign_up().client.token

    for query in ({"page": 1}, {"page": 2}):
        for token in (one, other):
            probe.open(token=token, query_string=query)

    assert len(probe.calls) == 4
    for number in (1, 2, 1):
        assert stage.app.test_client().get(f"/numbers/{number}").text == f"number {number}"


def test_cached_keeps_no_change_and_no_error(stage: Stage, clock: Any) -> None:
    """A POST always reaches the view, and so does a GET whose last response was not 200."""
    cached = stage.decorators.cached(seconds=60)
    stage.app.add_url_rule("/failing", "failing", cached(lambda: ("no", 404)))
    probe = Probe(stage, on_a_function, cached)

    for _ in range(2):
        probe.open("POST")

    assert len(probe.calls) == 2
    assert [stage.app.test_client().get("/failing").status_code for _ in range(2)] == [404, 404]


LONG = "한글 이름 " * 200


@everywhere
def test_compressed_sends_gzip_to_who_reads_it(stage: Stage, place: Callable) -> None:
    """`compressed` sends gzip to a client that accepts it, and says that the response depends on that."""
    probe = Probe(stage, place, stage.decorators.compressed, answer=LONG)

    answer = probe.open(headers={"Accept-Encoding": "gzip, br"})

    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data).decode() == LONG
    assert "Accept-Encoding" in answer.vary
    assert int(answer.headers["Content-Length"]) == len(answer.data) < len(LONG.encode())


@pytest.mark.parametrize("accepted", [None, "", "br", "gzip;q=0", "identity"])
def test_compressed_leaves_others_alone(stage: Stage, accepted: str | None) -> None:
    """A client that did not ask for gzip gets plain text, and a header tells caches why."""
    probe = Probe(stage, on_a_function, stage.decorators.compressed, answer=LONG)

    answer = probe.open(headers={} if accepted is None else {"Accept-Encoding": accepted})

    assert "Content-Encoding" not in answer.headers
    assert answer.text == LONG
    assert "Accept-Encoding" in answer.vary


@pytest.mark.parametrize(
    "make",
    [
        lambda d: d.json_required,
        lambda d: d.validated(name=str),
        lambda d: d.token_required,
        lambda d: d.role_required("admin"),
        lambda d: d.rate_limited(1, seconds=60),
        lambda d: d.cached(seconds=60),
        lambda d: d.compressed,
    ],
    ids=[
        "json_required",
        "validated",
        "token_required",
        "role_required",
        "rate_limited",
        "cached",
        "compressed",
    ],
)
def test_a_decorated_view_keeps_its_name(stage: Stage, make: Callable) -> None:
    """A decorated view keeps its name and its docstring, so that Flask can name its endpoint."""

    def view() -> str:
        """What it does."""
        return ""

    decorated = make(stage.decorators)(view)

    assert (decorated.__name__, decorated.__doc__) == ("view", "What it does.")


# -- the service: who may do what ---------------------------------------------------------------

BAD_TOKENS = {
    "none": None,
    "empty": "Bearer ",
    "another scheme": "Basic bWluYTpwYXNz",
    "no scheme": "abc",
    "garbage": "Bearer abc.def.ghi",
    "two tokens": "Bearer a b",
    "bytes": "Bearer \xff\xfe",
    "unsigned": "Bearer eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiIxIiwiZXhwIjo5OTk5OTk5OTk5fQ.",
    "another key": "Bearer "
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJmcmVzaCI6ZmFsc2UsImlhdCI6MTc2MzcwMDAwMCwianRpIjoiYSIsInR5cGUiOi"
    "JhY2Nlc3MiLCJzdWIiOiIxIiwibmJmIjoxNzYzNzAwMDAwLCJleHAiOjk5OTk5OTk5OTl9.Zm9yZ2VkLWZvcmdlZC1mb3JnZWQtZm8",
}


@pytest.mark.parametrize("header", BAD_TOKENS.values(), ids=BAD_TOKENS)
def test_a_bad_token_is_401(stage: Stage, version: str, header: str | None) -> None:
    """Whatever is wrong with the token, the response is 401 and says how to log in."""
    account = stage.sign_up()
    headers = {} if header is None else {"Authorization": header}
    requests = [
        ("GET", "/accounts"),
        ("GET", account.path),
        ("PATCH", account.path),
        ("DELETE", account.path),
    ]

    for method, path in requests:
        answer = stage.client.open(method, path, headers=headers, json={"name": "이서준"})
        expect(answer, 401)
        require(answer, expect_header(answer, "WWW-Authenticate").lower().startswith("bearer"), BEARER)
    assert expect_object(account.client.get(account.path), 200)["name"] == account.name


def test_an_expired_token_is_401(stage: Stage, clock: Any) -> None:
    """An expired token opens nothing."""
    account = stage.sign_up()
    answer = stage.log_in(account.email)
    body = expect_object(answer, 200)
    account.client.token = body["access_token"]
    expect(account.client.get("/v2/accounts/me"), 200)

    clock.forward(body["expires_in"] + 60)

    expect(account.client.get("/v2/accounts/me"), 401)


def test_the_token_of_a_deleted_account_is_401(stage: Stage) -> None:
    """A token dies with its account."""
    account = stage.sign_up()
    expect(account.client.delete(account.path), 204)

    expect(account.client.get("/v2/accounts/me"), 401)


def test_the_list_is_for_admins(stage: Stage, version: str) -> None:
    """`GET /accounts` is 401 without a token, 403 for a member, 200 for an admin."""
    account = stage.sign_up()

    expect(stage.client.get("/accounts"), 401)
    expect(account.client.get("/accounts"), 403)
    expect(stage.admin.get("/accounts"), 200)


def test_the_account_of_another_is_not_there(stage: Stage, version: str) -> None:
    """For anyone but its owner and an admin, an account is 404, exactly like one that does not exist."""
    mine, yours = stage.sign_up(), stage.sign_up(name="이서준")

    refused = [
        mine.client.get(yours.path),
        mine.client.patch(yours.path, json={"name": "김미나"}),
        mine.client.delete(yours.path),
    ]

    for answer in refused:
        expect(answer, 404)
    assert expect_object(yours.client.get(yours.path), 200)["name"] == "이서준"

    gone = stage.sign_up()
    expect(gone.client.delete(gone.path), 204)
    unknown = [
        mine.client.get(gone.path),
        mine.client.patch(gone.path, json={"name": "김미나"}),
        mine.client.delete(gone.path),
    ]
    for answer, same in zip(refused, unknown, strict=True):
        assert _without_instance(answer) == _without_instance(same), "expected the same response for both"
    for body in ("{", "{}"):
        statuses = [
            mine.client.patch(path, data=body, content_type="application/json").status_code
            for path in (yours.path, gone.path)
        ]
        assert statuses[0] == statuses[1], "expected the same status for both"


def _without_instance(answer: Any) -> dict[str, Any]:
    """Return the body without the id of the request, which differs in every response."""
    body = expect_object(answer, 404)
    require(answer, body.get("error") or body.get("detail"), "what is wrong")
    return {name: value for name, value in body.items() if name != "instance"}


@superseded("final", ROLES, by="final/test_tokens.py::test_a_lost_role_counts_at_once")
def test_a_role_is_the_one_that_is_stored(stage: Stage, version: str) -> None:
    """An admin who is made a member loses the rights at once, whatever token they have."""
    _, member = stored.marks_of_an_admin(stage)
    email = "boss@example.com"
    assert stage.create_admin(email, "관리자").exit_code == 0
    client = Client(stage.app, stage.prefix, stage.token(email))
    expect(client.get("/accounts"), 200)

    stored.change(stage.app, email, member)

    expect(client.get("/accounts"), 403)


def test_an_admin_may_do_everything(stage: Stage, version: str) -> None:
    """An admin reads, changes and deletes any account."""
    account = stage.sign_up()

    expect(stage.admin.get(account.path), 200)
    assert expect(stage.admin.patch(account.path, json={"name": "이서준"}), 200)["name"] == "이서준"
    expect(stage.admin.delete(account.path), 204)
    expect(stage.admin.get(account.path), 404)


def test_me_is_who_asks(stage: Stage) -> None:
    """`/v2/accounts/me` is the account of the token: the owner can read, change and delete it."""
    mine, yours = stage.sign_up(), stage.sign_up()

    assert expect_object(mine.client.get("/v2/accounts/me"), 200)["id"] == mine.id
    assert expect_object(yours.client.get("/v2/accounts/me"), 200)["id"] == yours.id
    assert expect(mine.client.patch("/v2/accounts/me", json={"name": "김민아"}), 200)["name"] == "김민아"
    assert expect_object(yours.client.get("/v2/accounts/me"), 200)["name"] == yours.name
    expect(mine.client.delete("/v2/accounts/me"), 204)
    expect(stage.admin.get(mine.path), 404)
    expect(stage.client.get("/v2/accounts/me"), 401)


@pytest.mark.threads
def test_two_clients_at_once_are_themselves(stage: Stage) -> None:
    """Of two clients that ask at the same moment, each gets its own account."""
    clients = [stage.sign_up(name="김미나"), stage.sign_up(name="이서준")]

    def ask_who(number: int) -> tuple[Any, Any]:
        asking = clients[number % 2]
        own = Client(stage.app, stage.prefix, asking.client.token)
        return asking.id, expect_object(own.get("/v2/accounts/me"), 200)["id"]

    with taking_turns(stage, "line"), ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask_who, range(20)))

    assert all(asked == got for asked, got in answers), "expected each client to get its own account"


# -- the service: order ---------------------------------------------------------------------------


def test_who_asks_is_settled_before_what_is_asked(stage: Stage, version: str) -> None:
    """Without a token a malformed body is 401, not 400, and reveals nothing about the API."""
    account = stage.sign_up()

    expect(stage.client.patch(account.path, data="{", content_type="application/json"), 401)


def test_a_kept_answer_is_not_shown_to_others(stage: Stage, version: str) -> None:
    """The list that an admin just saw is not shown to a member, or to a client that isn't logged in."""
    member = stage.sign_up()
    expect(stage.admin.get("/accounts"), 200)

    expect(member.client.get("/accounts"), 403)
    expect(stage.client.get("/accounts"), 401)


def test_the_list_is_never_out_of_date(stage: Stage, version: str) -> None:
    """After an account is created, renamed or deleted, the next list shows it, cached or not."""

    def names() -> list[str]:
        return [account["name"] for account in stage.list_accounts()]

    assert names() == []
    account = stage.sign_up(name="김미나")
    assert names() == ["김미나"]
    expect(account.client.patch(account.path, json={"name": "김민아"}), 200)
    assert names() == ["김민아"]
    expect(account.client.delete(account.path), 204)
    assert names() == []


@superseded("final", NOT_KEPT, by="final/test_accounts.py::test_the_list_is_compressed_and_not_kept")
def test_the_list_is_kept_for_half_a_minute(stage: Stage, version: str, clock: Any) -> None:
    """The list is made once in 30 seconds, and `Cache-Status` marks a cached response."""
    answers = [stage.admin.get("/accounts")]
    for seconds in (29, 2):
        clock.forward(seconds)
        answers.append(stage.admin.get("/accounts"))

    assert ["hit" in answer.headers.get("Cache-Status", "") for answer in answers] == [False, True, False]
    assert len({(answer.data, answer.content_type) for answer in answers}) == 1


def test_the_list_is_compressed_for_who_reads_gzip(stage: Stage, version: str) -> None:
    """The list, which can be long, is sent compressed, cached or not, and reads the same."""
    for number in range(10):  # long enough for a service that leaves short responses as they are
        stage.sign_up(name=f"김미나 {number} " * 10)
    plain = stage.admin.get("/accounts")

    for _ in range(2):
        answer = stage.admin.get("/accounts", headers={"Accept-Encoding": "gzip"})
        assert expect_header(answer, "Content-Encoding") == "gzip"
        assert gzip.decompress(answer.data) == plain.data
    assert stage.admin.get("/accounts").data == plain.data


# -- the service: what may be sent ---------------------------------------------------------------


def test_all_faults_are_told_at_once(stage: Stage, version: str) -> None:
    """The response to a body with three wrong fields names all three, not just the first."""
    answer = stage.client.post("/accounts", json={"email": "mina", "name": " ", "password": "hunter2"})

    expect(answer, 400)
    named = set(re.findall(r"\b(?:email|name|password)\b", answer.text))
    assert named == {"email", "name", "password"}, f"expected all three, got {answer.text}"


def test_what_was_sent_is_not_repeated(stage: Stage, version: str) -> None:
    """A response that refuses a password does not repeat it."""
    answer = stage.client.post(
        "/accounts", json={"email": "hunter1", "name": "김미나", "password": "hunter2"}
    )

    expect(answer, 400)
    assert "hunter" not in answer.text


@pytest.mark.parametrize("email", ["@", "mina@", "@example.com", "a@b@c", "mi\nna@example.com"])
def test_an_email_has_a_format(stage: Stage, email: str) -> None:
    """An e-mail address is two parts with one @ between them."""
    answer = stage.client.post("/accounts", json={"email": email, "name": "김미나", "password": PASSWORD})

    expect(answer, 400)
    assert "email" in answer.text, "expected the response to name the field"


@pytest.mark.parametrize("path", ["/accounts", "/v2/auth/login"])
def test_a_form_is_415(stage: Stage, version: str, path: str) -> None:
    """A body that isn't JSON is 415, where the article said 401."""
    answer = stage.client.post(
        path, data={"email": "mina@example.com", "name": "김미나", "password": PASSWORD}
    )

    expect_status(answer, 415)


# -- the service: how often ----------------------------------------------------------------------


def try_to_log_in(stage: Stage, email: str, address: str = "192.0.2.1") -> Any:
    """Send one wrong log-in from ``address``."""
    body = {"email": email, "password": "not this one, certainly"}
    return stage.client.post("/v2/auth/login", json=body, environ_overrides={"REMOTE_ADDR": address})


def until_refused(attempt: Callable[[int], Any], allowed: int) -> None:
    """Repeat ``attempt`` from the beginning of a minute until it is answered 429."""
    for number in range(200):
        answer = attempt(number)
        if answer.status_code == 429:
            assert number == allowed, f"expected {allowed} attempts a minute to be allowed, but {number} were"
            assert 1 <= wait_of(answer) <= 60, "expected up to a minute to wait"
            return
    raise AssertionError(f"expected 429 after {allowed} attempts, but 200 were allowed")


def test_guessing_at_one_account_is_slowed(stage: Stage, clock: Any) -> None:
    """After ten wrong passwords in a minute an account cannot be tried for a while, from any address."""
    victim, other = stage.sign_up(), stage.sign_up()
    clock.forward(60)

    until_refused(lambda number: try_to_log_in(stage, victim.email, f"192.0.2.{number}"), allowed=10)

    expect(stage.log_in(other.email), 200)
    clock.forward(61)
    expect(stage.log_in(victim.email), 200)


def test_signing_up_from_one_address_is_slowed(stage: Stage, version: str, clock: Any) -> None:
    """A client that tries to create more than 60 accounts in a minute is stopped."""

    def sign_up(number: int) -> Any:
        new = {"email": f"many{number}@example.com", "name": "김미나", "password": PASSWORD}
        return stage.client.post("/accounts", json=new)

    until_refused(sign_up, allowed=60)


def test_guessing_from_one_address_is_slowed(stage: Stage, clock: Any) -> None:
    """A client that tries to log in more than 60 times in a minute is stopped, but other clients are not."""
    account = stage.sign_up()

    until_refused(lambda number: try_to_log_in(stage, f"guess{number}@example.com"), allowed=60)

    expect(stage.log_in(account.email), 200)
