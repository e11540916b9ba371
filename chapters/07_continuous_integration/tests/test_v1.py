"""The blueprint `v1`: accounts, as the first clients know them."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "a passphrase of mina"


@pytest.fixture
def admin(app: Flask, client: FlaskClient, log_in: Callable[..., str]) -> dict[str, str]:
    """The headers of an admin."""
    arguments = ["create-admin", "--email", "boss@example.com", "--name", "관리자"]
    app.test_cli_runner().invoke(args=arguments, input=f"{PASSWORD}\n{PASSWORD}\n")
    return {"Authorization": f"Bearer {log_in(email='boss@example.com')}"}


@pytest.fixture
def mina(token: str) -> dict[str, str]:
    """The headers of Mina, whose account is the first."""
    return {"Authorization": f"Bearer {token}"}


def sign_up(client: FlaskClient, **changes: str) -> TestResponse:
    account = {"email": "seojun@example.com", "name": "이서준", "password": PASSWORD}
    return client.post("/v1/accounts", json=account | changes)


def test_signing_up(client: FlaskClient) -> None:
    answer = sign_up(client)

    assert (answer.status_code, answer.headers["Location"]) == (201, "/v1/accounts/2")
    assert answer.get_json() == {"id": 2, "email": "seojun@example.com", "name": "이서준", "role": "member"}
    assert "이서준" in answer.text


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"email": "MINA@example.com"}, 409),
        ({"email": "mina"}, 400),
        ({"name": " "}, 400),
        ({"password": "short"}, 400),
    ],
)
def test_signing_up_is_refused(client: FlaskClient, changes: dict[str, str], status: int) -> None:
    answer = sign_up(client, **changes)

    assert answer.status_code == status
    assert "error" in answer.get_json()


def test_admins_see_the_list(client: FlaskClient, admin: dict[str, str], mina: dict[str, str]) -> None:
    assert [account["name"] for account in client.get("/v1/accounts", headers=admin).get_json()] == [
        "김미나",
        "관리자",
    ]
    assert client.get("/v1/accounts", headers=mina).status_code == 403
    assert client.get("/v1/accounts").status_code == 401


def test_the_list_is_kept_until_something_changes(client: FlaskClient, admin: dict[str, str]) -> None:
    client.get("/v1/accounts", headers=admin)
    kept = client.get("/v1/accounts", headers=admin)
    sign_up(client)
    fresh = client.get("/v1/accounts", headers=admin)

    assert kept.headers["Cache-Status"] == "app; hit"
    assert len(fresh.get_json()) == len(kept.get_json()) + 1


def test_a_long_list_is_sent_compressed(client: FlaskClient, admin: dict[str, str]) -> None:
    for number in range(10):
        sign_up(client, email=f"number{number}@example.com")

    asked = client.get("/v1/accounts", headers=admin | {"Accept-Encoding": "gzip"})
    plain = client.get("/v1/accounts", headers=admin)

    assert asked.content_encoding == "gzip" and len(asked.data) < len(plain.data)
    assert "Accept-Encoding" in plain.vary


def test_an_account_is_its_owners(client: FlaskClient, admin: dict[str, str], mina: dict[str, str]) -> None:
    sign_up(client)

    assert client.get("/v1/accounts/1", headers=mina).get_json()["name"] == "김미나"
    assert client.get("/v1/accounts/2", headers=mina).status_code == 404
    assert client.get("/v1/accounts/9", headers=mina).status_code == 404
    assert client.get(f"/v1/accounts/{2**64}", headers=admin).status_code == 404
    assert client.get("/v1/accounts/1", headers=admin).status_code == 200


def test_changing_and_deleting(client: FlaskClient, admin: dict[str, str], mina: dict[str, str]) -> None:
    renamed = client.patch("/v1/accounts/1", json={"name": " 김민아 "}, headers=mina)

    assert renamed.get_json()["name"] == "김민아"
    assert client.delete("/v1/accounts/1", headers=mina).status_code == 204
    assert client.get("/v1/accounts/1", headers=admin).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/nothing", 404), ("PUT", "/v1/accounts", 405)]
)
def test_errors_look_as_they_always_did(client: FlaskClient, method: str, path: str, status: int) -> None:
    answer = client.open(path, method=method)

    assert answer.status_code == status
    assert list(answer.get_json()) == ["error"]


def test_the_end_is_announced(client: FlaskClient) -> None:
    headers = client.get("/v1/accounts").headers

    assert headers["Deprecation"].startswith("@")
    assert headers["Link"] == '</v2/accounts>; rel="successor-version"'
