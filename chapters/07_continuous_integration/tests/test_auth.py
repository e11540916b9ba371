"""The blueprint `auth`: logging in and out. L1 to L4 are the rows of chapter 6."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from config import TestingConfig

PASSWORD = "a passphrase of mina"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def me(client: FlaskClient, token: str) -> int:
    return client.get("/v2/accounts/me", headers=bearer(token)).status_code


def test_a_password_gives_a_token(client: FlaskClient) -> None:
    answer = client.post("/v2/auth/login", json={"email": " MINA@example.com ", "password": PASSWORD})

    body = answer.get_json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert answer.headers["Cache-Control"] == "no-store"
    assert me(client, body["access_token"]) == 200


@pytest.mark.parametrize("email", ["mina@example.com", "nobody@example.com"])
def test_a_wrong_password_gives_no_token(client: FlaskClient, email: str) -> None:
    """The answer does not say whether the e-mail has an account."""
    answer = client.post("/v2/auth/login", json={"email": email, "password": "not this one"})

    assert answer.status_code == 401
    assert answer.get_json(force=True)["detail"] == "wrong e-mail or password"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"json": {"email": "mina@example.com"}}, 400),
        ({"json": ["mina@example.com"]}, 400),
        ({"data": "{", "content_type": "application/json"}, 400),
        ({"data": "email=mina@example.com"}, 415),
    ],
)
def test_an_invalid_body(client: FlaskClient, sent: dict, status: int) -> None:
    assert client.post("/v2/auth/login", **sent).status_code == status


def test_guessing_is_slowed(client: FlaskClient) -> None:
    guesses = [{"email": "mina@example.com", "password": f"guess {number}"} for number in range(21)]
    answers = [client.post("/v2/auth/login", json=guess) for guess in guesses]

    slowed = [answer for answer in answers if answer.status_code == 429]
    assert slowed and int(slowed[0].headers["Retry-After"]) <= 60


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
def test_nonsense_is_not_a_token(client: FlaskClient, token: str) -> None:
    assert me(client, token) == 401


def test_logging_out_ends_the_token(client: FlaskClient, token: str) -> None:
    """L1"""
    answer = client.post("/v2/auth/logout", headers=bearer(token))

    assert (answer.status_code, answer.data) == (204, b"")
    assert me(client, token) == 401


def test_logging_out_leaves_other_tokens(client: FlaskClient, token: str, log_in: Callable[..., str]) -> None:
    """L2"""
    tablet = log_in()

    client.post("/v2/auth/logout", headers=bearer(token))

    assert me(client, tablet) == 200


def test_a_stranger_cannot_log_out(client: FlaskClient) -> None:
    """L3"""
    answer = client.post("/v2/auth/logout")

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_deleting_the_account_ends_its_tokens(client: FlaskClient, token: str) -> None:
    """L4"""
    client.delete("/v2/accounts/me", headers=bearer(token))

    assert me(client, token) == 401


def test_production_wants_a_secret() -> None:
    with pytest.raises(SystemExit, match="set FLASK_JWT_SECRET_KEY"):
        create_app(type("Forgotten", (TestingConfig,), {"ALLOW_WEAK_SECRET": False}))


def test_an_operator_makes_an_admin(app: Flask, client: FlaskClient) -> None:
    def create(email: str, password: str = PASSWORD) -> str:
        arguments = ["create-admin", "--email", email, "--name", "관리자"]
        return app.test_cli_runner().invoke(args=arguments, input=f"{password}\n{password}\n").output

    assert "boss@example.com is an admin" in create("boss@example.com")
    assert "has an account" in create("mina@example.com")
    assert "15 characters or more" in create("other@example.com", "short")
