"""The blueprint `health`."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.extensions import db
from config import TestingConfig


def test_it_lives_whatever_the_database_does(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        db.drop_all()

    assert client.get("/health/live").get_json() == {"status": "live"}


def test_it_is_ready_when_the_database_is(app: Flask, client: FlaskClient) -> None:
    assert client.get("/health/ready").get_json() == {"status": "ready"}

    with app.app_context():
        db.drop_all()
    answer = client.get("/health/ready")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.content_type == "application/problem+json"


def test_it_says_what_it_was_built_from() -> None:
    built = type("Built", (TestingConfig,), {"COMMIT": "12345e6", "BUILT_AT": "2026-11-21T12:00:00+00:00"})

    answer = create_app(built).test_client().get("/version")

    assert answer.get_json() == {"commit": "12345e6", "built_at": "2026-11-21T12:00:00+00:00"}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/health/live", 200), ("/health/ready", 200), ("/version", 200), ("/v2/accounts/me", 503)],
)
def test_it_can_be_asked_in_maintenance(app: Flask, client: FlaskClient, path: str, status: int) -> None:
    app.config["MAINTENANCE"] = True

    assert client.get(path).status_code == status
