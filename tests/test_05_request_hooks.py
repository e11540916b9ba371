"""Practice 5, request hooks: what every request needs happens around it, whatever its view."""

from __future__ import annotations

import gzip
import logging
import os
import re
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import parsedate_to_datetime
from threading import Barrier
from typing import Any

import pytest
from flask import Response
from kit.adapter import FINAL, PASSWORD, Client, Stage, expect
from kit.answers import durations, has_token, links, seconds_to_wait
from kit.output import Output, output_of
from kit.superseded import superseded
from sqlalchemy import event
from sqlalchemy.orm import Session

RETIRED = "version 1 is retired: it answers 410 and points to version 2"
GONE = "final/test_v1.py::test_version_1_is_gone"

REQUESTS = {
    "an answer": ("GET", "/v2/accounts/me"),
    "an answer of version 1": ("GET", "/v1/accounts"),
    "a refusal": ("GET", "/v2/accounts"),
    "an unknown URL": ("GET", "/v2/nowhere"),
    "a URL outside every version": ("GET", "/nowhere"),
    "a missing method": ("PUT", "/v2/accounts"),
    "HEAD": ("HEAD", "/v2/accounts/me"),
    "OPTIONS": ("OPTIONS", "/v2/accounts/me"),
    "a crash": ("GET", "/v2/accounts?crash"),
}

every_answer = pytest.mark.parametrize(("method", "url"), REQUESTS.values(), ids=REQUESTS)


def ask(stage: Stage, method: str, url: str) -> Any:
    """Send one of `REQUESTS`, except the crash as somebody who is logged in."""
    if (method, url) == REQUESTS["a crash"]:
        stage.replace_view("/v2/accounts", boom)
        return stage.client.open(method, url)
    return stage.sign_up().client.open(method, url)


NAP = 20  # milliseconds


def nap() -> str:
    time.sleep(NAP / 1000)
    return "rested"


def boom() -> str:
    raise ZeroDivisionError


# -- the id of a request --------------------------------------------------------------------------


@every_answer
def test_every_answer_has_a_request_id(stage: Stage, method: str, url: str) -> None:
    """Every response, errors included, has an id of its own for its request in `X-Request-ID`."""
    ids = [ask(stage, method, url).headers.get("X-Request-ID", "") for _ in range(2)]

    assert all(ids), f"{method} {url}: expected the header X-Request-ID, but it is not there"
    assert ids[0] != ids[1], f"{method} {url}: expected another id for another request"


@pytest.mark.threads
def test_requests_at_the_same_time_keep_their_ids(stage: Stage) -> None:
    """Two requests at the same moment, in two threads, are not mixed up: each response has its own id."""
    both = Barrier(2, timeout=10)

    def meet() -> str:
        both.wait()
        return "met"

    stage.app.add_url_rule("/v2/meet", "meet", meet)
    given = ["first-12345678", "second-12345678"]

    with output_of(stage) as output, ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: _ask_as(stage, one), given))

    assert [answer.headers.get("X-Request-ID") for answer in answers] == given
    logged = {str(line.get("request_id")) for line in output.requests()}
    assert not logged or logged == set(given), "expected a line of the log for each of the two ids"


def _ask_as(stage: Stage, given: str) -> Any:
    return stage.app.test_client().get("/v2/meet", headers={"X-Request-ID": given})


@pytest.mark.parametrize(
    "given", ["12345678", "req-1.2_345", "A" * 64, "8f14e45f-ceea-467f-a7f1-2b6f3a1c9d10"]
)
def test_a_well_formed_id_is_kept(stage: Stage, given: str) -> None:
    """An id of 8 to 64 letters, digits, `.`, `_` and `-` is kept: a proxy in front may have chosen it."""
    answer = stage.client.get("/v2/accounts/me", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given",
    [
        "",
        "short12",
        "A" * 65,
        "with space 123",
        'quote"12345',
        "<script>alert",
        "한글한글한글",
        "caf\u00e9-12345",
    ],
)
def test_a_made_up_id_is_replaced(stage: Stage, given: str) -> None:
    """An id that is shorter, longer or has other characters is replaced, and not mended."""
    latin = given if given.startswith("caf") else given.encode().decode("latin-1")

    ids = [_id_for(stage, latin) for _ in range(2)]

    assert latin not in ids, "expected another id than the one that was sent"
    assert all(re.fullmatch(r"[!-~]+", found) for found in ids), "expected an id of visible characters"
    assert ids[0] != ids[1], "expected an id of its own for each request, whatever was sent"


def _id_for(stage: Stage, given: str) -> str:
    answer = stage.client.get("/v2/accounts/me", headers={"X-Request-ID": given})
    return answer.headers.get("X-Request-ID", "")


def test_a_problem_names_its_request(stage: Stage) -> None:
    """The `instance` of a problem is its request's id, so that a user's report can be found in the log."""
    answer = stage.client.get("/v2/accounts")

    found = answer.headers.get("X-Request-ID")
    assert found, "expected the header X-Request-ID, but it is not there"
    assert answer.get_json(force=True).get("instance") in (found, f"urn:uuid:{found}", f"urn:request:{found}")


# -- headers --------------------------------------------------------------------------------------


@every_answer
def test_every_answer_says_how_long_it_took(stage: Stage, method: str, url: str) -> None:
    """`Server-Timing` has the milliseconds that the application took, and a browser shows them."""
    found = durations(ask(stage, method, url))

    assert found, f"{method} {url}: expected a metric with its milliseconds, as in app;dur=1.5"
    assert [duration for duration in found if not 0 <= duration < 60_000] == []


def test_a_slow_answer_says_so(stage: Stage) -> None:
    """The number in `Server-Timing` is in milliseconds, and it is the time of the whole request."""
    stage.app.add_url_rule("/v2/nap", "nap", nap)
    started = time.perf_counter()
    answer = stage.client.get("/v2/nap")
    took = (time.perf_counter() - started) * 1000

    found = durations(answer)
    assert any(NAP - 1 <= duration <= took + 1 for duration in found), f"expected {NAP} or more, got {found}"


@every_answer
def test_every_answer_has_security_headers(stage: Stage, method: str, url: str) -> None:
    """No response may be sniffed, framed or kept by a cache, and `Referrer-Policy` is `no-referrer`."""
    answer = ask(stage, method, url)

    policy = answer.headers.get("Content-Security-Policy", "")
    framed = "frame-ancestors 'none'" in policy or answer.headers.get("X-Frame-Options", "").upper() == "DENY"
    lacking = {
        "X-Content-Type-Options: nosniff": not has_token(answer, "X-Content-Type-Options", "nosniff"),
        "Content-Security-Policy: frame-ancestors 'none'": not framed,
        "Cache-Control: no-store": not has_token(answer, "Cache-Control", "no-store"),
        "Referrer-Policy: no-referrer": not has_token(answer, "Referrer-Policy", "no-referrer"),
    }
    names = "; ".join(name for name, is_lacking in lacking.items() if is_lacking)
    assert not names, f"expected {names} on {method} {url}"


# -- the access log -------------------------------------------------------------------------------


FIELDS = {"time", "request_id", "address", "account", "method", "path", "status", "milliseconds"}


def one_line(output: Output, before: int = 0) -> dict[str, Any]:
    """Return the only line of the access log after the first ``before`` lines."""
    found = output.requests()[before:]
    assert len(found) == 1, f"expected one line in the access log, but there are {len(found)}"
    return found[0]


def test_a_request_is_one_line_of_json(stage: Stage) -> None:
    """One JSON line per request: time, request_id, address, account, method, path, status, milliseconds."""
    with output_of(stage) as output:
        stage.app.add_url_rule("/v2/nap", "nap", stage.decorators.token_required(nap))
        account = stage.sign_up()
        before = len(output.requests())
        started = time.perf_counter()
        answer = account.client.get("/v2/nap")
        took = (time.perf_counter() - started) * 1000

    line = one_line(output, before)
    lacking = ", ".join(sorted(FIELDS - line.keys()))
    assert not lacking, f"expected {lacking} in the line of the access log"
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v2/nap", 200)
    assert str(line["account"]) == str(account.id)
    assert line["address"] == "127.0.0.1"
    assert NAP - 1 <= line["milliseconds"] <= took + 1  # rounded, and clocks tick
    assert abs(_seconds(line["time"]) - time.time()) < 60, (
        f"time: {line['time']} is not the time of the request"
    )


def _seconds(moment: object) -> float:
    """Return the seconds since 1970 of a time in a log: a number of them, or a date of ISO 8601."""
    if isinstance(moment, (int, float)):
        return moment
    try:
        date = datetime.fromisoformat(str(moment))
    except ValueError:
        raise AssertionError(f"time: {moment} is not a date of ISO 8601") from None
    assert date.tzinfo, f"time: {moment} does not say of which zone it is"
    return date.timestamp()


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/v2/accounts", 401),
        ("HEAD", "/v2/accounts", 401),
        ("GET", "/nowhere", 404),
        ("PUT", "/v2/accounts", 405),
    ],
)
def test_a_refusal_is_logged_too(stage: Stage, method: str, url: str, status: int) -> None:
    """A request that ends in an error is logged like any other."""
    with output_of(stage) as output:
        stage.client._client.open(url, method=method)

    assert one_line(output)["status"] == status


def test_a_crash_is_logged_once(stage: Stage) -> None:
    """A bug of ours leaves one line in the access log, with the status that the client saw."""
    with output_of(stage) as output:
        stage.replace_view("/v2/accounts", boom)
        stage.client.get("/v2/accounts")

    assert one_line(output)["status"] == 500


@superseded(
    "final",
    "a bug of ours gets a response in every mode",
    by="final/test_logs.py::test_a_worker_that_is_stopped_leaves_a_line",
)
def test_a_crash_is_logged_where_nobody_answers(stage: Stage) -> None:
    """An exception that reaches the developer leaves a line too: `status` is null, `error` is its class."""
    with output_of(stage) as output:
        app = stage.new_app(TESTING=True)
        stage.replace_view("/v2/accounts", boom, app)
        with pytest.raises(ZeroDivisionError):
            app.test_client().get("/v2/accounts")

    line = one_line(output)
    assert (line["status"], line.get("error")) == (None, "ZeroDivisionError")


def test_lines_are_not_doubled_after_a_crash(stage: Stage) -> None:
    """At its first crash Flask gives its log a handler; even then each request is one line."""
    with output_of(stage) as output:
        stage.replace_view("/v2/accounts", boom)
        client = stage.app.test_client()
        client.get("/v2/accounts")

        client.get("/v2/nowhere")

    assert sum("/v2/nowhere" in written for written in output.written) == 1


def test_the_log_holds_no_secrets(stage: Stage) -> None:
    """Passwords, tokens and queries never get into the log."""
    with output_of(stage) as output:
        logging.getLogger().setLevel(logging.DEBUG)
        account = stage.sign_up(password="correct horse battery staple 9")
        account.client.get("/v2/accounts/me?token=tell-nobody")

    assert output.requests() != []
    for secret in ("correct horse", account.client.token, "tell-nobody"):
        assert secret not in output.text, "expected no password, no token and no query in the log"


def test_a_url_cannot_forge_a_line(stage: Stage) -> None:
    """A line break in a URL does not start a new line of the log."""
    with output_of(stage) as output:
        forged = '/v2/x%0D%0A%E2%80%A8%C2%85%C2%9B2J%E2%80%AE{"status": 200, "path": "/forged"}'

        stage.client._client.open(forged)

    assert one_line(output)["status"] == 404
    for written in output.written:
        assert len(written.splitlines()) == 1
        # Control characters, and those that change the direction, would move the cursor of a reader.
        assert [character for character in written if unicodedata.category(character) in ("Cc", "Cf")] == []


# -- maintenance ----------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["/v1", "/v2"])
def test_maintenance_answers_before_any_view(stage: Stage, prefix: str) -> None:
    """With `MAINTENANCE` on, every URL of the API is 503, says when to come back, and changes nothing."""
    account = stage.sign_up()
    if prefix == "/v1" and stage.number == FINAL:
        pytest.skip(RETIRED)
    app = stage.another_process(MAINTENANCE=True)
    client = Client(app, prefix, account.client.token)
    new = {"email": "late@example.com", "name": "이서준", "password": PASSWORD}

    for answer in (
        client.delete(account.path),
        client.patch(account.path, json={"name": "이서준"}),
        client.get("/accounts"),
        client.post("/accounts", json=new),
        client.post("/v2/auth/login", json={"email": account.email, "password": PASSWORD}),
    ):
        expect(answer, 503)
        assert seconds_to_wait(answer) > 0
        assert answer.headers.get("X-Request-ID"), "expected the header X-Request-ID, but it is not there"

    assert expect(account.client.get(account.path), 200)["name"] == account.name
    assert len(stage.list_accounts()) == 1


# -- a hook of one blueprint ----------------------------------------------------------------------


@superseded("final", RETIRED, by=GONE)
def test_version_1_announces_its_end(stage: Stage, set_zone: Callable[[str], None]) -> None:
    """Version 1 sends `Deprecation` (RFC 9745), `Sunset` (RFC 8594), `Link` to its `successor-version`."""
    account = stage.sign_up()

    answer = account.client.get(f"/v1{account.path}")
    headers = answer.headers

    lacking = [name for name in ("Deprecation", "Sunset", "Link") if name not in headers]
    assert not lacking, f"GET /v1{account.path}: expected the headers {', '.join(lacking)}"
    deprecated = re.fullmatch(r"@(\d+)", headers["Deprecation"])
    assert deprecated, f"Deprecation: {headers['Deprecation']} is not @ and seconds since 1970"
    assert _moment(headers["Sunset"]) > int(deprecated[1]), "expected the end after the deprecation"
    successor = links(answer).get("successor-version", "")
    assert successor.startswith("/v2/"), f'expected </v2{account.path}>; rel="successor-version" in Link'
    assert expect(account.client.get(successor), 200)["id"] == account.id

    refused = stage.client.get("/v1/accounts")
    assert "Deprecation" in refused.headers, "expected it on errors of version 1, too"

    set_zone("KST-9")  # nine hours before Greenwich, as POSIX writes it
    in_seoul = account.client.get(f"/v1{account.path}").headers
    assert (in_seoul["Deprecation"], in_seoul["Sunset"]) == (headers["Deprecation"], headers["Sunset"])


def _moment(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        raise AssertionError(f"Sunset: {date} is not a date of HTTP") from None


@superseded("final", RETIRED, by=GONE)
def test_the_announcement_can_be_sent(stage: Stage) -> None:
    """A URL rule accepts digits of other scripts; what is announced for them still fits into a header."""
    answer = stage.sign_up().client.get("/v1/accounts/\uff11")

    for name, value in answer.headers:
        assert value.isascii(), f"{name}: {value!r}"


def test_version_2_does_not(stage: Stage) -> None:
    """The hook belongs to the blueprint of version 1: responses of version 2 announce nothing."""
    account = stage.sign_up()

    headers = account.client.get(f"/v2{account.path}").headers

    assert "Deprecation" not in headers
    assert "Sunset" not in headers


# -- whatever happens -----------------------------------------------------------------------------


def test_a_crash_leaves_no_open_transaction(stage: Stage) -> None:
    """What a request wrote before it crashed is gone in the next: its session is always closed."""
    account = stage.sign_up(name="김미나")

    def crash(session: Session) -> None:
        session.flush()  # the change is written, but not for good yet
        raise ZeroDivisionError

    event.listen(Session, "before_commit", crash)
    try:
        answer = account.client.patch("/v2/accounts/me", json={"name": "half done"})
    finally:
        event.remove(Session, "before_commit", crash)

    expect(answer, 500, 200)  # without the ORM there is no session that could stay open
    name = "김미나" if answer.status_code == 500 else "half done"
    assert expect(account.client.get("/v2/accounts/me"), 200)["name"] == name
    expect(account.client.patch("/v2/accounts/me", json={"name": "김민아"}), 200)


# -- compression, by a hook for one request --------------------------------------------------------


def compressed_answer(stage: Stage, accepted: str | None, make: Callable[[], Response]) -> Any:
    """Return what a client that sends ``accepted`` gets from a view that answers ``make()``."""
    stage.app.add_url_rule("/probe", "probe", stage.decorators.compressed(make))
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    answer = stage.app.test_client().get("/probe", headers=headers)
    assert answer.status_code == 200
    return answer


def text(length: int = 5000) -> Callable[[], Response]:
    """Return a view that answers ``length`` letters with a strong ETag."""

    def view() -> Response:
        response = Response("x" * length, content_type="text/plain")
        response.set_etag("v1")
        return response

    return view


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip;q=0.5", "gzip"),
        ("br;q=1, gzip;q=0.1", "gzip"),
        ("*", "gzip"),
        ("*;q=0.1", "gzip"),
        ("identity;q=0, gzip", "gzip"),
        ("gzip, identity;q=0.5", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("gzip;q=0", None),
        ("gzip;q=0, *", None),
        ("br", None),
        ("", None),
        (None, None),
    ],
)
def test_the_client_chooses_the_coding(stage: Stage, accepted: str | None, coding: str | None) -> None:
    """`Accept-Encoding` is obeyed with its weights, also `*` and `identity` (RFC 9110, section 12.5.3)."""
    answer = compressed_answer(stage, accepted, text())

    got = answer.headers.get("Content-Encoding")
    wanted, found = coding or "identity", got or "identity"
    if accepted is None:
        assert found == wanted, f"no Accept-Encoding: expected {wanted}, got {found}"
    assert found == wanted, f"Accept-Encoding: {accepted}: expected {wanted}, got {found}"
    assert has_token(answer, "Vary", "Accept-Encoding"), "expected Vary: Accept-Encoding"
    plain = gzip.decompress(answer.data) if coding else answer.data
    assert plain == b"x" * 5000
    assert int(answer.headers["Content-Length"]) == len(answer.data)


@pytest.mark.parametrize(
    ("length", "accepted"), [(20, "gzip"), (20, "gzip, identity;q=0.5"), (0, "gzip, identity;q=0")]
)
def test_a_small_answer_is_not_compressed(stage: Stage, length: int, accepted: str) -> None:
    """A response that would hardly get smaller is sent as it is."""
    answer = compressed_answer(stage, accepted, text(length))

    assert answer.data == b"x" * length
    assert "Content-Encoding" not in answer.headers
    assert has_token(answer, "Vary", "Accept-Encoding"), "expected Vary: Accept-Encoding"


@pytest.mark.parametrize("accepted", ["gzip, identity;q=0", "gzip, *;q=0"])
def test_a_small_answer_is_compressed_where_plain_is_refused(stage: Stage, accepted: str) -> None:
    """`identity;q=0` means that plain is not acceptable, however small the response."""
    answer = compressed_answer(stage, accepted, text(20))

    assert answer.headers.get("Content-Encoding") == "gzip"
    assert gzip.decompress(answer.data) == b"x" * 20


def test_a_compressed_answer_has_a_weak_etag(stage: Stage) -> None:
    """Different bytes must not have the same strong ETag (RFC 9110, section 8.8.1)."""
    plain = compressed_answer(stage, None, text())
    packed = stage.app.test_client().get("/probe", headers={"Accept-Encoding": "gzip"})

    assert plain.headers["ETag"] == '"v1"'
    assert packed.headers.get("Content-Encoding") == "gzip"
    assert packed.headers.get("ETag") != '"v1"', "expected a weak ETag or another one: the bytes are others"


def test_a_weak_etag_stays_one(stage: Stage) -> None:
    """A weak ETag stays valid when its response is compressed: `W/"v1"`, and not a tag of a tag."""

    def view() -> Response:
        response = Response("x" * 5000, content_type="text/plain")
        response.set_etag("v1", weak=True)
        return response

    packed = compressed_answer(stage, "gzip", view)

    assert packed.headers.get("Content-Encoding") == "gzip"
    etag = packed.headers.get("ETag", '""')
    assert re.fullmatch(r'(W/)?"[!#-~]*"', etag), f"ETag: {etag} is not valid"


def test_a_streamed_answer_is_left_alone(stage: Stage) -> None:
    """A response that is made while it is sent is not collected to be compressed."""
    sent = []

    def stream() -> Any:
        for part in (b"one" * 500, b"two" * 500):  # worth compressing
            sent.append(part)
            yield part

    answer = compressed_answer(stage, "gzip", lambda: Response(stream(), content_type="text/plain"))

    assert "Content-Encoding" not in answer.headers, "expected the stream as it is"
    assert answer.data == b"one" * 500 + b"two" * 500
    assert len(sent) == 2


def test_what_is_compressed_already_is_left_alone(stage: Stage) -> None:
    """A response that its view has compressed is not compressed again."""
    packed = gzip.compress(os.urandom(5000))  # long enough to be worth compressing

    def view() -> Response:
        return Response(packed, headers={"Content-Encoding": "gzip"})

    assert compressed_answer(stage, "gzip", view).data == packed


def test_the_hook_is_for_one_request(stage: Stage) -> None:
    """`after_this_request` ends with the request: a view without the decorator then responds plainly."""
    stage.app.add_url_rule("/plain", "plain", lambda: "x" * 5000)
    compressed_answer(stage, "gzip", text())

    answer = stage.app.test_client().get("/plain", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in answer.headers
