"""The rows of spec.md as pytest says them: plain functions, and a table for what differs in its data."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "a passphrase of mina"
NEW_PASSWORD = "another passphrase of mina"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def me(client: FlaskClient, token: str) -> int:
    return client.get("/v2/accounts/me", headers=bearer(token)).status_code


def log_out(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/v2/auth/logout", headers=bearer(token))


def change(client: FlaskClient, token: str, current: object, new: object) -> TestResponse:
    body = {"current_password": current, "new_password": new}
    return client.put("/v2/accounts/me/password", headers=bearer(token), json=body)


def test_logging_out_ends_the_token(client: FlaskClient, token: str) -> None:
    """L1"""
    answer = log_out(client, token)

    assert (answer.status_code, answer.data) == (204, b"")
    assert me(client, token) == 401


def test_logging_out_leaves_other_tokens(client: FlaskClient, token: str, log_in: Callable[..., str]) -> None:
    """L2"""
    tablet = log_in()

    log_out(client, token)

    assert me(client, tablet) == 200


def test_a_stranger_cannot_log_out(client: FlaskClient) -> None:
    """L3"""
    answer = log_out(client, token="")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_deleting_the_account_ends_its_tokens(client: FlaskClient, token: str) -> None:
    """L4"""
    client.delete("/v2/accounts/me", headers=bearer(token))

    assert me(client, token) == 401


def test_the_new_password_counts(client: FlaskClient, token: str, log_in: Callable[..., str]) -> None:
    """P1"""
    assert change(client, token, PASSWORD, NEW_PASSWORD).status_code == 204

    assert not log_in(PASSWORD)
    assert log_in(NEW_PASSWORD)


def test_other_tokens_end(client: FlaskClient, token: str, log_in: Callable[..., str]) -> None:
    """P2"""
    stolen = log_in()

    change(client, token, PASSWORD, NEW_PASSWORD)

    assert me(client, stolen) == 401
    assert me(client, token) == 200


def test_the_current_password_is_needed(client: FlaskClient, token: str, log_in: Callable[..., str]) -> None:
    """P3"""
    assert change(client, token, "not this one", NEW_PASSWORD).status_code == 403

    assert log_in(PASSWORD)
    assert not log_in(NEW_PASSWORD)


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        (PASSWORD, "fourteen chars", "new_password"),
        (PASSWORD, None, "new_password"),
        (None, NEW_PASSWORD, "current_password"),
    ],
)
def test_a_bad_body_is_refused(
    client: FlaskClient, token: str, log_in: Callable[..., str], current: object, new: object, field: str
) -> None:
    """P4"""
    answer = change(client, token, current, new)

    assert answer.status_code == 400
    assert [error["field"] for error in answer.get_json(force=True)["errors"]] == [field]
    assert log_in(PASSWORD)


def test_a_stranger_cannot_change_a_password(client: FlaskClient) -> None:
    """P5"""
    assert change(client, "", PASSWORD, NEW_PASSWORD).status_code == 401


def test_others_stay_logged_in(client: FlaskClient, token: str, log_in: Callable[..., str]) -> None:
    """P6"""
    other = {"email": "seojun@example.com", "name": "이서준", "password": PASSWORD}
    client.post("/v2/accounts", json=other)
    token_of_other = log_in(email="seojun@example.com")

    change(client, token, PASSWORD, NEW_PASSWORD)

    assert me(client, token_of_other) == 200


def test_guessing_is_slowed(client: FlaskClient, token: str) -> None:
    """P7"""
    statuses = [change(client, token, f"guess {number}", NEW_PASSWORD).status_code for number in range(21)]

    assert statuses[0] == 403
    assert 429 in statuses  # 21 and not 11: a new minute may begin in between
