"""`flask db`: the migrations of the database, by Flask-Migrate. Chapter 2.

Loaded when it is asked for. With Alembic it takes 30 MiB, and a process that serves has no use for it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import click
from flask import Flask

from .extensions import db

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


def init_app(app: Flask) -> None:
    """Add the command to `flask`."""
    app.cli.add_command(Migrations(app))


class Migrations(click.Command):
    """Stands for the commands of Flask-Migrate, which are imported when one is called."""

    def __init__(self, app: Flask) -> None:
        super().__init__("db", help="Migrate the database.")
        self._app = app

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        """Begin the call, as the real one does: from here on click knows that one alone."""
        return bind(self._app).make_context(*args, **options)


def bind(app: Flask) -> click.Command:
    """Tell Flask-Migrate about ``app``, and return its commands, which take this one's place."""
    from flask_migrate import Migrate

    Migrate(app, db, str(FOLDER), render_as_batch=True)  # SQLite alters a table by rebuilding it
    return app.cli.commands["db"]


def upgrade(app: Flask) -> None:
    """Take the database of ``app`` to the newest revision."""
    import flask_migrate

    bind(app)
    with app.app_context():
        flask_migrate.upgrade()


@cache
def older_revisions() -> set[str]:
    """Return the revisions that `flask db upgrade` would take a database on from.

    Each file of a migration is named by its revision, and they are numbered: so none has to be loaded.
    """
    revisions = sorted(file.name.partition("_")[0] for file in FOLDER.glob("versions/[0-9]*.py"))
    return set(revisions[:-1])
