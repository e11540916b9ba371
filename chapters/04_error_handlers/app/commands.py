"""Commands for the operator: `flask create-admin`."""

import click
from flask.cli import with_appcontext

from . import accounts, rules
from .exceptions import EmailTaken


@click.command("create-admin")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.password_option()  # asked for twice, not shown, and not left in the shell's history
@with_appcontext
def create_admin(email: str, name: str, password: str) -> None:
    """Create an account whose role is admin."""
    data = {"email": email, "name": name, "password": password}
    faults = rules.find_faults(data, rules.NEW_ACCOUNT)
    if faults:
        raise click.ClickException(", ".join(f"{field} {fault}" for field, fault in faults.items()))
    try:
        account = accounts.add(data, role="admin")
    except EmailTaken as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{account.email} is an admin")
