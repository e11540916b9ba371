"""The application factory. Chapter 2, factory and configuration."""

from __future__ import annotations

import os
import sys
import tomllib
from typing import Any

import flask_migrate
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from . import api, commands, decorators, errors, hooks, logs
from .extensions import db, init_database, jwt
from .services import auth, passwords, tokens


def create_app(config: str | type = "config.DevelopmentConfig") -> Flask:
    """Return a new application, independent of every other.

    Args:
        config: a configuration class, or where to import it from.

    Raises:
        SystemExit: a setting is of the wrong kind, or not safe for production; one line says which.
    """
    # Its own files are served by nobody but the documentation page, so there is no /static.
    app = Flask(__name__, instance_relative_config=True, static_folder=None)

    # Configuration first, since everything below reads it. Weakest first: what comes later wins.
    app.config.from_mapping(PAGE_SIZE=20)
    app.config.from_object(config)
    defaults = dict(app.config)
    app.config.from_file("config.toml", load=tomllib.load, text=False, silent=True)  # in instance/
    if url := os.environ.get("DATABASE_URL"):
        app.config["SQLALCHEMY_DATABASE_URI"] = url
    app.config.from_prefixed_env()  # FLASK_PAGE_SIZE=50
    refuse_wrong(app, defaults)
    refuse_unsafe(app)

    # One spelling of a URL: /v2//accounts is nothing, and not a redirect to somewhere else.
    app.url_map.merge_slashes = False
    # No cookie is a session here, so none is looked for on every request.
    app.session_interface = NoCookieSession()

    # Log-ins are counted, and logged, by the address of the client and not by that of our own proxy.
    if proxies := app.config["PROXIES"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]

    # Extensions were made once, in extensions.py; here each is told about this application.
    init_database(app)
    jwt.init_app(app)

    # Services that keep something for as long as the process lives: the hasher, the keys.
    passwords.init_app(app)
    tokens.init_app(app, jwt)
    jwt.user_lookup_loader(lambda header, claims: auth.find_principal(claims["sid"], claims["sub"]))

    # What is kept for as long as the process lives, and only there: counters and answers.
    decorators.init_app(app)

    # The way of a request: hooks, then a view; and from any place to the handlers of errors.
    logs.init_app(app)
    hooks.init_app(app)
    api.init_app(app)
    errors.init_app(app, jwt)
    commands.init_app(app)

    # A database in memory is empty at every start, and nobody else can migrate it.
    with app.app_context():
        if db.engine.url.database in {None, "", ":memory:"} and db.engine.dialect.name == "sqlite":
            flask_migrate.upgrade()
    return app


def refuse_wrong(app: Flask, defaults: dict[str, Any]) -> None:
    """Stop at a setting that is not what its default is, a number or text, and not at the first request."""
    # The environment is read as JSON, so that a secret of digits arrives as a number.
    app.config["SECRET_KEY"] = str(app.config["SECRET_KEY"] or "")
    for name, default in defaults.items():
        for kind, wanted in ((int, "a whole number"), (str, "text (digits need double quotes around them)")):
            if type(default) is kind and type(app.config[name]) is not kind:  # True is an int, but no number
                sys.exit(f"{name} has to be {wanted}: correct FLASK_{name} or instance/config.toml")
    if not app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        sys.exit("DATABASE_URL (or SQLALCHEMY_DATABASE_URI) has to begin with sqlite: nothing else works yet")


def refuse_unsafe(app: Flask) -> None:
    """Stop a server that anybody could get into, before its first request, with one line and no traceback."""
    if not app.config["PRODUCTION"]:
        return
    secret = app.config["SECRET_KEY"]
    if len(secret.encode()) < 32 or "-only, everybody can read" in secret:
        sys.exit("SECRET_KEY is missing, short or public: set FLASK_SECRET_KEY to 32 random bytes or more")
    if app.debug or app.config["DEBUG"] or app.config["TESTING"]:
        sys.exit("DEBUG or TESTING is on in production: unset FLASK_DEBUG and FLASK_TESTING")


class NoCookieSession(SecureCookieSessionInterface):
    """Flask's cookie session, switched off: opening one on every request costs 16 microseconds."""

    def open_session(self, app: Flask, request: object) -> None:
        """Open none; Flask then makes do with an empty one that cannot be written."""
