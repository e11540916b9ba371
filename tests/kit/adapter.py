"""A stage as its clients see it: one interface for the tests, whatever the stage.

The tests speak HTTP. The adapter hides differences between stages that a test is not about: the prefix of a
version, whether a token is needed, how an account is created, how the application is created.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask.cli import find_best_app
from kit.clients import (
    PASSWORD,
    Client,
    Lacks,
    RecordingClient,
    SignedUp,
    expect,
    expect_object,
    expect_page,
)
from kit.decorators import Decorators
from kit.loading import CHEAP_HASH, LoadedStage, hurry
from werkzeug.test import TestResponse

if TYPE_CHECKING:  # learners and browsers do not have psycopg
    from kit.databases import PostgreSQL

GOOD_SECRET = "0123456789abcdef0123456789abcdef-for-the-suite"

# Settings that `final` needs to start in production, besides its secret.
PRODUCTION_MAIL = {"PUBLIC_URL": "https://accounts.example.com", "SMTP_URL": "smtps://mail.example.com"}
PRODUCTION_MAIL |= {"MAIL_INTERVAL": 0}  # no mail is sent

FACTORY, TOKENS, FINAL = 2, 3, 8  # the first stages with a factory and with tokens, and `final`

#: Since 3.36 several connections can share one SQLite database in memory.
SHARES_MEMORY = sqlite3.sqlite_version_info >= (3, 36)

_serial = count(1)


class Stage:
    """One stage for one test: an empty application and its clients."""

    migrates = True  # of final: whether its databases get their tables before the first request

    def __init__(
        self, loaded: LoadedStage, version: str | None = None, server: PostgreSQL | None = None
    ) -> None:
        self.loaded = loaded
        self.server = server  # of final: the server of its databases, None for SQLite files
        self._databases: list[str] = []
        self._kept: list[sqlite3.Connection] = []  # a database in memory exists while it has a connection
        self.name = loaded.name
        self.number = loaded.number
        self._apps: list[Flask] = []
        self._emails = count(1)
        self._admin_email = ""
        self._version = version or "v2"
        if FACTORY <= self.number < FINAL:  # earlier ones are loaded for each application, and final is ours
            loaded.refresh()
        loaded.enter()

    # -- applications ------------------------------------------------------------------------------

    @cached_property
    def prefix(self) -> str:
        """What the URLs of the version begin with; of version 1 while a learner has not built version 2."""
        if self.number == 0:
            return ""
        served = {
            rule.rule.split("/")[1] for rule in self.app.url_map.iter_rules() if "/accounts" in rule.rule
        }
        return "/v1" if "v1" in served and self._version not in served else f"/{self._version}"

    @cached_property
    def app(self) -> Flask:
        """The application of this test."""
        return self.new_app()

    def new_app(self, base: str = "TestingConfig", **overrides: Any) -> Flask:
        """Return another application, with its own database unless ``overrides`` name one."""
        if self.number < FACTORY:
            return _recorded(find_best_app(self.loaded.load_package()), "app")
        if "SQLALCHEMY_DATABASE_URI" not in overrides:
            overrides |= self._own_database()
        if base == "ProductionConfig" and self.number == FINAL:
            overrides = PRODUCTION_MAIL | overrides
        return self.create_app(self.loaded.settings(base, **overrides))

    def another_process(self, **overrides: Any) -> Flask:
        """Return another application on the database of the first, as another process would be."""
        return self.new_app(SQLALCHEMY_DATABASE_URI=self.app.config["SQLALCHEMY_DATABASE_URI"], **overrides)

    def _own_database(self) -> dict[str, Any]:
        """Return the settings of an empty database, or none if the application should use a file."""
        if self.server:
            self._databases.append(self.server.lend() if self.migrates else self.server.new_name())
            return {"SQLALCHEMY_DATABASE_URI": self.server.url_of(self._databases[-1])}
        if self.number < FINAL and SHARES_MEMORY:
            database = f"file:///{next(_serial)}?vfs=memdb"
            self._kept.append(sqlite3.connect(database, uri=True, check_same_thread=False))
            url = f"sqlite:///{database}&uri=true"
            # No option of the engine: a database in memory waits for no disk.
            return {"SQLALCHEMY_DATABASE_URI": url, "SQLALCHEMY_ENGINE_OPTIONS": {}}
        return {}

    def keep_in(self, file: Path) -> None:
        """Put the application's database into ``file``, for a test that reads it there."""
        self.app = self.new_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{file.as_posix()}")

    def create_app(self, *config: Any) -> Flask:
        """Call the stage's factory."""
        app = _recorded(self.loaded.package.create_app(*config), "create_app()")
        self._apps.append(app)
        if app.config.get("PASSWORD_HASH_METHOD") == "scrypt":  # at its usual cost, which takes 32 MiB
            app.config["PASSWORD_HASH_METHOD"] = CHEAP_HASH
        if self.number == FINAL:
            if self.migrates:
                _migrate(self, app)
            for name in self._databases:
                self.server.make(name)  # type: ignore[union-attr]  # an empty one where none was migrated
        if "sqlalchemy" in app.extensions:
            with app.app_context():
                engines = app.extensions["sqlalchemy"].engines
            if self.number == FINAL:
                hurry(engines.values())
            if self.migrates:
                self.loaded.share_compiled(engines)
        return app

    def close(self) -> None:
        """Close and drop the databases, and let go of the stage's modules."""
        self.loaded.leave()
        for app in self._apps:
            with app.app_context():
                database = app.extensions.get("sqlalchemy")
                if database is None:  # a learner may use SQLAlchemy without the extension
                    continue
                database.session.remove()
                for engine in database.engines.values():
                    engine.dispose()
        for connection in self._kept:
            connection.close()
        for name in self._databases:
            self.server.take_back(name)  # type: ignore[union-attr]

    def replace_view(self, path: str, view: Callable[..., Any], app: Flask | None = None) -> None:
        """Let ``view`` answer requests to ``path`` in place of the stage's own view, on its blueprint."""
        app = app or self.app
        app.view_functions[self.endpoint(path, app)] = lambda **_: view()

    def endpoint(self, path: str, app: Flask | None = None) -> str:
        """Return the endpoint that serves GET requests to ``path``."""
        return str((app or self.app).url_map.bind("localhost").match(path, method="GET")[0])

    @property
    def decorators(self) -> Decorators:
        """The stage's view decorators, in `app.decorators` or wherever else they are."""
        return Decorators(self.loaded)

    # -- clients -----------------------------------------------------------------------------------

    @cached_property
    def client(self) -> Client:
        """A client that isn't logged in."""
        return Client(self.app, self.prefix)

    @cached_property
    def admin(self) -> Client:
        """A client logged in as an admin, who may do everything."""
        if self.number < TOKENS:
            return self.client
        self._admin_email = self.new_email()
        made = self.create_admin(self._admin_email, "관리자")
        assert made.exit_code == 0, f"flask create-admin: {made.output.strip()}"
        return Client(self.app, self.prefix, self.token(self._admin_email), self.proof(PASSWORD))

    def create_admin(self, email: str, name: str, password: str = PASSWORD, app: Flask | None = None) -> Any:
        """Run the operator's command and return click's result.

        Raises:
            Lacks: there is no such command.
        """
        command = ["accounts", "create-admin"] if self.number == FINAL else ["create-admin"]
        arguments = [*command, "--email", email, "--name", name]
        runner = (app or self.app).test_cli_runner()
        result = runner.invoke(args=arguments, input=f"{password}\n{password}\n")
        if result.exit_code == 2 and "No such command" in result.output:
            raise Lacks("command", f"flask {' '.join(command)}")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def new_email(self) -> str:
        """Return an unused e-mail address."""
        return f"mina{next(self._emails)}@example.com"

    def sign_up(self, name: str = "김미나", email: str | None = None, password: str = PASSWORD) -> SignedUp:
        """Create an account and return it with a client that may read and change it."""
        email = email or self.new_email()
        answer = self.client.post("/accounts", json={"email": email, "name": name, "password": password})
        account = expect_object(answer, 202 if self.number == FINAL else 201)
        if self.number < TOKENS:
            return SignedUp(account["id"], email, name, self.client)
        client = Client(self.app, self.prefix, self.token(email, password), self.proof(password))
        if self.number == FINAL:  # its response to a sign-up does not show the account
            account = expect_object(client.get("/v2/accounts/me"), 200)
        return SignedUp(account["id"], email, name, client)

    def proof(self, password: str) -> str | None:
        """Return the password if this stage wants it from an owner who deletes the account."""
        return password if self.number == FINAL else None

    def log_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        """Send a log-in and return the response."""
        return self.client.post("/v2/auth/login", json={"email": email, "password": password})

    def token(self, email: str, password: str = PASSWORD) -> str:
        """Log in and return the access token."""
        return str(expect_object(self.log_in(email, password), 200)["access_token"])

    def list_accounts(self, client: Client | None = None) -> list[dict[str, Any]]:
        """Return all accounts, page after page, except the admin that the list itself needs."""
        client = client or self.admin
        answer = client.get("/accounts")
        accounts = expect(answer, 200)
        if not isinstance(accounts, list):
            accounts, following = expect_page(answer)
            while following:
                items, following = expect_page(client.get(following))
                accounts += items
        return [account for account in accounts if not self._is_admin(account)]

    def _is_admin(self, account: dict[str, Any]) -> bool:
        return account.get("role") == "admin" or account.get("email") == self._admin_email


def _recorded(app: Any, what: str) -> Flask:
    """Return ``app`` with clients that record their exchanges."""
    assert isinstance(app, Flask), f"{what} is {app!r}, not an application"
    app.test_client_class = RecordingClient
    return app


def _migrate(stage: Stage, app: Flask) -> None:
    """Create the tables of a database of `final`: once by its migrations, then by copying the result."""
    with app.app_context():
        url = app.extensions["sqlalchemy"].engine.url
    if not url.drivername.startswith("sqlite"):
        if stage.server and url.database in stage._databases:
            stage.server.make(url.database, like=_template(stage, stage.server))
        return
    database = Path(url.database)
    if database.exists() and database.stat().st_size:
        return
    template = stage.loaded.folder / "migrated.sqlite"
    if not template.exists():
        _upgrade(app)
        shutil.copy(database, template)
    else:
        shutil.copy(template, database)


def _template(stage: Stage, server: PostgreSQL) -> str:
    if server.template is None:
        name = server.new_name()
        server.make(name)
        settings = stage.loaded.settings(SQLALCHEMY_DATABASE_URI=server.url_of(name))
        _upgrade(stage.loaded.package.create_app(settings))
        server.template = name
    return server.template


def _upgrade(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert result.exit_code == 0, result.output
    with app.app_context():
        for engine in app.extensions["sqlalchemy"].engines.values():
            engine.dispose()
