"""Practice 2, application factory and configuration: one function makes many applications."""

from __future__ import annotations

import hashlib
import os
import runpy
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from flask import Flask
from kit.adapter import FINAL, GOOD_SECRET, PASSWORD, Client, Stage, expect
from kit.clients import Lacks
from sqlalchemy import Table, select
from sqlalchemy.engine import make_url

# -- the factory -----------------------------------------------------------------------------------


def test_two_applications_share_nothing(stage: Stage) -> None:
    """`create_app()` makes independent applications: one does not know the accounts of the other."""
    account = stage.sign_up(email="mina@example.com")
    other = stage.new_app()

    assert other is not stage.app
    answer = Client(other, stage.prefix).post(
        "/v2/auth/login", json={"email": account.email, "password": PASSWORD}
    )
    expect(answer, 401)


def test_two_applications_are_configured_apart(stage: Stage) -> None:
    """The configuration of one application does not affect the other."""
    one, two = stage.new_app(PAGE_SIZE=1), stage.new_app(PAGE_SIZE=7)

    assert (one.config["PAGE_SIZE"], two.config["PAGE_SIZE"]) == (1, 7)

    for cost in (256, 512):  # each hashes passwords as configured, not as the last one was
        app = stage.new_app(PASSWORD_HASH_METHOD=f"scrypt:{cost}:8:1", ARGON2_MEMORY=cost)
        stage.create_admin("boss@example.com", "관리자", app=app)
        kept = stored(app, "password_hash")["boss@example.com"]
        configured = kept.startswith((f"scrypt:{cost}:", f"$argon2id$v=19$m={cost},"))
        assert configured, "expected a password hashed as PASSWORD_HASH_METHOD says"


def test_the_factory_needs_no_argument(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """`create_app()` alone uses `config.DevelopmentConfig`, so `flask run` needs no option."""
    app = stage.create_app()

    assert (
        app.config["SQLALCHEMY_DATABASE_URI"] == stage.loaded.config.DevelopmentConfig.SQLALCHEMY_DATABASE_URI
    )
    expect(Client(app, stage.prefix).get("/v2/accounts/0"), 401, 404)
    stage.create_admin("boss@example.com", "관리자", app=app)
    login = {"email": "boss@example.com", "password": PASSWORD}
    expect(Client(app, stage.prefix).post("/v2/auth/login", json=login), 200)

    served: dict[str, Any] = {}
    monkeypatch.setattr(stage.loaded.package, "create_app", lambda: app)
    monkeypatch.setattr(Flask, "run", lambda self, **options: served.update(options))
    if stage.number < FINAL:  # whose own tests start it
        runpy.run_path(str(stage.loaded.folder / "run.py"), run_name="__main__")
        assert served.get("host") in (None, "127.0.0.1", "localhost"), (
            "expected an address of this machine, not of the network"
        )
        assert served.get("port") in (None, 5000)


def test_testing_keeps_its_accounts_out_of_the_real_database(stage: Stage) -> None:
    """The tests have a database of their own, not the one of development."""
    config = stage.loaded.config

    assert config.TestingConfig.TESTING is True
    assert config.TestingConfig.SQLALCHEMY_DATABASE_URI != config.DevelopmentConfig.SQLALCHEMY_DATABASE_URI
    dialect = make_url(config.TestingConfig.SQLALCHEMY_DATABASE_URI).get_dialect()
    assert dialect, "expected SQLALCHEMY_DATABASE_URI to be the URL of a database"


def test_accounts_survive_a_restart(stage: Stage, tmp_path: Path) -> None:
    """An account still exists when the application is created again."""
    database = f"sqlite:///{(tmp_path / 'accounts.sqlite').as_posix()}"
    app = stage.new_app(SQLALCHEMY_DATABASE_URI=database)
    new = {"email": "mina@example.com", "name": "김미나", "password": PASSWORD}
    expect(Client(app, stage.prefix).post("/accounts", json=new), 201, 202)

    if stage.number < FINAL:  # whose ids are not numbers
        with app.app_context():  # as if the service had had many accounts before this one
            session = app.extensions["sqlalchemy"].session
            session.execute(accounts_table(app).update().values(id=2**40))
            session.commit()

    restarted = stage.new_app(SQLALCHEMY_DATABASE_URI=database)

    login = {"email": "mina@example.com", "password": PASSWORD}
    token = expect(Client(restarted, stage.prefix).post("/v2/auth/login", json=login), 200)["access_token"]
    number = jwt.decode(token, options={"verify_signature": False})["sub"]
    account = expect(Client(restarted, stage.prefix, token).get(f"/v2/accounts/{number}"), 200)
    assert account["email"] == "mina@example.com"


# -- configuration: in code < from an object < from a file < from the environment ------------------


def test_the_page_size_is_configurable(stage: Stage) -> None:
    """`PAGE_SIZE` sets the number of accounts on a page when the client does not."""
    for _ in range(3):
        stage.sign_up()
    stage.app.config["PAGE_SIZE"] = 2

    assert len(expect(stage.admin.get("/v2/accounts"), 200)["items"]) == 2


def test_a_file_beats_the_class(stage: Stage) -> None:
    """`instance/config.toml` overrides the configuration class."""
    instance = stage.loaded.folder / "instance"
    instance.mkdir(exist_ok=True)
    file = instance / "config.toml"
    file.write_text("PAGE_SIZE = 3\n", encoding="utf-8")
    try:
        assert stage.new_app(PAGE_SIZE=1).config["PAGE_SIZE"] == 3
    finally:
        file.unlink()


def test_the_environment_beats_the_file(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """`FLASK_PAGE_SIZE` overrides everything else."""
    instance = stage.loaded.folder / "instance"
    instance.mkdir(exist_ok=True)
    file = instance / "config.toml"
    file.write_text("PAGE_SIZE = 3\n", encoding="utf-8")
    monkeypatch.setenv("FLASK_PAGE_SIZE", "4")
    try:
        assert stage.new_app(PAGE_SIZE=1).config["PAGE_SIZE"] == 4
    finally:
        file.unlink()


def test_testing_obeys_its_class_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With `TESTING`, neither the file nor the environment leads the application to another database."""
    real = tmp_path / "real.sqlite"
    url = f"sqlite:///{real.as_posix()}"
    for name in ("FLASK_SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_DATABASE_URI", "DATABASE_URL"):
        monkeypatch.setenv(name, url)
    file = stage.loaded.folder / "instance" / "config.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f'SQLALCHEMY_DATABASE_URI = "{url}"\n', encoding="utf-8")
    try:
        app = stage.loaded.package.create_app("config.TestingConfig")
    finally:
        file.unlink()

    stage.create_admin("boss@example.com", "관리자", app=app)
    assert not real.exists(), "expected the database of TestingConfig, not the one of the file or environment"


def test_code_gives_the_default(stage: Stage) -> None:
    """If nothing else sets a value, the one in the factory applies."""
    assert stage.new_app().config["PAGE_SIZE"] == 20


# -- secrets ---------------------------------------------------------------------------------------


def give_secret(stage: Stage, monkeypatch: pytest.MonkeyPatch, secret: str | None) -> None:
    """Set the environment of a server whose operator chose ``secret``, or forgot to."""
    for name in [name for name in os.environ if name.startswith("FLASK_")]:
        monkeypatch.delenv(name)
    if secret is not None:
        monkeypatch.setenv("FLASK_SECRET_KEY" if stage.number == FINAL else "FLASK_JWT_SECRET_KEY", secret)


@pytest.mark.parametrize("why", ["missing", "empty", "short", "short digits", "the one of development"])
def test_production_refuses_a_weak_secret(stage: Stage, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """Production does not start with a missing, short or published secret, and says why in one line."""
    development = stage.loaded.config.DevelopmentConfig
    published = development.SECRET_KEY if stage.number == FINAL else development.JWT_SECRET_KEY
    chosen = {"empty": "", "short": "x" * 31, "short digits": "7" * 31, "the one of development": published}
    secret = chosen.get(why)  # None if it is missing
    give_secret(stage, monkeypatch, secret)

    with pytest.raises(SystemExit) as stopped:
        stage.new_app("ProductionConfig")

    message = str(stopped.value.code)
    assert "SECRET_KEY" in message
    assert "\n" not in message
    assert not secret or secret not in message, "expected a message that does not show the secret"


@pytest.mark.parametrize(
    "secret", [GOOD_SECRET, "31415926535897932384626433832795"], ids=["letters", "digits"]
)
def test_production_starts_with_a_good_secret(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    """Production starts with a secret of 32 bytes or more."""
    give_secret(stage, monkeypatch, secret)

    app = stage.new_app("ProductionConfig")

    expect(Client(app, stage.prefix).get("/v2/accounts/0"), 401, 404)
    stage.create_admin("boss@example.com", "관리자", app=app)
    login = {"email": "boss@example.com", "password": PASSWORD}
    expect(Client(app, stage.prefix).post("/v2/auth/login", json=login), 200)  # the secret can sign


@pytest.mark.threads
def test_who_starts_production_reads_a_sentence(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a server starts production without a secret, it prints one line and no traceback."""
    give_secret(stage, monkeypatch, None)
    start = "import app; app.create_app('config.ProductionConfig')"

    started = subprocess.run(
        [sys.executable, "-B", "-c", start],
        cwd=stage.loaded.folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )

    assert started.returncode == 1, started.stderr
    assert len(started.stderr.strip().splitlines()) == 1, started.stderr


# -- passwords and tokens --------------------------------------------------------------------------


def accounts_table(app: Flask) -> Table:
    """Return the table that has the passwords' hashes, whatever it is called."""
    with app.app_context():
        tables = app.extensions["sqlalchemy"].metadata.tables.values()
        found = [table for table in tables if "password_hash" in table.columns]
    if not found:
        raise Lacks("table", "password_hash")
    return found[0]


def stored(app: Flask, column: str) -> dict[str, str]:
    """Return what the database has in ``column`` for each e-mail."""
    table = accounts_table(app)
    with app.app_context():
        session = app.extensions["sqlalchemy"].session
        return dict(session.execute(select(table.c.email, table.c[column])).all())


def test_a_password_is_not_stored(stage: Stage, tmp_path: Path) -> None:
    """The database holds the account, but nowhere its password."""
    stage.keep_in(tmp_path / "accounts.sqlite")
    stage.sign_up(email="mina@example.com", password="correct horse battery staple 9")

    data = b"".join(file.read_bytes() for file in tmp_path.glob("accounts.sqlite*"))

    assert b"mina@example.com" in data
    assert b"correct horse" not in data


def test_equal_passwords_are_stored_apart(stage: Stage) -> None:
    """Two accounts with the same password have different hashes, because each has its own salt."""
    first, second = stage.sign_up(), stage.sign_up()

    hashes = stored(stage.app, "password_hash")

    assert hashes[first.email] != hashes[second.email]


def test_an_answer_never_has_the_password(stage: Stage, version: str) -> None:
    """Neither the password nor its hash appears in a response."""
    account = stage.sign_up(password="correct horse battery staple 9")

    for answer in (
        account.client.get(account.path),
        stage.admin.get("/accounts"),
        stage.log_in(account.email),
    ):
        assert "correct horse" not in answer.text
        for telltale in ("password_hash", "scrypt:", "pbkdf2:", "$argon2"):
            assert telltale not in answer.text


@pytest.mark.parametrize(
    "password", [None, "", "fourteen chars", 15 * 7, "\x00" * 20, ["a passphrase for the tests"]]
)
def test_a_bad_password_is_refused(stage: Stage, version: str, password: object) -> None:
    """A password that isn't text of 15 characters or more is refused with 400, and no account is created."""
    new = {"email": "mina@example.com", "name": "김미나", "password": password}

    expect(stage.client.post("/accounts", json=new), 400)

    assert stage.list_accounts() == []
    expect(stage.client.post("/accounts", json=new | {"password": "fifteen letters"}), 201, 202)


def test_logging_in_gives_an_access_token(stage: Stage) -> None:
    """`POST /v2/auth/login` returns a token that names the account and expires."""
    account = stage.sign_up()

    answer = stage.log_in(account.email)

    body = expect(answer, 200)
    assert body["token_type"] == "Bearer"
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert claims["sub"] == str(account.id)
    assert 0 < claims["exp"] - time.time() <= body["expires_in"] <= 600
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_email_of_a_login_may_be_capitalised(stage: Stage) -> None:
    """An e-mail address is the same however it is capitalised."""
    stage.sign_up(email="mina@example.com")

    expect(stage.log_in("Mina@Example.COM"), 200)


def test_a_wrong_password_and_an_unknown_email_get_the_same_answer(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both get the same 401, body included: a log-in does not reveal who has an account."""
    account = stage.sign_up()
    hashes = []
    scrypt = hashlib.scrypt
    monkeypatch.setattr(
        hashlib, "scrypt", lambda *args, **options: hashes.append(1) or scrypt(*args, **options)
    )

    wrong = stage.log_in(account.email, "not this one, certainly")
    work = len(hashes)
    unknown = stage.log_in("nobody@example.com")
    assert len(hashes) == 2 * work, "expected equal work: otherwise the time reveals who has an account"

    expect(wrong, 401)
    expect(unknown, 401)
    assert _without_instance(wrong.get_json(force=True)) == _without_instance(unknown.get_json(force=True))


def _without_instance(body: dict[str, object]) -> dict[str, object]:
    """Leave out the id of the request, which differs in every answer."""
    return {key: value for key, value in body.items() if key != "instance"}


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        "{}",
        '{"email": "mina@example.com"}',
        '{"password": "a passphrase for the tests 1"}',
        '{"email": 1, "password": 2}',
        '{"email": 1, "password": "a passphrase for the tests 1"}',
    ],
)
def test_a_malformed_login_is_400(stage: Stage, body: str) -> None:
    """A log-in without an e-mail and a password is 400, not 401: there is nothing to check."""
    expect(stage.client.post("/v2/auth/login", data=body, content_type="application/json"), 400)


# -- the operator's command ------------------------------------------------------------------------


def test_create_admin_makes_an_admin(stage: Stage) -> None:
    """`flask create-admin` creates an admin account that can log in."""
    result = stage.create_admin("boss@example.com", "관리자")

    assert result.exit_code == 0, result.output
    expect(stage.log_in("boss@example.com"), 200)
    assert "boss@example.com" in result.output
    assert PASSWORD not in result.output
    assert stored(stage.app, "role") == {"boss@example.com": "admin"}


def test_signing_up_cannot_make_an_admin(stage: Stage) -> None:
    """A `role` in the body of a sign-up is ignored."""
    new = {"email": "mina@example.com", "name": "김미나", "password": PASSWORD, "role": "admin"}

    answer = stage.client.post("/accounts", json=new)

    account = expect(answer, 201, 202, 400)
    assert set(stored(stage.app, "role").values()) <= {"member"}
    if answer.status_code == 201:  # 202 reveals nothing about the account
        assert account["role"] == "member"


@pytest.mark.parametrize("password", ["short", "fourteen chars"])
def test_create_admin_refuses_a_short_password(stage: Stage, password: str) -> None:
    """The command applies the same rules to an admin, and says what is wrong."""
    result = stage.create_admin("boss@example.com", "관리자", password)

    assert result.exit_code == 1
    assert "password" in result.output
    expect(stage.log_in("boss@example.com", password), 401)


def test_create_admin_refuses_a_taken_email(stage: Stage) -> None:
    """The command does not touch an existing account."""
    account = stage.sign_up()

    table = accounts_table(stage.app)
    with stage.app.app_context():  # as in a shell, where one session of the database serves many commands
        result = stage.create_admin(account.email, "관리자", "another passphrase 123")
        assert stage.app.extensions["sqlalchemy"].session.scalar(select(table.c.email)) == account.email

    assert result.exit_code == 1
    assert "e-mail" in result.output
    expect(stage.log_in(account.email), 200)
