"""Commands for whoever runs the service: `flask accounts ...` and `flask demo`. Chapter 2."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import DatabaseError

from .errors import EmailTaken, InvalidInput, Problem
from .files import keep_private
from .models import Role
from .services import account

DEMO_EMAIL = "demo@example.com"

accounts = AppGroup("accounts", help="Look after the accounts.")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(accounts)
    app.cli.add_command(demo)


@accounts.command("create-admin")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.password_option()  # asked for twice, not shown, and not left in the shell's history
def create_admin(email: str, name: str, password: str) -> None:
    """Create an account whose role is admin."""
    with said_plainly():
        made = account.create(email, name, password, Role.ADMIN)
    click.echo(f"{made.email} is an admin")


@click.command("demo")
@with_appcontext
def demo() -> None:
    """Create an account to try the service with, once; print how to log in, as one line of JSON."""
    if current_app.config["PRODUCTION"]:
        raise click.ClickException("a demo account has no place in production")
    file = Path(current_app.instance_path) / "demo.json"
    # Made up here and kept in this file alone: a password in the source would be everybody's.
    new = {"email": DEMO_EMAIL, "password": "-".join(secrets.token_hex(2) for _ in range(8))}
    log_in = json.loads(keep_private(file, json.dumps(new).encode()))
    with said_plainly():
        try:
            account.create(log_in["email"], "데모 Demo", log_in["password"])
        except EmailTaken:
            account.set_password(
                log_in["email"], log_in["password"]
            )  # what is printed works, whatever happened
    click.echo(json.dumps(log_in))


@contextmanager
def said_plainly() -> Iterator[None]:
    """End the command with a sentence where the service would answer with a problem."""
    try:
        yield
    except InvalidInput as error:
        raise click.ClickException("; ".join(f"{e.field}: {e.message}" for e in error.errors)) from None
    except Problem as error:
        raise click.ClickException(error.detail) from None
    except DatabaseError:
        raise click.ClickException(
            "the database is not ready: run `flask --app run db upgrade` first"
        ) from None
