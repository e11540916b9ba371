"""A stage as its clients see it: one interface for the tests, whatever the stage.

The tests speak HTTP. The adapter hides differences between stages that a test is not about: the prefix of a
version, whether a token is needed, how an account is created, how the application is created.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import shutil
import sqlite3
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from course.lessons.stages import GENERATED

if TYPE_CHECKING:  # learners and browsers do not have psycopg
    from kit.databases import PostgreSQL
    from sqlalchemy.engine import Engine

PASSWORD = "a passphrase for the tests 1"
GOOD_SECRET = "0123456789abcdef0123456789abcdef-for-the-suite"

# Settings that `final` needs to start in production, besides its secret.
PRODUCTION_MAIL = {"PUBLIC_URL": "https://accounts.example.com", "SMTP_URL": "smtps://mail.example.com"}
PRODUCTION_MAIL |= {"MAIL_INTERVAL": 0}  # no mail is sent

FACTORY, TOKENS, FINAL = 2, 3, 8  # the first stages with a factory and with tokens, and `final`

#: Since 3.36 several connections can share one SQLite database in memory.
SHARES_MEMORY = sqlite3.sqlite_version_info >= (3, 36)

_serial = count(1)


@dataclass
class Exchange:
    """A request of a test and its response, None if the application raised an exception."""

    method: str
    url: str
    body: Any
    app: Flask
    response: TestResponse | None = None


#: The last exchanges, which the explanation of a failure shows.
EXCHANGES: deque[Exchange] = deque(maxlen=50)


class RecordingClient(FlaskClient):
    """Flask's test client, which records the last exchanges."""

    def open(self, *args: Any, **options: Any) -> TestResponse:
        url = str(args[0]) if args and isinstance(args[0], str) else str(options.get("path", ""))
        body = options.get("json", options.get("data"))
        exchange = Exchange(options.get("method", "GET"), url, body, self.application)
        EXCHANGES.append(exchange)
        exchange.response = super().open(*args, **options)
        return exchange.response


class Unexpected(AssertionError):
    """A response is not the expected one. The parts are attributes, for a message in any language."""

    def __init__(self, response: TestResponse, expected: str, got: str) -> None:
        self.response, self.expected = response, expected
        sent = f"{response.request.method} {response.request.full_path.rstrip('?')}"
        super().__init__(f"{sent}: expected {expected}, got {got}")


def expect(response: TestResponse, *statuses: int) -> Any:
    """Check the status of ``response`` and return its JSON, None if it has no body.

    Raises:
        Unexpected: it has another status, or its body isn't JSON.
    """
    if response.status_code not in statuses:
        body = " ".join(response.get_data(as_text=True).split())[:200]
        raise Unexpected(response, " or ".join(map(str, statuses)), f"{response.status_code}: {body}")
    if not response.data:
        return None
    if not response.is_json:
        raise Unexpected(response, "JSON", f"{response.content_type}: {response.text[:300]}")
    return json.loads(response.data)


class Client:
    """Sends requests to one application, with its token if it has one."""

    reads_first = True  # read before a change, if the stage requires that

    def __init__(self, app: Flask, prefix: str = "", token: str | None = None) -> None:
        self._client = app.test_client()
        self.prefix = prefix
        self.token = token

    def open(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send a request; ``path`` gets the version's prefix unless it names a version itself."""
        headers = dict(options.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if not path.startswith(("/v1", "/v2", "/health", "/.well-known", "/metrics", "/version")):
            path = self.prefix + path
        response = self._client.open(path, method=method, headers=headers, **options)
        if response.status_code == 428 and self.reads_first:
            # The stage accepts a change only with the tag of what it changes: read that first.
            read = self._client.get(path, headers=headers)
            headers["If-Match"] = read.headers["ETag"]
            response = self._client.open(path, method=method, headers=headers, **options)
        return response

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.open("POST", path, **options)

    def patch(self, path: str, **options: Any) -> TestResponse:
        return self.open("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.open("DELETE", path, **options)


@dataclass
class SignedUp:
    """An account that a test created, and a client that may use it."""

    id: Any
    email: str
    name: str
    client: Client

    @property
    def path(self) -> str:
        return f"/accounts/{self.id}"


class HastyConnection(sqlite3.Connection):
    """A connection that does not wait for the disk, because tests need not survive a power cut."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.executescript("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY")


class LoadedStage:
    """The code of a stage, loaded from a private copy of its folder under its own package name."""

    def __init__(self, name: str, number: int, source: Path, scratch: Path) -> None:
        self.name = name
        self.number = number
        self.folder = scratch / f"{name}-{next(_serial)}"
        ignored = shutil.ignore_patterns(*GENERATED, ".git", "steps")
        shutil.copytree(source, self.folder, ignore=ignored)
        self._files = count(1)
        self._engine: Engine | None = None  # the first one; later ones use its compiled SQL

    @cached_property
    def package(self) -> ModuleType:
        """`app`, under another name, so that one process can load many stages."""
        return self.load_package()

    @cached_property
    def config(self) -> ModuleType:
        """`config.py`, likewise."""
        return _load(f"stage_config_{next(_serial)}", self.folder / "config.py")

    def load_package(self) -> ModuleType:
        """Load `app` again, as a new process would."""
        module = self.folder / "app" / "__init__.py"
        if not module.exists():  # `start`, and a learner who has no package yet
            module = self.folder / "app.py"
        return _load(f"stage_app_{next(_serial)}", module)

    def settings(self, base: str = "TestingConfig", **overrides: Any) -> type:
        """Return a configuration class: ``base`` with its own database and ``overrides``."""
        database = self.folder / f"database-{next(self._files)}.sqlite"
        quiet: dict[str, Any] = {
            "TESTING": False,  # clients of the tests see what clients in production see
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{database.as_posix()}",
        }
        if self.number < FINAL:
            quiet["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"factory": HastyConnection}}
            if base == "TestingConfig":
                # Hashing is slow in a browser, and this is the weakest that OpenSSL accepts from werkzeug.
                quiet["PASSWORD_HASH_METHOD"] = "scrypt:128:8:1"
        return type("StageConfig", (getattr(self.config, base),), quiet | overrides)

    def share_compiled(self, engines: Iterable[Engine]) -> None:
        """Let all engines use the SQL that the first has compiled: every application sends the same."""
        for engine in engines:
            self._engine = self._engine or engine
            engine.dialect, engine._compiled_cache = self._engine.dialect, self._engine._compiled_cache

    @contextmanager
    def importable_config(self) -> Iterator[None]:
        """Make `import config` load this stage's, as in the stage's own folder."""
        before = sys.modules.get("config")
        sys.modules["config"] = self.config
        try:
            yield
        finally:
            if before is None:
                del sys.modules["config"]
            else:
                sys.modules["config"] = before


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
        self.prefix = "" if self.number == 0 else f"/{version or 'v2'}"

    # -- applications ------------------------------------------------------------------------------

    @cached_property
    def app(self) -> Flask:
        """The application of this test."""
        return self.new_app()

    def new_app(self, base: str = "TestingConfig", **overrides: Any) -> Flask:
        """Return another application, with its own database unless ``overrides`` name one."""
        if self.number < FACTORY:
            return _recorded(self.loaded.load_package().app, "app")
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
            return {
                "SQLALCHEMY_DATABASE_URI": url,
                "SQLALCHEMY_ENGINE_OPTIONS": {},
            }  # so that it waits for no disk
        return {}

    def keep_in(self, file: Path) -> None:
        """Put the application's database into ``file``, for a test that reads it there."""
        self.app = self.new_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{file.as_posix()}")

    def create_app(self, *config: Any) -> Flask:
        """Call the stage's factory."""
        with self.loaded.importable_config():
            app = _recorded(self.loaded.package.create_app(*config), "create_app()")
        self._apps.append(app)
        if self.number < FINAL and "sqlalchemy" in app.extensions:
            with app.app_context():
                self.loaded.share_compiled(app.extensions["sqlalchemy"].engines.values())
        if self.number == FINAL:
            if self.migrates:
                _migrate(self, app)
            for name in self._databases:
                self.server.make(name)  # type: ignore[union-attr]  # an empty one where none was migrated
        return app

    def close(self) -> None:
        """Close and drop the databases."""
        for app in self._apps:
            with app.app_context():
                database = app.extensions["sqlalchemy"]
                database.session.remove()
                for engine in database.engines.values():
                    engine.dispose()
        for connection in self._kept:
            connection.close()
        for name in self._databases:
            self.server.take_back(name)  # type: ignore[union-attr]

    def new_app_of_expired_tokens(self) -> Flask:
        """Return an application whose access tokens are already expired."""
        return self.new_app(JWT_ACCESS_TOKEN_EXPIRES=-60)

    @property
    def decorators(self) -> ModuleType:
        """The stage's module of view decorators."""
        return importlib.import_module(f"{self.loaded.package.__name__}.decorators")

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
        email = self.new_email()
        self.create_admin(email, "관리자")
        return Client(self.app, self.prefix, self.token(email))

    def create_admin(self, email: str, name: str, password: str = PASSWORD, app: Flask | None = None) -> Any:
        """Run the operator's command and return click's result."""
        command = ["accounts", "create-admin"] if self.number == FINAL else ["create-admin"]
        arguments = [*command, "--email", email, "--name", name]
        return (app or self.app).test_cli_runner().invoke(args=arguments, input=f"{password}\n{password}\n")

    def new_email(self) -> str:
        """Return an unused e-mail address."""
        return f"mina{next(self._emails)}@example.com"

    def sign_up(self, name: str = "김미나", email: str | None = None, password: str = PASSWORD) -> SignedUp:
        """Create an account and return it with a client that may read and change it."""
        email = email or self.new_email()
        answer = self.client.post("/accounts", json={"email": email, "name": name, "password": password})
        account = expect(answer, 202 if self.number == FINAL else 201)
        if self.number < TOKENS:
            return SignedUp(account["id"], email, name, self.client)
        client = Client(self.app, self.prefix, self.token(email, password))
        if self.number == FINAL:  # its response to a sign-up does not show the account
            account = expect(client.get("/v2/accounts/me"), 200)
        return SignedUp(account["id"], email, name, client)

    def log_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        """Send a log-in and return the response."""
        return self.client.post("/v2/auth/login", json={"email": email, "password": password})

    def token(self, email: str, password: str = PASSWORD) -> str:
        """Log in and return the access token."""
        return expect(self.log_in(email, password), 200)["access_token"]

    def list_accounts(self, client: Client | None = None) -> list[dict[str, Any]]:
        """Return all accounts, page after page, except the admin that the list itself needs."""
        client = client or self.admin
        body = expect(client.get("/accounts"), 200)
        accounts = body if isinstance(body, list) else list(body["items"])
        while isinstance(body, dict) and body["next"]:
            body = expect(client.get(body["next"]), 200)
            accounts += body["items"]
        return [account for account in accounts if account.get("role") != "admin"]


def _recorded(app: Any, what: str) -> Flask:
    """Return ``app`` with clients that record their exchanges."""
    assert isinstance(app, Flask), f"{what} is {app!r}, not an application"
    app.test_client_class = RecordingClient
    return app


def _load(name: str, file: Path) -> ModuleType:
    """Import ``file`` as the top-level module or package ``name``."""
    search = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=search)
    assert spec is not None and spec.loader is not None, f"{file} cannot be loaded"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


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
        with stage.loaded.importable_config():
            url = server.url_of(name)
            settings = stage.loaded.settings(SQLALCHEMY_DATABASE_URI=url)
            _upgrade(stage.loaded.package.create_app(settings))
        server.template = name
    return server.template


def _upgrade(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["db", "upgrade"])
    assert result.exit_code == 0, result.output
    with app.app_context():
        for engine in app.extensions["sqlalchemy"].engines.values():
            engine.dispose()
