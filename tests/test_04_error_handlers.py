"""Practice 4, error handlers: an exception is raised where it is known and becomes an answer in one place."""

from __future__ import annotations

import ast
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request
from kit import stored
from kit.adapter import PASSWORD, Client, Stage, expect
from kit.answers import seconds_to_wait
from kit.output import output_of
from kit.superseded import superseded

RETIRED = "version 1 is retired: it answers 410 and points to version 2"
GONE = "final/test_v1.py::test_version_1_is_gone"

SECRET = "hunter2-and-nothing-else"


def send(stage: Stage, case: str) -> Any:
    """Provoke one error and return its answer."""
    prefix, client = stage.prefix, stage.client
    if case == "malformed":
        return client.post("/accounts", data="{" + SECRET, content_type="application/json")
    if case == "deep":
        return client.post("/accounts", data='{"name":' + "[" * 16_000, content_type="application/json")
    if case == "invalid":
        return client.post("/accounts", json={"email": SECRET, "name": "", "password": SECRET[:7]})
    if case == "no token":
        return client.get("/accounts")
    if case == "wrong role":
        return stage.sign_up().client.get("/accounts")
    if case == "unknown account":
        return stage.admin.get("/accounts/999999999")
    if case == "unknown URL":
        return client.get(f"{prefix}/{SECRET}")
    if case == "the version alone":
        return client._client.get(prefix)
    if case == "double slash":
        return client._client.get(f"{prefix}//accounts", headers={"Host": f"{SECRET}.example"})
    if case == "no such method":
        return client.open("PUT", "/accounts", json={})
    if case == "too large":
        return client.post("/accounts", json={"name": "x" * 100_000})
    if case == "not JSON":
        return client.post("/accounts", data=SECRET, content_type="text/plain")
    assert case == "a fault of ours", case
    stage.replace_view(f"{prefix}/accounts", boom)
    return client.get("/accounts")


def boom() -> str:
    raise ZeroDivisionError(SECRET)


ERRORS = {
    "malformed": 400,
    "deep": 400,
    "invalid": 400,
    "no token": 401,
    "wrong role": 403,
    "unknown account": 404,
    "unknown URL": 404,
    "the version alone": 404,
    "double slash": 404,
    "no such method": 405,
    "too large": 413,
    "not JSON": 415,
    "a fault of ours": 500,
}

every_error = pytest.mark.parametrize(("case", "status"), ERRORS.items(), ids=ERRORS)


@every_error
def test_version_2_answers_problem_details(stage: Stage, case: str, status: int) -> None:
    """Every error of version 2 is `application/problem+json` (RFC 9457): `status`, `title`, `detail`."""
    answer = send(stage, case)

    assert answer.status_code == status
    assert answer.content_type.split(";")[0] == "application/problem+json"
    problem = answer.get_json(force=True)
    lacking = [name for name in ("status", "title", "detail") if not problem.get(name)]
    assert not lacking, f"expected {', '.join(lacking)} in the problem"
    kind = problem.get("type", "about:blank")  # what it is where none is given, RFC 9457 section 3.1.1
    assert re.fullmatch(r"[!-~]+", kind), f"type: {kind!r} is not a URI"
    assert problem["status"] == status
    assert problem.get("errors") not in ([], {}), "expected no `errors` where no field is wrong"


@superseded("final", RETIRED, by=GONE)
@every_error
def test_version_1_answers_as_it_always_did(stage: Stage, case: str, status: int) -> None:
    """Every error of version 1 is `{"error": "..."}`, with `errors` where fields are wrong, as it was."""
    stage.prefix = stage.client.prefix = "/v1"

    answer = send(stage, case)

    assert answer.status_code == status
    assert answer.mimetype == "application/json"
    body = answer.get_json()
    assert isinstance(body.get("error"), str) and body["error"], 'expected {"error": "..."}'
    assert body.get("errors") not in ([], {}), "expected no `errors` where no field is wrong"


@every_error
def test_an_error_tells_nothing_of_the_inside(stage: Stage, version: str, case: str, status: int) -> None:
    """No HTML, no traceback, no name of a library or file, and nothing that the client sent."""
    answer = send(stage, case)

    for telltale in ("<", "Traceback", "Error(", "sqlalchemy", "werkzeug", "site-packages", ".py", SECRET):
        assert telltale not in answer.text


def test_a_url_outside_every_blueprint_is_answered_too(stage: Stage) -> None:
    """An unknown URL outside every version is JSON too: the application answers what no blueprint sees."""
    answer = stage.client._client.get("/nowhere")

    assert answer.status_code == 404
    assert answer.is_json, f"{answer.content_type} is not JSON"


def test_a_missing_method_names_the_others(stage: Stage, version: str) -> None:
    """The handler keeps the `Allow` of a 405, as RFC 9110 requires."""
    answer = send(stage, "no such method")

    assert {"GET", "POST"} <= set(answer.headers.get("Allow", "").replace(" ", "").split(","))


def test_a_401_says_how_to_log_in(stage: Stage, version: str) -> None:
    """The handler sends `WWW-Authenticate: Bearer` with every 401, as RFC 6750 requires."""
    deleted = stage.sign_up()
    expect(deleted.client.delete(deleted.path), 204)

    for answer in (
        send(stage, "no token"),
        Client(stage.app, stage.prefix, "no.such.token").get("/accounts"),
        deleted.client.get(deleted.path),
        stage.log_in("nobody@example.com"),
    ):
        expect(answer, 401)
        challenge = answer.headers.get("WWW-Authenticate", "")
        assert re.search(r"\bbearer\b", challenge, re.I), f"WWW-Authenticate: {challenge or 'is not there'}"


@pytest.mark.parametrize("path", ["/accounts", "/v2/auth/login"])
def test_a_429_says_how_long_to_wait(stage: Stage, version: str, path: str, clock: Any) -> None:
    """The handler sends `Retry-After` with every 429, and a sentence for people."""
    for number in range(200):
        new = {"email": f"mina{number}@example.com", "name": "김미나", "password": PASSWORD}
        answer = stage.client.post(path, json=new)
        if answer.status_code == 429:
            break

    assert answer.status_code == 429
    problem = answer.get_json(force=True)
    text = problem.get("detail") or problem.get("error")
    assert text and text[0].isalpha(), "expected a sentence for people, not what Python writes"
    assert 1 <= seconds_to_wait(answer) <= 3600


def test_a_fault_of_ours_is_logged_with_its_request(stage: Stage) -> None:
    """The client learns nothing of a bug of ours, so the log has to have its request and its traceback."""
    with output_of(stage) as output:
        send(stage, "a fault of ours")

    faults = [written for written in output.written if "Traceback" in written]
    assert len(faults) == 1, f"expected one traceback in the log, but there are {len(faults)}"
    assert "/v2/accounts" in faults[0]
    assert "ZeroDivisionError" in faults[0]


def test_a_database_that_fails_is_not_shown(stage: Stage) -> None:
    """When the tables are gone, the client sees no SQL."""
    account = stage.sign_up()
    stored.drop_tables(stage.app)

    answer = account.client.get("/v2/accounts/me")

    assert answer.status_code in (500, 503)
    assert answer.content_type.split(";")[0] == "application/problem+json"
    shown = [words for words in ("SELECT", "no such table") if words in answer.text]
    assert shown == []


def test_an_error_changes_nothing(stage: Stage, version: str) -> None:
    """After an error, the next request finds everything as it was."""
    account = stage.sign_up(name="김미나")

    for case in ("malformed", "invalid", "not JSON", "too large"):
        send(stage, case)

    assert expect(account.client.get(account.path), 200)["name"] == "김미나"
    assert len(stage.list_accounts()) == 1


def test_a_taken_email_does_not_block_the_next(stage: Stage) -> None:
    """After a sign-up fails in the database, the same connection still works."""
    account = stage.sign_up()
    again = {"email": account.email, "name": "이서준", "password": PASSWORD}

    expect(stage.client.post("/accounts", json=again), 202, 409)

    assert expect(account.client.get(account.path), 200)["name"] == account.name


# -- the code: no view catches anything ---------------------------------------------------------


def test_no_view_catches_an_exception(stage: Stage, version: str) -> None:
    """A view raises exceptions or lets them through; it has no `except`, nor has what it inherits from."""
    views = {getattr(view, "view_class", None) for view in stage.app.view_functions.values()} - {None}
    folder = f"{stage.loaded.folder}{os.sep}"
    classes = {cls for view in views for cls in view.__mro__ if _file_of(cls).startswith(folder)}
    assert classes, "expected views that are classes"

    for file in {_file_of(cls) for cls in classes}:
        for node in ast.walk(ast.parse(Path(file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name in {cls.__name__ for cls in classes}:
                caught = [inner for inner in ast.walk(node) if isinstance(inner, ast.ExceptHandler)]
                name = Path(file).relative_to(folder).as_posix()
                assert not caught, f"{name}: {node.name} catches an exception in line {caught[0].lineno}"

    assert raised(stage, "unknown account"), (
        "unknown account: expected an exception that a handler answers, but none was raised"
    )
    assert raised(stage, "wrong role"), (
        "wrong role: expected an exception that a handler answers, but none was raised"
    )


def _file_of(cls: type) -> str:
    return getattr(sys.modules.get(cls.__module__), "__file__", None) or ""


def raised(stage: Stage, case: str) -> list[tuple[Exception, list[str]]]:
    """Provoke one error and return the exceptions that reached Flask, each with the blueprints in charge."""
    seen: list[tuple[Exception, list[str]]] = []
    original = stage.app.handle_user_exception

    def watch(error: Exception) -> Any:
        seen.append((error, list(request.blueprints)))
        return original(error)

    stage.app.handle_user_exception = watch  # type: ignore[method-assign]
    try:
        send(stage, case)
    finally:
        stage.app.handle_user_exception = original  # type: ignore[method-assign]
    return seen


@superseded("final", RETIRED, by=GONE)
def test_each_version_has_its_handler(stage: Stage, version: str) -> None:
    """Each blueprint has its own error handlers, so the same exception is answered in two shapes."""
    found = raised(stage, "unknown account")

    assert found, "expected an exception, but the error was answered without one"
    error, blueprints = found[0]
    assert blueprints, f"GET {stage.prefix}/accounts/...: no blueprint serves it"
    assert handled_by(stage.app, blueprints, error), (
        f"the blueprint {blueprints[0]} has no handler for {type(error).__name__}"
    )


def handled_by(app: Flask, blueprints: list[str], error: Exception) -> bool:
    """Return whether one of the blueprints has a handler for ``error``, by a status code or by a class."""
    return any(
        cls in by_class
        for name in blueprints
        for by_class in app.error_handler_spec[name].values()
        for cls in type(error).__mro__
    )
