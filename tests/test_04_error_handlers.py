"""Practice 4, error handlers: an exception is raised where it is known and becomes an answer in one place."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from kit.adapter import PASSWORD, Stage, expect
from kit.clients import require
from kit.output import output_of
from kit.superseded import superseded

RETIRED = "version 1 is retired: it answers 410 and points to version 2"
GONE = "final/test_v1.py::test_version_1_is_gone"

BEARER = "WWW-Authenticate: Bearer"
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
    stage.app.add_url_rule(f"{prefix}/boom", "boom", boom)
    return client.get(f"{prefix}/boom")


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
    """Every error of version 2 is `application/problem+json` (RFC 9457) with its own status."""
    answer = send(stage, case)

    assert answer.status_code == status
    assert answer.content_type.split(";")[0] == "application/problem+json"
    problem = answer.get_json(force=True)
    assert {"type", "title", "status", "detail"} <= set(problem)
    assert re.match("about:blank$|[a-z]+://|/", problem["type"]), "expected a URI, or about:blank"
    assert problem["status"] == status
    assert problem.get("errors") != []
    told = all({"field", "message"} <= set(error) for error in problem.get("errors", []))
    require(answer, told, "errors with `field` and `message`")


@superseded("final", RETIRED, by=GONE)
@every_error
def test_version_1_answers_as_it_always_did(stage: Stage, case: str, status: int) -> None:
    """Every error of version 1 is `{"error": "..."}`, so its clients keep working."""
    stage.prefix = stage.client.prefix = "/v1"

    answer = send(stage, case)

    assert answer.status_code == status
    assert answer.content_type == "application/json; charset=utf-8"
    body = answer.get_json()
    require(answer, body.get("error") and isinstance(body["error"], str), "what is wrong, in `error`")
    assert set(body) <= {"error", "errors"}
    assert body.get("errors") != {}


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
    assert answer.content_type.split(";")[0] == "application/problem+json"


def test_a_missing_method_names_the_others(stage: Stage, version: str) -> None:
    """The handler keeps the `Allow` of a 405, as RFC 9110 requires."""
    answer = send(stage, "no such method")

    assert {"GET", "POST"} <= set(answer.headers["Allow"].replace(" ", "").split(","))


def test_a_401_says_how_to_log_in(stage: Stage, version: str) -> None:
    """The handler sends `WWW-Authenticate` with every 401, as RFC 6750 requires."""
    answer = send(stage, "no token")
    require(answer, answer.headers.get("WWW-Authenticate", "").startswith("Bearer"), BEARER)


def test_a_429_says_how_long_to_wait(stage: Stage, clock: Any) -> None:
    """The handler sends `Retry-After` with every 429."""
    for _ in range(200):
        answer = stage.log_in("nobody@example.com")
        if answer.status_code == 429:
            break

    assert answer.status_code == 429
    assert answer.content_type.split(";")[0] == "application/problem+json"
    assert answer.get_json(force=True)["detail"][0].isalpha(), (
        "expected a sentence for people, not what Python writes"
    )
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600


def test_a_fault_of_ours_is_logged_with_its_request(stage: Stage) -> None:
    """The client learns nothing of a bug of ours, so the log has to have its request and its traceback."""
    with output_of(stage) as output:
        send(stage, "a fault of ours")

    faults = [written for written in output.written if "Traceback" in written]
    assert len(faults) == 1, f"expected one traceback in the log, but there are {len(faults)}"
    assert "/v2/boom" in faults[0]
    assert "ZeroDivisionError" in faults[0]


def test_a_database_that_fails_is_not_shown(stage: Stage) -> None:
    """When the tables are gone, the client sees no SQL."""
    account = stage.sign_up()
    with stage.app.app_context():
        stage.app.extensions["sqlalchemy"].drop_all()

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


def test_no_view_catches_an_exception(stage: Stage) -> None:
    """A view raises exceptions or lets them through, and has no `except`."""
    app = stage.app
    views = {getattr(view, "view_class", None) for view in app.view_functions.values()} - {None}
    own = {view for view in views if view.__module__.startswith(stage.loaded.package.__name__)}
    assert own, "expected views in classes, in the package `app`"

    for module in {view.__module__ for view in own}:
        file = Path(sys.modules[module].__file__)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name in {view.__name__ for view in own}:
                caught = [inner for inner in ast.walk(node) if isinstance(inner, ast.ExceptHandler)]
                assert not caught, f"{file.name}: {node.name} catches an exception in line {caught[0].lineno}"


@superseded("final", RETIRED, by=GONE)
def test_each_version_has_its_handler(stage: Stage) -> None:
    """Each blueprint has its own error handlers, so the same exception is answered in two shapes."""
    handlers = stage.app.error_handler_spec

    both = handlers["v1"][None] and handlers["v2"][None]
    assert both, "expected handlers on each of the blueprints v1 and v2"
    (exception,) = set(handlers["v1"][None]) & set(handlers["v2"][None])
    assert handlers["v1"][None][exception] is not handlers["v2"][None][exception]
