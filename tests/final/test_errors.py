"""Every error of the service goes one way and has one form (trap 1)."""

from __future__ import annotations

import io
import logging
from typing import Any

import pytest
from kit.adapter import PASSWORD, Client, Stage

JSON = {"Content-Type": "application/json"}
LOGIN, ACCOUNTS, ME = "/v2/auth/login", "/v2/accounts", "/v2/accounts/me"
SESSIONS = "/v2/auth/sessions"
GUESS = {"current_password": "x", "new_password": PASSWORD}

# The request, its client, and the status of the response.
ERRORS: dict[str, tuple[str, str, str, dict[str, Any], int]] = {
    "a body that is not JSON": ("nobody", "POST", LOGIN, {"data": "{", "headers": JSON}, 400),
    "an invalid account": ("nobody", "POST", ACCOUNTS, {"json": {"email": "mina"}}, 400),
    "a wrong limit": ("admin", "GET", f"{ACCOUNTS}?limit=0", {}, 400),
    "no token": ("nobody", "GET", ME, {}, 401),
    "logging out without a token": ("nobody", "POST", "/v2/auth/logout", {}, 401),
    "ending all without a token": ("nobody", "DELETE", SESSIONS, {}, 401),
    "changing a password without a token": ("nobody", "PUT", f"{ME}/password", {"json": {}}, 401),
    "a forged token": ("nobody", "GET", ME, {"headers": {"Authorization": "Bearer a.b.c"}}, 401),
    "another scheme": ("nobody", "GET", ME, {"headers": {"Authorization": "Basic bWluYTpwdw=="}}, 401),
    "a wrong log-in": ("nobody", "POST", LOGIN, {"json": {"email": "a@b.c", "password": "x"}}, 401),
    "a member listing": ("member", "GET", ACCOUNTS, {}, 403),
    "a wrong current password": ("member", "PUT", f"{ME}/password", {"json": GUESS}, 403),
    "an unknown session": ("admin", "DELETE", f"{SESSIONS}/01900000-0000-7000-8000-000000000000", {}, 404),
    "a session without an id": ("admin", "DELETE", f"{SESSIONS}/me", {}, 404),
    "an unknown account": ("admin", "GET", f"{ACCOUNTS}/01900000-0000-7000-8000-000000000000", {}, 404),
    "an unknown URL of the API": ("nobody", "GET", "/v2/nowhere", {}, 404),
    "an unknown URL outside it": ("nobody", "GET", "/health/nowhere", {}, 404),
    "an unknown URL of no blueprint": ("nobody", "GET", "/nowhere", {}, 404),
    "a slash too many": ("nobody", "GET", f"{ACCOUNTS}/", {}, 404),
    "two slashes": ("nobody", "GET", "/v2//accounts", {}, 404),
    "an unknown file": ("nobody", "GET", "/swaggerui/nothing.js", {}, 404),
    "a password cannot be read": ("nobody", "GET", f"{ME}/password", {}, 405),
    "a missing method": ("nobody", "PUT", ACCOUNTS, {}, 405),
    "a missing method outside RESTX": ("nobody", "POST", "/health/live", {}, 405),
    "the last admin leaving": ("admin", "DELETE", ME, {"json": {"current_password": PASSWORD}}, 409),
    "version 1": ("nobody", "GET", "/v1/accounts", {}, 410),
    "a long body": ("nobody", "POST", LOGIN, {"data": b" " * 16385, "headers": JSON}, 413),
    "a form": ("nobody", "POST", LOGIN, {"data": {"email": "a@b.c"}}, 415),
    "text": ("nobody", "POST", LOGIN, {"data": "{}", "headers": {"Content-Type": "text/plain"}}, 415),
}


@pytest.fixture(params=[False, True], ids=["TESTING off", "TESTING on"])
def anywhere(service: Stage, request: pytest.FixtureRequest) -> Stage:
    """The service, which must not respond differently under test."""
    service.app.config["TESTING"] = request.param
    return service


def client_of(service: Stage, who: str) -> Client:
    """Return the client of a table's row."""
    if who == "nobody":
        return Client(service.app)
    client = service.admin if who == "admin" else service.sign_up().client
    return Client(service.app, token=client.token)


@pytest.mark.parametrize("row", ERRORS.values(), ids=ERRORS)
def test_every_error_is_problem_json(anywhere: Stage, problem: Any, row: Any) -> None:
    """Every failure is `application/problem+json` with the id of the request, and never HTML."""
    who, method, path, options, status = row

    answer = client_of(anywhere, who).open(method, path, **options)

    problem(answer, status)
    assert "<" not in answer.text
    if status == 405:
        assert answer.headers["Allow"]


def test_every_exception_has_a_status(service: Stage) -> None:
    """And a sentence of its own for the client. An exception without one would be a 500."""
    package = service.loaded.package
    known = package.exceptions.__dict__.values()
    base = package.exceptions.ServiceError
    kinds = [kind for kind in known if isinstance(kind, type) and issubclass(kind, base) and kind is not base]

    described = {kind: package.errors.describe(kind.__new__(kind)) for kind in kinds}

    assert len(kinds) > 25
    assert {
        kind.__name__ for kind, (status, text) in described.items() if not (400 <= status <= 503 and text)
    } <= {"TryLater"}


def test_a_token_that_is_refused_says_so(service: Stage) -> None:
    """RFC 6750: `error="invalid_token"` if there was a token, no error code if there was not."""
    none = service.client.get(ME)
    wrong = service.client.get(ME, headers={"Authorization": "Bearer a.b.c"})

    assert none.headers["WWW-Authenticate"] == 'Bearer realm="accounts"'
    assert 'error="invalid_token"' in wrong.headers["WWW-Authenticate"]


def test_a_bug_is_500_and_tells_only_the_log(
    anywhere: Stage, problem: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected exception is a problem without details; the log has them, by the request's id."""
    account = anywhere.sign_up()

    def fail(*_: object) -> None:
        raise RuntimeError("the cellar is on fire")

    monkeypatch.setattr(anywhere.loaded.package.services.account, "find", fail)
    with caplog.at_level(logging.ERROR):
        answer = account.client.get(ME)

    body = problem(answer, 500)
    assert "cellar" not in answer.text
    assert body["instance"] in caplog.text and "the cellar is on fire" in caplog.text


def test_a_database_that_is_down_is_503(service: Stage, problem: Any, tmp_path: Any) -> None:
    """Without a database: 503 with `Retry-After`; the process lives and is not ready."""
    nowhere = f"sqlite:///{(tmp_path / 'no' / 'such' / 'folder.sqlite').as_posix()}"
    service.migrates = False
    client = Client(service.new_app(SQLALCHEMY_DATABASE_URI=nowhere), "/v2")

    for answer in (client.post(LOGIN, json={"email": "a@b.c", "password": "x"}), client.get("/health/ready")):
        problem(answer, 503)
        assert answer.headers["Retry-After"].isdigit()
    assert client.get("/health/live").status_code == 200


def test_a_body_in_chunks_is_limited_too(service: Stage, problem: Any) -> None:
    """A body without `Content-Length` is not cut at the limit and then read as if it were complete."""
    body = b'{"email": "mina@example.com", "password": "x"}' + b" " * 20_000

    answer = service.client.post(
        LOGIN,
        input_stream=io.BytesIO(body),
        headers=JSON | {"Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )

    problem(answer, 413)
