"""Commands for operators: `flask accounts`, `keys`, `prune`, `backup`, `restore`, `demo`. Chapter 2."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from .database import transaction
from .exceptions import EmailTaken, ServiceError
from .files import keep_private
from .models import Role
from .models.columns import utc_now
from .services import (
    account,
    audit,
    backups,
    credentials,
    keys,
    mfa,
    one_time_tokens,
    pruning,
    registration,
    sessions,
)
from .settings import command

DEMO_EMAIL = "demo@example.com"

accounts = AppGroup("accounts", help="Look after the accounts.")
signing = AppGroup("keys", help="Look after the keys that sign access tokens.")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for one in (accounts, signing, demo, prune, backup, restore):
        app.cli.add_command(one)


@accounts.command("create-admin")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.password_option()  # asked for twice, not shown, and not left in the shell's history
def create_admin(email: str, name: str, password: str) -> None:
    """Create an account whose role is admin."""
    with errors_as_messages():
        made = registration.create(email, name, password, Role.ADMIN)
    click.echo(f"{made.email} is an admin")


@accounts.command("disable")
@click.argument("email")
def disable(email: str) -> None:
    """Log an account out everywhere, and keep its owner out."""
    _set_disabled(email, True)


@accounts.command("enable")
@click.argument("email")
def enable(email: str) -> None:
    """Let the owner of a disabled account in again."""
    _set_disabled(email, False)


@accounts.command("sessions")
@click.argument("email")
@click.option("--end", is_flag=True, help="Log the account out everywhere.")
def show_sessions(email: str, end: bool) -> None:
    """List the devices that an account is logged in on."""
    with errors_as_messages():
        with transaction():
            found = account.lock_by_email(email)
            if end:
                sessions.end_of(found.id)
                one_time_tokens.retire(found.id)
                audit.record("sessions.end", account_id=found.id)
        for one in sessions.find_page(found.id, after="", limit=1000):
            click.echo(f"{one.created_at:%Y-%m-%d %H:%M}  {one.address or '-'}  {one.agent or '-'}")


@accounts.command("log-out-everybody")
def log_out_everybody() -> None:
    """End every session and every mailed link: a database that was restored has forgotten what ended."""
    with errors_as_messages():
        ended = sessions.end_everybodys()
    click.echo(f"{ended} sessions ended")


@accounts.command("remove-mfa")
@click.argument("email")
def remove_mfa(email: str) -> None:
    """Remove a second factor that its owner has lost; a mailed link leads to a new password."""
    with errors_as_messages():
        email = mfa.remove_for(email)
    click.echo(
        f"{email} has no second factor and no password now; the owner is told by mail how to choose one"
    )


@signing.command("list")
def list_keys() -> None:
    """Print the keys: which signs, which is announced, and which only checks what it has signed."""
    with errors_as_messages():
        published, signing_now = keys.current().published(), keys.current().signing()
    for key in published:
        state = "signs" if key is signing_now else "announced" if key.signs_from > utc_now() else "retiring"
        click.echo(
            f"{key.kid}  {key.algorithm}  {state:9}  signs from {key.signs_from:%Y-%m-%d %H:%M:%S} UTC"
        )


@signing.command("rotate")
@click.option("--now", is_flag=True, help="For a key that was stolen: all access tokens end at once.")
def rotate_keys(now: bool) -> None:
    """Make the next key. It signs once all verifiers have read it; until then the one before does."""
    with errors_as_messages():
        key = keys.current().rotate(now)
    click.echo(f"{key.kid} signs from {key.signs_from:%Y-%m-%d %H:%M:%S} UTC")


@click.command("prune")
@with_appcontext
def prune() -> None:
    """Delete what is of no use any more. Safe at any time, and on several machines at once."""
    with errors_as_messages():
        deleted = pruning.prune()
    click.echo(", ".join(f"{count} {name}" for name, count in deleted.items()))


@click.command("backup")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path))
@with_appcontext
def backup(folder: Path) -> None:
    """Copy the SQLite database into FOLDER, while clients write to it, and print the name of the copy."""
    with errors_as_messages():
        click.echo(backups.back_up(folder))


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.confirmation_option(prompt="All that has changed since will be lost. Go on?")
@with_appcontext
def restore(file: Path) -> None:
    """Make the SQLite database what it was when FILE was copied."""
    with errors_as_messages():
        backups.restore(file)
    click.echo("restored; now `db upgrade`, and `accounts log-out-everybody`")


@click.command("demo")
@with_appcontext
def demo() -> None:
    """Create an account to try the service with, once; print how to log in, as one line of JSON."""
    if current_app.config["PRODUCTION"]:
        raise click.ClickException("a demo account has no place in production")
    file = Path(current_app.instance_path) / "demo.json"
    # Made up here and kept in this file alone: a password in the source would be public.
    new = {"email": DEMO_EMAIL, "password": "-".join(secrets.token_hex(2) for _ in range(8))}
    log_in = json.loads(keep_private(file, json.dumps(new).encode()))
    with errors_as_messages():
        try:
            registration.create(log_in["email"], "데모 Demo", log_in["password"])
        except EmailTaken:  # what is printed has to work
            credentials.set_password(log_in["email"], log_in["password"])
    click.echo(json.dumps(log_in))


def _set_disabled(email: str, disabled: bool) -> None:
    with errors_as_messages(), transaction():
        found = account.lock_by_email(email, leaves=disabled)
        account.set_disabled(found, disabled)
    click.echo(f"{found.email} is {'disabled' if disabled else 'enabled'}")


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """End the command with a sentence where the service would answer with a problem."""
    try:
        yield
    except (ServiceError, backups.NoBackup, OSError) as error:
        raise click.ClickException(str(error)) from None
    except (DBAPIError, PoolTimeout):
        raise click.ClickException(f"the database is not ready: run {command('db upgrade')} first") from None
