"""The values that a setting may have, and what an operator reads about one that it may not."""

from __future__ import annotations

import builtins
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kit.adapter import GOOD_SECRET, LoadedStage, Stage


@pytest.fixture(autouse=True)
def production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what the machine of the tests may have set, and set what production wants."""
    for name in [name for name in os.environ if name.startswith("FLASK_") or name == "DATABASE_URL"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FLASK_SECRET_KEY", GOOD_SECRET)


def refusal(service: Stage, place: str = "ProductionConfig") -> str:
    """Return the one line with which the start is refused."""
    with pytest.raises(SystemExit) as stopped:
        service.new_app(place)
    line = str(stopped.value.code)
    assert "\n" not in line
    return line


#: The least and the most of each number, as an operator may rely on them.
RANGES = {
    "PORT": (1, 65535),
    "DATABASE_POOL": (1, 100),
    "JWT_ACCESS_TOKEN_EXPIRES": (60, 3600),
    "SESSION_LIFETIME": (3600, 31_622_400),
    "SESSION_IDLE": (600, 31_622_400),
    "REFRESH_LEEWAY": (0, 60),
    "AUTHENTICATION_MAX_AGE": (60, 86400),
    "ARGON2_MEMORY": (7168, 262_144),
    "ARGON2_TIME": (1, 16),
    "PASSWORD_SLOTS": (1, 5),
    "MAIL_INTERVAL": (0, 3600),
    "MAILS_PER_ACCOUNT": (1, 10**9),
    "MAILS_PER_ACCOUNT_IN_ALL": (1, 10**9),
    "PROXIES": (0, 10),
    "ATTEMPTS_PER_ADDRESS": (1, 10**9),
    "ATTEMPTS_PER_ACCOUNT": (1, 10**9),
    "ATTEMPTS_PER_ACCOUNT_IN_ALL": (1, 10**9),
    "REFRESHES_PER_ADDRESS": (1, 10**9),
    "CODES_PER_ACCOUNT": (1, 100),
    "UNVERIFIED_DAYS": (0, 3660),
    "AUDIT_DAYS": (0, 3660),
    "ADDRESS_DAYS": (0, 3660),
    "MAINTENANCE_RETRY_AFTER": (1, 86400),
    "MAX_CONTENT_LENGTH": (4096, 1_048_576),
    "PAGE_SIZE": (1, 100),
}
#: What else has to be set, so that the least or the most of a setting can be.
BESIDES = {"ARGON2_MEMORY": {"ARGON2_TIME": 5}, "ARGON2_TIME": {"ARGON2_MEMORY": 65536}}


#: What production does where an operator says nothing, as they may rely on it. Times are in seconds.
DEFAULTS = {
    "PRODUCTION": True,
    "HOST": "127.0.0.1",
    "PORT": 8001,
    "PAGE_SIZE": 20,
    "SQLALCHEMY_DATABASE_URI": "sqlite:///accounts.sqlite",
    "DATABASE_POOL": 6,
    "SECRET_KEY": None,
    "TOKEN_ISSUER": "accounts",
    "TOKEN_AUDIENCE": "accounts",
    "JWT_ACCESS_TOKEN_EXPIRES": 600,
    "TOKEN_ALGORITHM": "ES256",
    "SESSION_LIFETIME": 2_592_000,
    "SESSION_IDLE": 604_800,
    "REFRESH_LEEWAY": 10,
    "AUTHENTICATION_MAX_AGE": 900,
    "ADMIN_MFA_REQUIRED": False,
    "ARGON2_MEMORY": 19456,
    "ARGON2_TIME": 2,
    "PASSWORD_SLOTS": 4,
    "PUBLIC_URL": "http://127.0.0.1:8001",
    "SMTP_URL": "",
    "MAIL_FROM": "",
    "MAIL_INTERVAL": 30,
    "MAILS_PER_ACCOUNT": 5,
    "MAILS_PER_ACCOUNT_IN_ALL": 20,
    "REQUIRE_VERIFIED_EMAIL": True,
    "UNVERIFIED_DAYS": 7,
    "PROXIES": 0,
    "ATTEMPTS_PER_ADDRESS": 60,
    "ATTEMPTS_PER_ACCOUNT": 10,
    "ATTEMPTS_PER_ACCOUNT_IN_ALL": 50,
    "REFRESHES_PER_ADDRESS": 300,
    "CODES_PER_ACCOUNT": 10,
    "AUDIT_DAYS": 366,
    "ADDRESS_DAYS": 90,
    "REDIS_URL": "",
    "DOCUMENTATION_PAGE": False,
    "MAINTENANCE": False,
    "MAINTENANCE_RETRY_AFTER": 120,
    "COMMIT": None,
    "BUILT_AT": None,
    "MAX_CONTENT_LENGTH": 16384,
}


def test_a_default_changes_only_on_purpose(final: LoadedStage) -> None:
    """Another one is another service after an update: say so to its operators, and write it here."""
    production, development = (
        {name: getattr(chosen, name) for name in dir(chosen) if name.isupper()}
        for chosen in (final.config.ProductionConfig, final.config.DevelopmentConfig)
    )
    assert production == DEFAULTS
    assert development == DEFAULTS | {
        "PRODUCTION": False,
        "SECRET_KEY": "development-only, everybody can read this secret",
        "REQUIRE_VERIFIED_EMAIL": False,
        "DOCUMENTATION_PAGE": True,
    }


def test_every_number_has_a_range(final: LoadedStage) -> None:
    """A new setting that is a number is not forgotten here."""
    numbers = {name for name in dir(final.config.Config) if type(getattr(final.config.Config, name)) is int}

    assert numbers == RANGES.keys()


@pytest.mark.parametrize("name", RANGES)
def test_a_number_out_of_its_range_stops_production(
    service: Stage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The line has the setting, the range and where to mend it; elsewhere any number may be tried out."""
    least, most = RANGES[name]
    for value in (least - 1, -5, most + 1):
        monkeypatch.setenv(f"FLASK_{name}", str(value))
        line = refusal(service)
        assert name in line and f"from {least} to {most}" in line and f"FLASK_{name}" in line
    for value in (least, most):
        monkeypatch.setenv(f"FLASK_{name}", str(value))
        app = service.new_app("ProductionConfig", **BESIDES.get(name, {}))
        assert app.config[name] == value


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "a secret of one letter": ({"SECRET_KEY": "z" * 40}, "SECRET_KEY"),
    "a secret of one digit": ({"SECRET_KEY": "7" * 40}, "SECRET_KEY"),
    "a secret of one syllable": ({"SECRET_KEY": "가" * 20}, "SECRET_KEY"),
    "a secret of a few letters": ({"SECRET_KEY": "abcabdabcabcdabcabdabcabdabcabdacb"}, "SECRET_KEY"),
    "a word, repeated": ({"SECRET_KEY": "secret-key" * 5}, "SECRET_KEY"),
    "too little memory for one pass": ({"ARGON2_TIME": "1"}, "ARGON2_MEMORY"),
    "too little memory for four": ({"ARGON2_TIME": "4", "ARGON2_MEMORY": "8192"}, "ARGON2_MEMORY"),
    "an unknown algorithm": ({"TOKEN_ALGORITHM": "none"}, "TOKEN_ALGORITHM"),
    "an algorithm with a shared key": ({"TOKEN_ALGORITHM": "HS256"}, "TOKEN_ALGORITHM"),
    "an issuer without a name": ({"TOKEN_ISSUER": ""}, "TOKEN_ISSUER"),
    "an audience without a name": ({"TOKEN_AUDIENCE": " "}, "TOKEN_AUDIENCE"),
    "a path": ({"PUBLIC_URL": "https://example.com/accounts"}, "PUBLIC_URL"),
    "a query": ({"PUBLIC_URL": "https://example.com?x=y"}, "PUBLIC_URL"),
    "a fragment": ({"PUBLIC_URL": "https://example.com/#"}, "PUBLIC_URL"),
    "no host": ({"PUBLIC_URL": "https://"}, "PUBLIC_URL"),
    "a user": ({"PUBLIC_URL": "https://mina:hunter2@example.com"}, "PUBLIC_URL"),
    "no port": ({"PUBLIC_URL": "https://example.com:abc"}, "PUBLIC_URL"),
    "plain mail by the network": ({"SMTP_URL": "smtp+plain://mail.example.com"}, "SMTP_URL"),
    "plain mail by an address": ({"SMTP_URL": "smtp+plain://mina:hunter2@192.0.2.7:25"}, "SMTP_URL"),
    "text for a switch": ({"MAINTENANCE": "off"}, "MAINTENANCE"),
    "a number for a switch": ({"REQUIRE_VERIFIED_EMAIL": "2"}, "REQUIRE_VERIFIED_EMAIL"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_safe_stops_production(
    service: Stage, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """One line names the setting and the variable, and does not repeat the value."""
    settings, name = WRONG[case]
    for variable, value in settings.items():
        monkeypatch.setenv(f"FLASK_{variable}", value)

    line = refusal(service)

    assert line.startswith(name) and f"FLASK_{name}" in line
    assert "hunter2" not in line and settings.get("SECRET_KEY", "?!") not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "https://accounts.example.com/"),
        ("PUBLIC_URL", "https://accounts.example.com:8443"),
        ("PUBLIC_URL", "https://[2001:db8::1]"),
        ("SMTP_URL", "smtp+plain://127.0.0.1:25"),
        ("SMTP_URL", "smtp+plain://[::1]"),
        ("SMTP_URL", "smtp+plain://localhost"),
        ("SMTP_URL", "smtp://mail.example.com"),
        ("TOKEN_ALGORITHM", "EdDSA"),
    ],
)
def test_what_is_safe_starts(service: Stage, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """The forms that an operator may choose from."""
    monkeypatch.setenv(f"FLASK_{name}", value)

    assert service.new_app("ProductionConfig").config[name] == value


@pytest.mark.parametrize(("value", "so"), [("1", True), ("0", False), ("true", True), ("false", False)])
def test_a_switch_is_a_number_too(
    service: Stage, monkeypatch: pytest.MonkeyPatch, value: str, so: bool
) -> None:
    """`FLASK_MAINTENANCE=1` is what many write."""
    monkeypatch.setenv("FLASK_MAINTENANCE", value)

    assert service.new_app("ProductionConfig").config["MAINTENANCE"] is so


def test_a_development_url_may_not_have_a_path_either(
    service: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Links would lead to a page that is not there."""
    monkeypatch.setenv("FLASK_PUBLIC_URL", "http://127.0.0.1:8001/accounts")

    assert "PUBLIC_URL" in refusal(service, "DevelopmentConfig")


@pytest.mark.parametrize("content", [b"SECRET_KEY = hunter2", b"\xff\xfe", b"A = 1\nA = 2"])
def test_a_file_of_settings_that_is_none_stops_the_start(service: Stage, content: bytes) -> None:
    """In one line, without what is in the file."""
    file = Path(service.app.instance_path) / "config.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    try:
        line = refusal(service, "DevelopmentConfig")
    finally:
        file.unlink()

    assert "config.toml is not TOML" in line and "hunter2" not in line


def test_a_file_of_settings_that_may_not_be_read_stops_the_start(
    service: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It belongs to another user: one line instead of a traceback."""

    def refuse(file: Any, *arguments: Any, **options: Any) -> Any:
        if str(file).endswith("config.toml"):
            raise PermissionError(13, "Permission denied", str(file))
        return opened(file, *arguments, **options)

    opened = builtins.open
    monkeypatch.setattr(builtins, "open", refuse)

    assert "config.toml cannot be read: PermissionError" in refusal(service, "DevelopmentConfig")


@pytest.mark.parametrize(
    ("program", "variable", "value"),
    [
        ("run.py", "PORT", "0"),
        ("run.py", "PORT", "65536"),
        ("serve.py", "PORT", "0"),
        ("serve.py", "WEB_CONCURRENCY", "two"),
    ],
)
def test_a_server_is_not_started_by_a_number_that_is_none(
    final: LoadedStage, tmp_path: Path, program: str, variable: str, value: str
) -> None:
    """`serve.py` and `run.py` end with one line that names the variable."""
    url = f"sqlite:///{(tmp_path / 'accounts.sqlite').as_posix()}"
    settings = {"APP_CONFIG": "config.DevelopmentConfig", "DATABASE_URL": url, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, program],
        cwd=final.folder,
        env={**os.environ, **settings, variable: value},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and variable in done.stderr and "from 1 to" in done.stderr
    assert not list(tmp_path.glob("accounts-metrics-*"))


#: What is no number for them.
NONE = {"PORT": ["abc", "0", "-1", "65536", "8001.5"], "WEB_CONCURRENCY": ["two", "0", "-1", "1025"]}
#: Prints what `serve.py` says of each, in one process: to start one for each takes seconds.
ASK = """
import json, os, sys
from serve import server

for name, values in json.loads(sys.argv[1]).items():
    for value in values:
        os.environ[name] = value
        try:
            server()
        except SystemExit as stopped:
            print(stopped.code)
    del os.environ[name]
"""


def test_each_number_of_a_server_has_a_range(final: LoadedStage) -> None:
    """Below it, above it, and what is no number at all."""
    call = [sys.executable, "-c", ASK, json.dumps(NONE)]
    done = subprocess.run(call, cwd=final.folder, capture_output=True, text=True, timeout=60)

    most = {"PORT": 65535, "WEB_CONCURRENCY": 1024}
    line = "{0} has to be a whole number from 1 to {1}: correct the variable {0}"
    said = [line.format(name, most[name]) for name, values in NONE.items() for _ in values]
    assert done.stdout.splitlines() == said, done.stderr
