"""Practice 2, application factory and configuration: one function makes many applications."""

from __future__ import annotations

import base64
import os
import runpy
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any, cast

import jwt
import pytest
import werkzeug.serving
from flask import Flask
from kit import stored
from kit.adapter import FINAL, GOOD_SECRET, PASSWORD, TOKENS, Client, Stage, expect
from kit.answers import has_token
from kit.clients import expect_object, expect_page, expect_status
from kit.hashing import counted
from kit.superseded import superseded
from sqlalchemy import event
from sqlalchemy.engine import Engine, make_url

ENUMERATION = "registration answers 202 so that it does not reveal who has an account"

MINA = {"email": "mina@example.com", "name": "김미나", "password": PASSWORD}


def sign_up_and_log_in(stage: Stage, app: Flask) -> None:
    """Sign up, unless an earlier run has, and log in if there is a log-in yet."""
    client = Client(app, stage.prefix)
    if stage.number == FINAL:  # in production a member has to confirm the e-mail first
        stage.create_admin(MINA["email"], MINA["name"], app=app)
    else:
        expect_status(client.post("/accounts", json=MINA), 201, 409)
    login = {"email": MINA["email"], "password": MINA["password"]}
    expect_status(client.post("/v2/auth/login", json=login), 200, 404 if stage.number < TOKENS else 200)


# -- the factory -----------------------------------------------------------------------------------


def test_two_applications_share_nothing(stage: Stage) -> None:
    """`create_app()` makes independent applications: one does not know the accounts of the other."""
    account = stage.sign_up(email="mina@example.com")
    other = stage.new_app()

    assert other is not stage.app
    client = Client(other, stage.prefix)
    login = {"email": account.email, "password": PASSWORD}
    expect_status(client.post("/v2/auth/login", json=login), 401, 404)  # 404 while there is no log-in yet
    new = {"email": account.email, "name": "이서준", "password": PASSWORD}
    expect(client.post("/accounts", json=new), 201, 202)


def test_two_applications_are_configured_apart(stage: Stage) -> None:
    """`create_app(config)` takes a configuration class, and it does not affect other applications."""
    costs = {"PASSWORD_HASH_METHOD": "scrypt:{}:8:1", "ARGON2_MEMORY": "$argon2id$v=19$m={},"}
    # A learner's may be called something else.
    known = [name for name in costs if hasattr(stage.loaded.config.TestingConfig, name)]
    apps = []
    for size, cost in ((1, 256), (7, 512)):
        settings = {"PASSWORD_HASH_METHOD": f"scrypt:{cost}:8:1", "ARGON2_MEMORY": cost, "PAGE_SIZE": size}
        apps.append((stage.new_app(**settings), size, cost))

    for app, size, cost in apps:
        expect(Client(app, stage.prefix).post("/accounts", json=MINA), 201, 202)
        assert app.config["PAGE_SIZE"] == size
        for name in known:
            hashed = stored.secrets(stored.of_account(app, MINA["email"]))
            like = costs[name].format(cost)
            configured = any(one.startswith(like) for found in hashed.values() for one in found)
            assert configured, "expected a password hashed as PASSWORD_HASH_METHOD says"


def setting(config: type, name: str) -> Any:
    """Return a setting of a configuration class, which may also be a property of its instances."""
    value = getattr(config, name, None)
    return getattr(config(), name) if isinstance(value, property) else value


def test_the_factory_needs_no_argument(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """`create_app()` uses `config.DevelopmentConfig`, and `run.py` serves only this machine."""
    app = stage.create_app()

    database = "SQLALCHEMY_DATABASE_URI"
    assert app.config.get(database) == setting(stage.loaded.config.DevelopmentConfig, database)
    expect(Client(app, stage.prefix).get("/v2/accounts/0"), 401, 404)
    sign_up_and_log_in(stage, app)

    program = stage.loaded.folder / "run.py"
    if stage.number == FINAL or not program.exists():  # the tests of final start it; a learner may do without
        return
    hosts: list[Any] = []
    monkeypatch.setattr(stage.loaded.package, "create_app", lambda *_, **__: app)
    monkeypatch.setattr(Flask, "run", lambda self, host=None, *_, **__: hosts.append(host))
    monkeypatch.setattr(werkzeug.serving, "run_simple", lambda hostname, *_, **__: hosts.append(hostname))
    runpy.run_path(str(program), run_name="__main__")
    for host in hosts:
        assert host in (None, "127.0.0.1", "localhost", "::1"), (
            "expected an address of this machine, not of the network"
        )


def test_testing_keeps_its_accounts_out_of_the_real_database(stage: Stage) -> None:
    """`config.TestingConfig` has `TESTING` on and a database of its own, not the one of development."""
    config = stage.loaded.config
    own = setting(config.TestingConfig, "SQLALCHEMY_DATABASE_URI")

    assert setting(config.TestingConfig, "TESTING"), "expected TESTING to be on"
    assert own, "expected SQLALCHEMY_DATABASE_URI to be the URL of a database"
    assert own != setting(config.DevelopmentConfig, "SQLALCHEMY_DATABASE_URI")
    dialect = make_url(own).get_dialect()
    assert dialect, "expected SQLALCHEMY_DATABASE_URI to be the URL of a database"


def test_accounts_survive_a_restart(stage: Stage, tmp_path: Path) -> None:
    """An account is in the database of `SQLALCHEMY_DATABASE_URI`, and is still there after a restart."""
    database = f"sqlite:///{(tmp_path / 'accounts.sqlite').as_posix()}"
    app = stage.new_app(SQLALCHEMY_DATABASE_URI=database)
    new = {"email": "mina@example.com", "name": "김미나", "password": PASSWORD}
    expect(Client(app, stage.prefix).post("/accounts", json=new), 201, 202)

    kept = stored.of_account(app, new["email"])
    table = next(iter(kept)).partition(".")[0]
    referring = [found for name, found in kept.items() if not name.startswith(f"{table}.") and found]
    if not referring and isinstance(kept.get(f"{table}.id", ("",))[0], int):
        # as if the service had had many accounts before this one
        stored.change(app, new["email"], {f"{table}.id": (2**40,)})

    restarted = stage.new_app(SQLALCHEMY_DATABASE_URI=database)

    token = None
    if stage.number < TOKENS:  # there may be no log-in yet, and no request needs one
        items, _ = expect_page(Client(restarted, stage.prefix).get("/v2/accounts"))
        assert items, "expected the account in the database"
        number = items[0]["id"]
    else:
        login = {"email": new["email"], "password": PASSWORD}
        answer = Client(restarted, stage.prefix).post("/v2/auth/login", json=login)
        token = expect_object(answer, 200)["access_token"]
        number = jwt.decode(token, options={"verify_signature": False})["sub"]
    account = expect_object(Client(restarted, stage.prefix, token).get(f"/v2/accounts/{number}"), 200)
    assert account["email"] == "mina@example.com"


SIGN_UP = """
import sys
told, sys.stdout = sys.stdout, sys.stderr  # a service may print
import app, config
settings = {{"SQLALCHEMY_DATABASE_URI": {url!r}}}
service = app.create_app(type("Settings", (config.TestingConfig,), settings))
print("ready", file=told, flush=True)
sys.stdin.readline()
answer = service.test_client().post({path!r}, json={new!r})
print(answer.status_code, file=told, flush=True)
"""


@superseded(
    "final", ENUMERATION, by="final/test_accounts.py::test_twenty_sign_ups_for_one_email_make_one_account"
)
@pytest.mark.threads
def test_two_sign_ups_at_once_make_one_account(stage: Stage, tmp_path: Path) -> None:
    """Two processes get a sign-up with the same e-mail at the same moment: one is 201, the other 409."""
    url = f"sqlite:///{(tmp_path / 'accounts.sqlite').as_posix()}"
    new = {"email": "mina@example.com", "name": "김미나", "password": PASSWORD}
    app = stage.new_app(SQLALCHEMY_DATABASE_URI=url)
    code = SIGN_UP.format(url=url, path=f"{stage.prefix}/accounts", new=new)
    with subprocess.Popen(
        [sys.executable, "-B", "-c", code],
        cwd=stage.loaded.folder,
        encoding="utf-8",
        errors="replace",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as other:
        begin, answers = cast(IO[str], other.stdin), cast(IO[str], other.stdout)
        begun = answers.readline()
        assert begun == "ready\n", "expected another process to start the application"
        told: list[str] = []
        reading = threading.Thread(target=lambda: told.append(answers.readline()))
        reading.start()

        def let_the_other_go_first(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            """Before the first row is written: what this process has looked up is out of date now."""
            if statement.lstrip().upper().startswith("INSERT"):
                begin.close()
                reading.join(3)  # less if it is done; a service that locks makes the other wait for us

        event.listen(Engine, "before_cursor_execute", let_the_other_go_first)
        try:
            own = Client(app, stage.prefix).post("/accounts", json=new).status_code
        finally:
            event.remove(Engine, "before_cursor_execute", let_the_other_go_first)
            begin.close()
            reading.join(20)

    assert sorted([own, *map(int, told)]) == [201, 409]
    if stage.number < TOKENS:
        items, _ = expect_page(Client(app, stage.prefix).get("/v2/accounts"))
        assert len(items) == 1
        return
    login = {"email": "mina@example.com", "password": PASSWORD}
    expect(Client(app, stage.prefix).post("/v2/auth/login", json=login), 200)


# -- configuration: in code < from an object < from a file < from the environment ------------------


def test_the_page_size_is_configurable(stage: Stage) -> None:
    """`PAGE_SIZE` sets the number of accounts on a page when the client does not."""
    stage.app = stage.new_app(PAGE_SIZE=2)
    stage.new_app(PAGE_SIZE=1)  # another one, whose setting is its own
    for _ in range(3):
        stage.sign_up()

    items, _ = expect_page(stage.admin.get("/v2/accounts"))

    assert len(items) == 2


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
    prefix = stage.prefix  # which makes an application, so before the environment names a database
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

    own = app.config.get("SQLALCHEMY_DATABASE_URI")
    assert own, "expected SQLALCHEMY_DATABASE_URI to be the URL of a database"
    expect(Client(app, prefix).post("/accounts", json=MINA), 201, 202)
    assert not real.exists(), "expected the database of TestingConfig, not the one of the file or environment"


def test_code_gives_the_default(stage: Stage) -> None:
    """If nothing else sets `PAGE_SIZE`, it is 20."""
    assert stage.new_app().config["PAGE_SIZE"] == 20


# -- secrets ---------------------------------------------------------------------------------------


def secret_setting(stage: Stage) -> str:
    """Return the setting that signs the tokens: Flask-JWT-Extended's own, or Flask's where there is none."""
    own = setting(stage.loaded.config.DevelopmentConfig, "JWT_SECRET_KEY")
    return "JWT_SECRET_KEY" if own is not None and stage.number != FINAL else "SECRET_KEY"


def give_secret(stage: Stage, monkeypatch: pytest.MonkeyPatch, secret: str | None) -> None:
    """Set the environment of a server whose operator chose ``secret``, or forgot to."""
    for name in [name for name in os.environ if name.startswith("FLASK_")]:
        monkeypatch.delenv(name)
    if secret is not None:
        monkeypatch.setenv(f"FLASK_{secret_setting(stage)}", secret)


def published_secret(stage: Stage) -> str | None:
    """Return the secret of development, or None if it is a random one, which nobody can read."""
    name = secret_setting(stage)
    again = runpy.run_path(str(stage.loaded.folder / "config.py"))["DevelopmentConfig"]
    secret = setting(stage.loaded.config.DevelopmentConfig, name)
    return secret if secret == setting(again, name) else None


@pytest.mark.parametrize("why", ["missing", "empty", "short", "short digits", "the one of development"])
def test_production_refuses_a_weak_secret(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], why: str
) -> None:
    """Production does not start with a missing, short or published secret, and says why in one line."""
    chosen = {"empty": "", "short": "x" * 31, "short digits": "7" * 31}
    secret = published_secret(stage) if why == "the one of development" else chosen.get(why)
    give_secret(stage, monkeypatch, secret)

    with pytest.raises((SystemExit, Exception)) as stopped:
        stage.new_app("ProductionConfig")
    if isinstance(stopped.value, (ImportError, NameError, AttributeError, TypeError)):  # by mistake
        raise stopped.value

    reason = getattr(stopped.value, "code", stopped.value)  # of a SystemExit, the text or the status
    printed = "".join(capsys.readouterr())
    message = printed.strip() if isinstance(reason, int) else str(reason)
    assert "SECRET_KEY" in message, "expected the message to name the setting"
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
    sign_up_and_log_in(stage, app)  # the secret can sign


@pytest.mark.threads
def test_who_starts_production_reads_a_sentence(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a server starts production without a secret, it prints one line and no traceback."""
    give_secret(stage, monkeypatch, None)
    start = "import app; app.create_app('config.ProductionConfig')"

    started = subprocess.run(
        [sys.executable, "-B", "-c", start],
        cwd=stage.loaded.folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
    )

    printed = f"{started.stdout}{started.stderr}"
    assert started.returncode != 0, "expected production not to start"
    assert len(printed.strip().splitlines()) == 1, f"expected one line, got: {printed}"


# -- passwords and tokens --------------------------------------------------------------------------


def test_a_password_is_not_stored(stage: Stage, tmp_path: Path) -> None:
    """The database holds the account, but nowhere its password."""
    stage.keep_in(tmp_path / "accounts.sqlite")
    stage.sign_up(email="mina@example.com", password="correct horse battery staple 9")

    data = b"".join(file.read_bytes() for file in tmp_path.glob("accounts.sqlite*"))

    assert b"mina@example.com" in data, "expected the account in the database"
    assert stored.secrets(stored.of_account(stage.app, "mina@example.com")), "expected a hash in the database"
    password = b"correct horse battery staple 9"
    for readable in (password, base64.b64encode(password), password.hex().encode(), password[::-1]):
        assert readable[:20] not in data, "expected a hash in the database, not the password in some form"


# A browser has its own scrypt, which Python's profiler does not see.
@pytest.mark.threads
def test_a_password_is_hashed_slowly(stage: Stage) -> None:
    """A password is hashed by a function that is made for it: scrypt, Argon2, bcrypt or PBKDF2."""
    with counted() as calls:
        stage.sign_up()

    assert calls, "expected scrypt, Argon2, bcrypt or PBKDF2: others can be tried a billion times a second"


def test_equal_passwords_are_stored_apart(stage: Stage) -> None:
    """Two accounts with the same password have different hashes, because each has its own salt."""
    first, second = stage.sign_up(name="김미나"), stage.sign_up(name="이서준")

    one, other = (stored.secrets(stored.of_account(stage.app, account.email)) for account in (first, second))

    assert one, "expected a hash in the database"
    for column, found in one.items():
        same = set(found) & set(other.get(column, ()))
        assert not same, f"expected two hashes, but {column} is the same for both accounts"


def test_an_answer_never_has_the_password(stage: Stage, version: str) -> None:
    """Neither the password nor its hash appears in a response."""
    account = stage.sign_up(password="correct horse battery staple 9")
    values = stored.secrets(stored.of_account(stage.app, account.email)).values()
    assert values, "expected a hash in the database"
    known = {str(account.id), account.email, account.name}
    telltales = {"correct horse", "scrypt:", "pbkdf2:", "$argon2", "$2b$"}
    telltales |= {value for found in values for value in found} - known

    for answer in (
        account.client.get(account.path),
        stage.admin.get("/accounts"),
        stage.log_in(account.email),
    ):
        for telltale in telltales:
            assert telltale not in answer.text, f"expected no trace of the password, got {answer.text}"


@pytest.mark.parametrize(
    "password",
    [None, "", "fourteen chars", "비밀번호가 짧아요", 15 * 7, "\x00" * 20, ["a passphrase for the tests"]],
)
def test_a_bad_password_is_refused(stage: Stage, version: str, password: object) -> None:
    """A password that isn't printable text of 15 characters or more is 400, and no account is created."""
    new = {"email": "mina@example.com", "name": "김미나", "password": password}

    expect(stage.client.post("/accounts", json=new), 400)

    assert stage.list_accounts() == []
    expect(stage.client.post("/accounts", json=new | {"password": "fifteen letters"}), 201, 202)


def test_logging_in_gives_an_access_token(stage: Stage) -> None:
    """A log-in returns a token for the account's id (`sub`) that expires and that no cache may keep."""
    account = stage.sign_up()

    answer = stage.log_in(account.email)

    body = expect_object(answer, 200)
    assert str(body["token_type"]).lower() == "bearer"
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert claims["sub"] == str(account.id)
    assert claims.get("exp"), "expected the token to expire"
    left = claims["exp"] - time.time()
    assert 0 < left <= 3600, f"expected the token to expire within an hour, not in {left:.0f} seconds"
    assert abs(body["expires_in"] - left) < 60, "expected the seconds that are left as `expires_in`"
    assert has_token(answer, "Cache-Control", "no-store"), "expected Cache-Control: no-store"


def test_the_email_of_a_login_may_be_capitalised(stage: Stage) -> None:
    """An e-mail address is the same however it is capitalised."""
    stage.sign_up(email="mina@example.com")

    expect(stage.log_in("Mina@Example.COM"), 200)


def test_a_wrong_password_and_an_unknown_email_get_the_same_answer(stage: Stage) -> None:
    """Both get the same 401, body included, after equal work: a log-in does not reveal who has an account."""
    with counted() as calls:
        account = stage.sign_up()
        calls.clear()
        wrong = stage.log_in(account.email, "not this one, certainly")
        work = len(calls)
        calls.clear()
        unknown = stage.log_in("nobody@example.com")

    assert len(calls) == work, "expected equal work: otherwise the time reveals who has an account"
    refused, same = expect_object(wrong, 401), expect_object(unknown, 401)
    assert _without_instance(refused) == _without_instance(same)
    for almost in (PASSWORD[:-1], PASSWORD.upper()):
        expect(stage.log_in(account.email, almost), 401)


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
    """`flask create-admin --email ... --name ...` asks for a password and makes an admin, who can log in."""
    result = stage.create_admin("boss@example.com", "관리자")

    assert result.exit_code == 0, result.output
    expect(stage.log_in("boss@example.com"), 200)
    assert PASSWORD not in result.output, "expected the command to keep the password to itself"
    admin, _ = stored.marks_of_an_admin(stage)
    assert admin, "expected something in the database that tells an admin from a member"


def test_signing_up_cannot_make_an_admin(stage: Stage) -> None:
    """A `role` in the body of a sign-up is ignored."""
    admin, member = stored.marks_of_an_admin(stage)
    new = {"email": "mina@example.com", "name": "김미나", "password": PASSWORD, "role": "admin"}
    columns = {name.partition(".")[2]: found[0] for name, found in admin.items() if found}

    answer = stage.client.post("/accounts", json=columns | new)

    account = expect(answer, 201, 202, 400)
    if answer.status_code == 400:
        return
    of_mina = stored.of_account(stage.app, "mina@example.com")
    assert {name: of_mina[name] for name in member} == member, "expected a member"
    if answer.status_code == 201:  # 202 reveals nothing about the account
        assert account.get("role") != "admin"


@pytest.mark.parametrize("password", ["short", "fourteen chars"])
def test_create_admin_refuses_a_short_password(stage: Stage, password: str) -> None:
    """The command applies the same rules to an admin, and says what is wrong."""
    result = stage.create_admin("boss@example.com", "관리자", password)

    assert_refused(result)
    expect(stage.log_in("boss@example.com", password), 400, 401)


def assert_refused(result: Any) -> None:
    """Check that a command has failed on purpose, and has said why."""
    assert result.exit_code != 0, "expected the command to fail"
    assert isinstance(result.exception, SystemExit), f"expected a message, got {result.exception!r}"
    lines = [line for line in result.output.splitlines() if line.strip() and not line.rstrip().endswith(":")]
    assert lines, "expected the command to say what is wrong"


def test_create_admin_refuses_a_taken_email(stage: Stage) -> None:
    """The command does not touch an existing account."""
    account = stage.sign_up()

    with stage.app.app_context():  # as in a shell, where one session of the database serves many commands
        result = stage.create_admin(account.email, "관리자", "another passphrase 123")
        after = stage.create_admin("boss@example.com", "관리자")

    assert_refused(result)
    assert after.exit_code == 0, "expected the next command to work"
    expect(stage.log_in(account.email), 200)
    expect(stage.log_in(account.email, "another passphrase 123"), 401)
