"""The application factory. Practice 2."""

import sys
import tomllib

from flask import Flask

from . import auth, v1, v2
from .commands import create_admin
from .extensions import db, jwt


def create_app(config: str | type = "config.DevelopmentConfig") -> Flask:
    """Return a new application, independent of every other.

    Args:
        config: a configuration class, or where to import it from.
    """
    app = Flask(__name__, instance_relative_config=True)

    # Configuration, weakest first: what comes later wins.
    app.config.from_mapping(PAGE_SIZE=20)
    app.config.from_object(config)
    if not app.testing:  # tests use the class alone: no setting of this computer names a real database
        app.config.from_file("config.toml", load=tomllib.load, text=False, silent=True)  # in instance/
        app.config.from_prefixed_env()  # FLASK_PAGE_SIZE=50
    refuse_weak_secret(app)

    # The extensions are made in extensions.py; here each is connected to this application.
    db.init_app(app)
    jwt.init_app(app)

    app.register_blueprint(v1.bp)
    app.register_blueprint(v2.bp)
    app.register_blueprint(auth.bp)
    app.cli.add_command(create_admin)

    with app.app_context():
        db.create_all()
    return app


def refuse_weak_secret(app: Flask) -> None:
    """Exit with one clear line if tokens could be forged, before the first request and not after it."""
    # The environment is read as JSON, so that a secret of digits arrives as a number.
    secret = app.config["JWT_SECRET_KEY"] = str(app.config["JWT_SECRET_KEY"] or "")
    weak = len(secret.encode()) < 32 or "-only, everybody can read" in secret
    if weak and not app.config["ALLOW_WEAK_SECRET"]:
        # Not an exception with a traceback: the operator who starts the server reads this.
        sys.exit(
            "JWT_SECRET_KEY is missing, short or public: set FLASK_JWT_SECRET_KEY to 32 random bytes or more"
        )
