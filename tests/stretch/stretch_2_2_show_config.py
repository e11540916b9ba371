"""Stretch task 2.2: a command that shows with which settings this very service runs, and no secret."""

from __future__ import annotations

import pytest
from kit.adapter import Stage

SECRET = "nobody may read this, thirty-two bytes and more"


def shown(stage: Stage, **settings: object) -> dict[str, str]:
    """Run `flask show-config`; return the settings by their names."""
    result = stage.new_app(**settings).test_cli_runner().invoke(args=["show-config"])
    assert result.exit_code == 0, result.output
    return {name: value for name, _, value in (line.partition(" = ") for line in result.output.splitlines())}


def test_every_setting_is_shown_in_order(stage: Stage) -> None:
    """A line for each, NAME = value, sorted by name."""
    settings = shown(stage, PAGE_SIZE=33)

    assert settings["PAGE_SIZE"] == "33" and settings["TESTING"] == "False"
    assert list(settings) == sorted(settings)
    assert "SQLALCHEMY_DATABASE_URI" in settings


@pytest.mark.parametrize("name", ["JWT_SECRET_KEY", "SECRET_KEY", "MAIL_PASSWORD", "API_TOKEN"])
def test_a_secret_is_masked(stage: Stage, name: str) -> None:
    """What is called a secret, a password, a key or a token shows only that it is set."""
    settings = shown(stage, **{name: SECRET})

    assert SECRET not in "".join(settings.values())
    assert settings[name] == "***"


def test_a_secret_that_is_missing_is_seen_to_be(stage: Stage) -> None:
    """Masked and missing look different: who runs the command looks for just that."""
    assert shown(stage, MAIL_PASSWORD=None)["MAIL_PASSWORD"] == "not set"
    assert shown(stage, MAIL_PASSWORD="")["MAIL_PASSWORD"] == "not set"


def test_a_password_in_an_address_is_masked(stage: Stage) -> None:
    """Of an address with a log-in the password is masked, and the rest stays readable."""
    settings = shown(stage, MAIL_URL="smtp://mina:hunter2@mail.example.com:587/box")

    assert settings["MAIL_URL"] == "smtp://mina:***@mail.example.com:587/box"


def test_the_environment_is_seen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows what holds in the end, not what stands in config.py."""
    monkeypatch.setenv("FLASK_PAGE_SIZE", "44")

    assert shown(stage)["PAGE_SIZE"] == "44"
