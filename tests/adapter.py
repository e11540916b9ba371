"""A stage as its clients see it: one interface for the tests, whatever the stage behind it is.

The tests speak HTTP. What differs between stages and is not the point of a test is settled here: the prefix
of a version, whether a token is needed, how an account comes to be, how the application is made.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

PASSWORD = "a passphrase for the tests 1"
GOOD_SECRET = "0123456789abcdef0123456789abcdef-for-the-suite"

FACTORY, TOKENS, FINAL = 2, 3, 8  # the numbers of the stages from which something is so

_serial = count(1)


def expect(response: TestResponse, *statuses: int) -> Any:
    """Check the status of ``response`` and return its JSON, None where there is no body.

    Raises:
        AssertionError: it is another status; the message says what was sent and what came back.
    """
    sent = f"{response.request.method} {response.request.full_path.rstrip('?')}"
    wanted = " or ".join(map(str, statuses))
    answered = " ".join(response.get_data(as_text=True).split())[:200]
    assert response.status_code in statuses, (
        f"{sent}: expected {wanted}, got {response.status_code}: {answered}"
    )
    if not response.data:
        return None
    assert response.is_json, f"{sent}: expected JSON, got {response.content_type}: {response.text[:300]}"
    return json.loads(response.data)


class Client:
    """Sends requests to one application, with a token if it was given one."""

    def __init__(self, app: Flask, prefix: str = "", token: str | None = None) -> None:
        self._client = app.test_client()
        self.prefix = prefix
        self.token = token

    def open(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send a request; ``path`` is below the version's prefix unless it names a version itself."""
        headers = dict(options.pop("headers", {}))
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if not path.startswith(("/v1", "/v2", "/health")):
            path = self.prefix + path
        return self._client.open(path, method=method, headers=headers, **options)

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
    """An account that a test made, and a client that may use it."""

    id: Any
    email: str
    name: str
    client: Client

    @property
    def path(self) -> str:
        return f"/accounts/{self.id}"


class LoadedStage:
    """The code of a stage, loaded from a private copy of its folder under a name of its own."""

    def __init__(self, name: str, number: int, source: Path, scratch: Path) -> None:
        self.name = name
        self.number = number
        self.folder = scratch / f"{name}-{next(_serial)}"
        ignored = shutil.ignore_patterns("__pycache__", "instance", ".*", "steps")
        shutil.copytree(source, self.folder, ignore=ignored)
        self._files = count(1)

    @cached_property
    def package(self) -> ModuleType:
        """`app`, under another name so that many stages live in one process."""
        return self.load_package()

    @cached_property
    def config(self) -> ModuleType:
        """`config.py`, likewise."""
        return _load(f"stage_config_{next(_serial)}", self.folder / "config.py")

    def load_package(self) -> ModuleType:
        """Load `app` afresh, as a new process would."""
        module = self.folder / "app" / "__init__.py"
        if not module.exists():  # `start`, and a learner who has not come to the package yet
            module = self.folder / "app.py"
        return _load(f"stage_app_{next(_serial)}", module)

    def settings(self, base: str = "TestingConfig", **overrides: Any) -> type:
        """Return a configuration class: ``base`` with a database of its own and ``overrides``."""
        database = self.folder / f"database-{next(self._files)}.sqlite"
        quiet = {
            "TESTING": False,  # a client of the tests sees what a client in production sees
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{database.as_posix()}",
        }
        return type("StageConfig", (getattr(self.config, base),), quiet | overrides)

    @contextmanager
    def importable_config(self) -> Iterator[None]:
        """Let `import config` find this stage's, as it does in the stage's own folder."""
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
    """One stage for one test: an application with nothing in it, and its clients."""

    def __init__(self, loaded: LoadedStage, version: str | None = None) -> None:
        self.loaded = loaded
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
        """Return another application, with a database of its own unless ``overrides`` name one."""
        if self.number < FACTORY:
            return self.loaded.load_package().app
        return self.create_app(self.loaded.settings(base, **overrides))

    def create_app(self, *config: Any) -> Flask:
        """Call the stage's factory."""
        with self.loaded.importable_config():
            app = self.loaded.package.create_app(*config)
        self._apps.append(app)
        if self.number == FINAL:
            _migrate(self.loaded, app)
        return app

    def close(self) -> None:
        """Let go of the databases."""
        for app in self._apps:
            with app.app_context():
                database = app.extensions["sqlalchemy"]
                database.session.remove()
                for engine in database.engines.values():
                    engine.dispose()

    def new_app_of_expired_tokens(self) -> Flask:
        """Return an application whose access tokens have expired when it hands them out."""
        return self.new_app(JWT_ACCESS_TOKEN_EXPIRES=-60)

    @property
    def decorators(self) -> ModuleType:
        """The stage's module of view decorators."""
        return importlib.import_module(f"{self.loaded.package.__name__}.decorators")

    # -- clients -----------------------------------------------------------------------------------

    @cached_property
    def client(self) -> Client:
        """A client that is not logged in."""
        return Client(self.app, self.prefix)

    @cached_property
    def admin(self) -> Client:
        """A client that may do everything."""
        if self.number < TOKENS:
            return self.client
        email = self.new_email()
        self.create_admin(email, "관리자")
        return Client(self.app, self.prefix, self.token(email))

    def create_admin(self, email: str, name: str, password: str = PASSWORD, app: Flask | None = None) -> Any:
        """Run the operator's command and return its result."""
        command = ["accounts", "create-admin"] if self.number == FINAL else ["create-admin"]
        arguments = [*command, "--email", email, "--name", name]
        return (app or self.app).test_cli_runner().invoke(args=arguments, input=f"{password}\n{password}\n")

    def new_email(self) -> str:
        """Return an e-mail address that no account of this test has."""
        return f"mina{next(self._emails)}@example.com"

    def sign_up(self, name: str = "김미나", email: str | None = None, password: str = PASSWORD) -> SignedUp:
        """Create an account and return it with a client that may read and change it."""
        email = email or self.new_email()
        answer = self.client.post("/accounts", json={"email": email, "name": name, "password": password})
        account = expect(answer, 202 if self.number == FINAL else 201)
        if self.number < TOKENS:
            return SignedUp(account["id"], email, name, self.client)
        client = Client(self.app, self.prefix, self.token(email, password))
        account = expect(client.get("/v2/accounts/me"), 200)
        return SignedUp(account["id"], email, name, client)

    def log_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        """Send the log-in of an account."""
        return self.client.post("/v2/auth/login", json={"email": email, "password": password})

    def token(self, email: str, password: str = PASSWORD) -> str:
        """Log in and return the access token."""
        return expect(self.log_in(email, password), 200)["access_token"]

    def list_accounts(self, client: Client | None = None) -> list[dict[str, Any]]:
        """Return every account, page after page, less the admin that the listing itself needed."""
        client = client or self.admin
        body = expect(client.get("/accounts"), 200)
        accounts = body if isinstance(body, list) else list(body["items"])
        while isinstance(body, dict) and body["next"]:
            body = expect(client.get(body["next"]), 200)
            accounts += body["items"]
        return [account for account in accounts if account.get("role") != "admin"]


def _load(name: str, file: Path) -> ModuleType:
    """Import ``file`` as the top-level module or package ``name``."""
    search = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=search)
    assert spec is not None and spec.loader is not None, f"{file} cannot be loaded"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _migrate(loaded: LoadedStage, app: Flask) -> None:
    """Give the database of `final` its tables: by its migrations once, then by copies of that file."""
    with app.app_context():
        database = Path(app.extensions["sqlalchemy"].engine.url.database)
    if database.exists() and database.stat().st_size:
        return
    template = loaded.folder / "migrated.sqlite"
    if not template.exists():
        result = app.test_cli_runner().invoke(args=["db", "upgrade"])
        assert result.exit_code == 0, result.output
        with app.app_context():
            app.extensions["sqlalchemy"].engine.dispose()
        shutil.copy(database, template)
    else:
        shutil.copy(template, database)
