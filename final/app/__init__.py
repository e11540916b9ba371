"""The application factory. Chapter 2, factory and configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from . import (
    api,
    commands,
    database,
    decorators,
    engines,
    errors,
    hooks,
    logs,
    metrics,
    migrations,
    page,
    proxies,
    settings,
    traces,
)
from .extensions import db
from .services import codes, devices, keys, mail, mfa_tokens, passwords, refresh_tokens, tokens


def create_app(config: str | type = "config.DevelopmentConfig") -> Flask:
    """Return a new application, independent of every other.

    Args:
        config: a configuration class, or where to import it from.

    Raises:
        SystemExit: a setting is of the wrong kind, or not safe for production; one line says which.
    """
    # Each of the two pages brings its own files along, so there is no /static.
    app = Service(__name__, instance_relative_config=True, static_folder=None)

    # Configuration first, since everything below reads it. Weakest first: what comes later wins.
    app.config.from_object(config)
    defaults = dict(app.config)
    if not app.testing:  # tests obey the class alone: nothing on this computer leads them to a real database
        settings.read(app)
    settings.check(app, defaults)

    # One spelling of a URL: /v2//accounts is nothing, and not a redirect to somewhere else.
    app.url_map.merge_slashes = False
    # No cookie is a session here, so none is looked for on every request.
    app.session_interface = NoCookieSession()

    # Log-ins are counted, and logged, by the address of the client and not by that of our own proxy.
    proxies.init_app(app)

    # Extensions were made once, in extensions.py; here each is told about this application.
    database.init_app(app)

    # Services that keep something for as long as the process lives: the hasher, the keys.
    passwords.init_app(app)
    mail.init_app(app)
    keys.init_app(app)
    tokens.jwt.init_app(app)
    refresh_tokens.init_app(app)
    codes.init_app(app)
    devices.init_app(app)
    mfa_tokens.init_app(app)

    # What is kept for as long as the process lives, and only there: counters and answers.
    decorators.init_app(app)

    # The way of a request: hooks, then a view; and from any place to the handlers of errors.
    logs.init_app(app)
    metrics.init_app(app)
    hooks.init_app(app)
    api.init_app(app)
    page.init_app(app)
    errors.init_app(app)
    commands.init_app(app)
    migrations.init_app(app)
    traces.init_app(app)

    # A database in memory is empty at every start, and no other process can migrate it.
    with app.app_context():
        in_memory = db.engine.url.database in engines.IN_MEMORY and db.engine.dialect.name == "sqlite"
    if in_memory:
        migrations.upgrade(app)
    return app


class Service(Flask):
    """Flask without a question that it asks ten times a request: whether a view or a hook is `async`."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``func`` as it is: none of ours is."""
        return func


class NoCookieSession(SecureCookieSessionInterface):
    """Flask's cookie session, switched off: opening one on every request costs 16 microseconds."""

    def open_session(self, app: Flask, request: object) -> None:
        """Open none; Flask then makes do with an empty one that cannot be written."""
