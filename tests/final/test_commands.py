"""The commands of an operator."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from kit.adapter import GOOD_SECRET, PASSWORD, Client, Stage, expect


@pytest.fixture
def app(service: Stage) -> Any:
    """The service, without the demo account that another test may have left in instance/."""
    file = Path(service.app.instance_path) / "demo.json"
    file.unlink(missing_ok=True)
    yield service.app
    file.unlink(missing_ok=True)


def run(app: Flask, *command: str) -> Any:
    """Run `flask ...` and return the result."""
    return app.test_cli_runner().invoke(args=command)


def log_in(app: Flask, credentials: dict[str, str]) -> Any:
    """Log in as a client does."""
    return Client(app).post("/v2/auth/login", json=credentials)


def test_demo_prints_one_line_that_logs_in_every_time(app: Flask, in_database: Any) -> None:
    """One line of JSON, the same at every run; one account; the file is its owner's alone."""
    first, second = run(app, "demo"), run(app, "demo")

    assert first.exit_code == second.exit_code == 0, first.output + second.output
    assert first.output == second.output and first.output.count("\n") == 1
    credentials = json.loads(first.output)
    assert set(credentials) == {"email", "password"} and len(credentials["password"]) >= 32
    expect(log_in(app, credentials), 200)
    assert in_database("SELECT role FROM accounts") == [("member",)]
    file = Path(app.instance_path) / "demo.json"
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("loss", ["the file", "the account"])
def test_demo_repairs_what_was_lost(app: Flask, in_database: Any, loss: str) -> None:
    """What it prints logs in, also after the file or the account was deleted."""
    before = run(app, "demo").output
    if loss == "the file":
        (Path(app.instance_path) / "demo.json").unlink()
    else:
        in_database("DELETE FROM sessions")
        in_database("DELETE FROM accounts")

    after = run(app, "demo").output

    assert (before == after) == (loss == "the account")
    expect(log_in(app, json.loads(after)), 200)


def test_demo_repairs_a_password_that_was_changed(app: Flask) -> None:
    """It ends the sessions of the changed password; if nothing was changed, sessions go on."""
    credentials = json.loads(run(app, "demo").output)
    client = Client(app, "/v2", expect(log_in(app, credentials), 200)["access_token"])
    run(app, "demo")
    expect(client.get("/v2/accounts/me"), 200)
    body = {"current_password": credentials["password"], "new_password": "another passphrase for the tests"}
    expect(client.open("PUT", "/v2/accounts/me/password", json=body), 204)

    run(app, "demo")

    expect(client.get("/v2/accounts/me"), 401)
    expect(log_in(app, credentials), 200)


def test_demo_has_no_place_in_production(service: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """No account with a well-known address is made on a server."""
    monkeypatch.setenv("FLASK_SECRET_KEY", GOOD_SECRET)
    monkeypatch.delenv("FLASK_DEBUG", raising=False)
    app = service.new_app("ProductionConfig")

    result = run(app, "demo")

    assert result.exit_code == 1 and "production" in result.output
    assert not (Path(app.instance_path) / "demo.json").exists()


def test_a_command_on_an_empty_database_says_what_to_do(service: Stage) -> None:
    """A sentence, not a traceback."""
    service.migrates = False

    result = service.create_admin("boss@example.com", "관리자", app=service.new_app())

    assert result.exit_code == 1
    assert "db upgrade" in result.output and "Traceback" not in result.output


@pytest.mark.parametrize(
    ("email", "name", "said"), [("boss", "관리자", "email"), ("boss@example.com", "\n", "name")]
)
def test_create_admin_follows_the_rules_of_a_sign_up(
    service: Stage, email: str, name: str, said: str
) -> None:
    """What a client may not call itself, an operator may not either."""
    result = service.create_admin(email, name)

    assert result.exit_code == 1
    assert said in result.output and PASSWORD not in result.output
