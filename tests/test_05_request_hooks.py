"""Practice 5, request hooks: what every request needs happens around it, whatever its view."""

from __future__ import annotations

import gzip
import logging
import os
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from flask import Response
from kit.adapter import Client, Stage, expect
from kit.output import Output, output_of
from kit.superseded import superseded

RETIRED = "version 1 is retired: it answers 410 and points to version 2"
GONE = "final/test_v1.py::test_version_1_is_gone"

WELL_FORMED = "expected an id of 8 to 64 letters, digits, dots, underscores or hyphens"
URLS = {
    "an answer": "/v2/accounts/me",
    "a refusal": "/v2/accounts",
    "an unknown URL": "/v2/nowhere",
    "a URL outside every version": "/nowhere",
}

every_answer = pytest.mark.parametrize("url", URLS.values(), ids=URLS)


NAP = 20  # milliseconds


def nap() -> str:
    time.sleep(NAP / 1000)
    return "rested"


def boom() -> str:
    raise ZeroDivisionError


# -- the id of a request --------------------------------------------------------------------------


@every_answer
def test_every_answer_has_a_request_id(stage: Stage, url: str) -> None:
    """Every response, errors included, has an id of its own for its request in `X-Request-ID`."""
    client = stage.sign_up().client

    answers = [client._client.get(url, headers=_bearer(client)) for _ in range(2)]
    ids = [answer.headers.get("X-Request-ID", "") for answer in answers]

    assert all(ids), f"GET {url}: expected the header X-Request-ID, but it is not there"
    well_formed = all(re.fullmatch(r"[A-Za-z0-9._-]{8,64}", found) for found in ids)
    assert well_formed, WELL_FORMED
    assert ids[0] != ids[1]


def _bearer(client: Client) -> dict[str, str]:
    return {"Authorization": f"Bearer {client.token}"}


@pytest.mark.parametrize("given", ["req-12345678", "A" * 64, "8f14e45f-ceea-467f-a7f1-2b6f3a1c9d10"])
def test_a_well_formed_id_is_kept(stage: Stage, given: str) -> None:
    """A proxy in front may choose the id, so that both logs have the same one."""
    answer = stage.client.get("/v2/accounts/me", headers={"X-Request-ID": given})

    assert answer.headers["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given", ["", "short", "A" * 65, "with space 123", 'quote"12345', "<script>alert", "한글한글한글"]
)
def test_a_made_up_id_is_replaced(stage: Stage, given: str) -> None:
    """An id that is too short, too long or has unusual characters is replaced."""
    header = given.encode().decode("latin-1")

    answer = stage.client.get("/v2/accounts/me", headers={"X-Request-ID": header})

    assert re.fullmatch(r"[A-Za-z0-9._-]{8,64}", answer.headers["X-Request-ID"]), WELL_FORMED
    assert answer.headers["X-Request-ID"] != header


def test_a_problem_names_its_request(stage: Stage) -> None:
    """The `instance` of a problem is its request's id, so that a user's report can be found in the log."""
    answer = stage.client.get("/v2/accounts")

    assert answer.get_json(force=True)["instance"] == answer.headers["X-Request-ID"]


# -- headers --------------------------------------------------------------------------------------


@every_answer
def test_every_answer_says_how_long_it_took(stage: Stage, url: str) -> None:
    """`Server-Timing` has the milliseconds that the application took, and a browser shows them."""
    client = stage.sign_up().client

    timing = client._client.get(url, headers=_bearer(client)).headers["Server-Timing"]

    duration = re.search(r"\bapp;dur=([0-9.]+)", timing)
    assert duration, "expected Server-Timing to have the milliseconds as app;dur="
    assert 0 <= float(duration[1]) < 60_000


@every_answer
def test_every_answer_has_security_headers(stage: Stage, url: str) -> None:
    """No API response may be sniffed, framed, or kept by a cache on the way."""
    client = stage.sign_up().client

    headers = client._client.get(url, headers=_bearer(client)).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


# -- the access log -------------------------------------------------------------------------------


def one_line(output: Output, before: int = 0) -> dict[str, Any]:
    """Return the only line of the access log after the first ``before`` lines."""
    found = output.requests()[before:]
    assert len(found) == 1, f"expected one line in the access log, but there are {len(found)}"
    return found[0]


def test_a_request_is_one_line_of_json(stage: Stage) -> None:
    """The access log has one line of JSON per request: when, which, who, the result, and how long it took."""
    with output_of(stage) as output:
        stage.app.add_url_rule("/v2/nap", "nap", stage.decorators.token_required(nap))
        account = stage.sign_up()
        before = len(output.requests())
        started = time.perf_counter()
        answer = account.client.get("/v2/nap")
        took = (time.perf_counter() - started) * 1000

    line = one_line(output, before)
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v2/nap", 200)
    assert line["account"] == account.id
    assert line["address"] == "127.0.0.1"
    assert NAP - 1 <= line["milliseconds"] <= took + 1  # rounded, and clocks tick
    assert datetime.fromisoformat(line["time"]).utcoffset().total_seconds() == 0


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [("GET", "/v2/accounts", 401), ("GET", "/nowhere", 404), ("PUT", "/v2/accounts", 405)],
)
def test_a_refusal_is_logged_too(stage: Stage, method: str, url: str, status: int) -> None:
    """A request that ends in an error is logged like any other."""
    with output_of(stage) as output:
        stage.client._client.open(url, method=method)

    assert one_line(output)["status"] == status


def test_a_crash_is_logged_once(stage: Stage) -> None:
    """A bug of ours leaves one line in the access log, with the status that the client saw."""
    with output_of(stage) as output:
        stage.app.add_url_rule("/v2/boom", "boom", boom)

        stage.app.test_client().get("/v2/boom")

    assert one_line(output)["status"] == 500


@superseded(
    "final",
    "a bug of ours gets a response in every mode",
    by="final/test_logs.py::test_a_worker_that_is_stopped_leaves_a_line",
)
def test_a_crash_is_logged_where_nobody_answers(stage: Stage) -> None:
    """In testing and debug mode an exception reaches the developer, and still leaves its line."""
    with output_of(stage) as output:
        app = stage.new_app(TESTING=True)
        app.add_url_rule("/v2/boom", "boom", boom)
        with pytest.raises(ZeroDivisionError):
            app.test_client().get("/v2/boom")

    line = one_line(output)
    assert (line["status"], line.get("error")) == (None, "ZeroDivisionError")


def test_lines_are_not_doubled_after_a_crash(stage: Stage) -> None:
    """At its first crash Flask gives its log a handler; even then each request is one line."""
    with output_of(stage) as output:
        stage.app.add_url_rule("/v2/boom", "boom", boom)
        client = stage.app.test_client()
        client.get("/v2/boom")

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


def test_maintenance_answers_before_any_view(stage: Stage) -> None:
    """With `MAINTENANCE` on, every URL of the API is 503, says when to come back, and changes nothing."""
    account = stage.sign_up()
    stage.app.config["MAINTENANCE"] = True

    for answer in (
        account.client.delete(account.path),
        stage.client.get("/v2/accounts"),
        stage.log_in(account.email),
    ):
        expect(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.headers.get("X-Request-ID"), "expected the header X-Request-ID"

    stage.app.config["MAINTENANCE"] = False
    expect(account.client.get(account.path), 200)


# -- a hook of one blueprint ----------------------------------------------------------------------


@pytest.fixture
def set_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Move the server to another time zone; Windows has no way to do that, and stays where it is."""
    read_zone: Callable[[], None] = getattr(time, "tzset", lambda: None)

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        read_zone()

    yield move
    monkeypatch.undo()
    read_zone()


@superseded("final", RETIRED, by=GONE)
def test_version_1_announces_its_end(stage: Stage, set_zone: Callable[[str], None]) -> None:
    """Responses of version 1 carry `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a URL to use instead."""
    account = stage.sign_up()

    headers = account.client.get(f"/v1{account.path}").headers

    lacking = [name for name in ("Deprecation", "Sunset", "Link") if name not in headers]
    assert not lacking, f"GET /v1{account.path}: expected the headers {', '.join(lacking)}"
    deprecated = re.fullmatch(r"@(\d+)", headers["Deprecation"])
    assert deprecated, "expected Deprecation to be @ and a time in seconds"
    assert parsedate_to_datetime(headers["Sunset"]).timestamp() > int(deprecated[1])
    assert headers["Link"] == f'</v2{account.path}>; rel="successor-version"'

    set_zone("KST-9")  # nine hours before Greenwich, as POSIX writes it
    in_seoul = account.client.get(f"/v1{account.path}").headers
    assert (in_seoul["Deprecation"], in_seoul["Sunset"]) == (headers["Deprecation"], headers["Sunset"])


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
    database = stage.app.extensions["sqlalchemy"]
    table = next((t for t in database.metadata.tables.values() if "password_hash" in t.columns), None)
    assert table is not None, "expected a table with the column password_hash"

    def write_and_crash() -> str:
        database.session.execute(table.update().values(name="half done"))
        raise ZeroDivisionError

    stage.app.add_url_rule("/v2/boom", "boom", write_and_crash)
    account = stage.sign_up(name="김미나")
    assert stage.app.test_client().get("/v2/boom").status_code == 500

    assert expect(account.client.get("/v2/accounts/me"), 200)["name"] == "김미나"
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
    asked = "no Accept-Encoding" if accepted is None else f"Accept-Encoding: {accepted}"
    assert got == coding, (
        f"{asked}: expected {coding or 'the text as it is'}, got {got or 'the text as it is'}"
    )
    assert answer.headers["Vary"] == "Accept-Encoding"
    plain = gzip.decompress(answer.data) if coding else answer.data
    assert plain == b"x" * 5000
    assert int(answer.headers["Content-Length"]) == len(answer.data)


@pytest.mark.parametrize(("length", "accepted"), [(20, "gzip"), (0, "gzip, identity;q=0")])
def test_a_small_answer_is_not_compressed(stage: Stage, length: int, accepted: str) -> None:
    """A response that would hardly get smaller is sent as it is."""
    answer = compressed_answer(stage, accepted, text(length))

    assert answer.data == b"x" * length
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepted", ["gzip, identity;q=0", "gzip, *;q=0"])
def test_a_small_answer_is_compressed_where_plain_is_refused(stage: Stage, accepted: str) -> None:
    """`identity;q=0` means that plain is not acceptable, however small the response."""
    answer = compressed_answer(stage, accepted, text(20))

    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == b"x" * 20


def test_a_compressed_answer_has_a_weak_etag(stage: Stage) -> None:
    """Different bytes must not have the same strong ETag (RFC 9110, section 8.8.1)."""
    plain = compressed_answer(stage, None, text())
    packed = stage.app.test_client().get("/probe", headers={"Accept-Encoding": "gzip"})

    assert plain.headers["ETag"] == '"v1"'
    assert packed.headers["ETag"] == 'W/"v1"'


def test_a_streamed_answer_is_left_alone(stage: Stage) -> None:
    """A response that is made while it is sent is not collected to be compressed."""
    sent = []

    def stream() -> Any:
        for part in (b"one" * 500, b"two" * 500):  # worth compressing
            sent.append(part)
            yield part

    answer = compressed_answer(stage, "gzip", lambda: Response(stream(), content_type="text/plain"))

    assert "Content-Encoding" not in answer.headers
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
