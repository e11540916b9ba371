"""What `base.py` does by inheritance, by fixtures: a test asks for what it needs by name."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.extensions import db
from config import TestingConfig

PASSWORD = "a passphrase of mina"


@pytest.fixture
def app() -> Iterator[Flask]:
    """An application for this test alone; the code after `yield` runs when the test is over."""
    app = create_app(TestingConfig)
    yield app
    with app.app_context():
        db.drop_all()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client, with one account signed up."""
    client = app.test_client()
    account = {"email": "mina@example.com", "name": "김미나", "password": PASSWORD}
    assert client.post("/v2/accounts", json=account).status_code == 201
    return client


@pytest.fixture
def log_in(client: FlaskClient) -> Callable[..., str]:
    """A function that logs in and returns a token, an empty one if the password is wrong."""

    def log_in(password: str = PASSWORD, email: str = "mina@example.com") -> str:
        answer = client.post("/v2/auth/login", json={"email": email, "password": password})
        return answer.get_json()["access_token"] if answer.status_code == 200 else ""

    return log_in


@pytest.fixture
def token(log_in: Callable[..., str]) -> str:
    """The token of a first log-in."""
    return log_in()
