"""The blueprint `v2`: what differs from version 1. P1 to P7 are the rows of chapter 6."""

import json
import logging
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

PASSWORD = "a passphrase of mina"
NEW_PASSWORD = "another passphrase of mina"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def me(client: FlaskClient, token: str) -> int:
    return client.get("/v2/accounts/me", headers=bearer(token)).status_code


def change(client: FlaskClient, token: str, current: object, new: object) -> int:
    body = {"current_password": current, "new_password": new}
    return client.put("/v2/accounts/me/password", headers=bearer(token), json=body).status_code


@pytest.fixture
def admin(app: Flask, client: FlaskClient, log_in: Callable[..., str]) -> dict[str, str]:
    """The headers of an admin."""
    arguments = ["create-admin", "--email", "boss@example.com", "--name", "관리자"]
    app.test_cli_runner().invoke(args=arguments, input=f"{PASSWORD}\n{PASSWORD}\n")
    return bearer(log_in(email="boss@example.com"))


def test_pages(client: FlaskClient, admin: dict[str, str]) -> None:
    first = client.get("/v2/accounts?limit=1", headers=admin).get_json()
    second = client.get(first["next"], headers=admin).get_json()

    assert [account["name"] for account in first["items"] + second["items"]] == ["김미나", "관리자"]
    assert second["next"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=many", "after=-1"])
def test_an_invalid_page(client: FlaskClient, admin: dict[str, str], query: str) -> None:
    answer = client.get(f"/v2/accounts?{query}", headers=admin)

    assert answer.status_code == 400
    assert answer.get_json(force=True)["errors"][0]["field"] == query.split("=")[0]


def test_me(client: FlaskClient, token: str) -> None:
    renamed = client.patch("/v2/accounts/me", json={"name": "김민아"}, headers=bearer(token))

    assert renamed.get_json() == client.get("/v2/accounts/me", headers=bearer(token)).get_json()
    assert client.delete("/v2/accounts/me", headers=bearer(token)).status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v2/nothing", 404), ("PUT", "/v2/accounts", 405)]
)
def test_errors_are_problems(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method, headers={"X-Request-ID": "a-request-of-mine"})

    problem = json.loads(answer.data)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert (problem["status"], problem["instance"]) == (status, "a-request-of-mine")


def test_a_bug_is_a_500(app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    app.config.update(TESTING=False, PAGE_SIZE=None)  # so that it does not propagate
    app.view_functions["v2.account"] = lambda: 1 / 0

    with caplog.at_level(logging.INFO):
        answer = client.get("/v2/accounts/me")

    assert (answer.status_code, "division" in answer.text) == (500, False)
    assert "ZeroDivisionError" in caplog.text


def test_a_crash_is_logged(app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    app.view_functions["v2.account"] = lambda: 1 / 0

    with caplog.at_level(logging.INFO), pytest.raises(ZeroDivisionError):
        client.get("/v2/accounts/me")

    assert json.loads(caplog.messages[-1])["error"] == "ZeroDivisionError"


def test_the_new_password_counts(client: FlaskClient, token: str, log_in: Callable[..., str]) -> None:
    """P1, P2"""
    stolen = log_in()

    assert change(client, token, PASSWORD, NEW_PASSWORD) == 204

    assert (bool(log_in(PASSWORD)), bool(log_in(NEW_PASSWORD))) == (False, True)
    assert (me(client, stolen), me(client, token)) == (401, 200)


@pytest.mark.parametrize(
    ("current", "new", "status"),
    [
        ("not this one", NEW_PASSWORD, 403),
        (PASSWORD, "fourteen chars", 400),
        (PASSWORD, None, 400),
        (None, NEW_PASSWORD, 400),
    ],
)
def test_the_old_password_stays(
    client: FlaskClient, token: str, log_in: Callable[..., str], current: object, new: object, status: int
) -> None:
    """P3, P4"""
    assert change(client, token, current, new) == status

    assert log_in(PASSWORD)


def test_a_stranger_cannot_change_a_password(client: FlaskClient) -> None:
    """P5"""
    assert change(client, "", PASSWORD, NEW_PASSWORD) == 401


def test_others_stay_logged_in(client: FlaskClient, token: str, log_in: Callable[..., str]) -> None:
    """P6"""
    client.post("/v2/accounts", json={"email": "seojun@example.com", "name": "이서준", "password": PASSWORD})
    token_of_other = log_in(email="seojun@example.com")

    change(client, token, PASSWORD, NEW_PASSWORD)

    assert me(client, token_of_other) == 200


def test_guessing_is_slowed(client: FlaskClient, token: str) -> None:
    """P7"""
    statuses = [change(client, token, f"guess {number}", NEW_PASSWORD) for number in range(21)]

    assert statuses[0] == 403
    assert 429 in statuses
