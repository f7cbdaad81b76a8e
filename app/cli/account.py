"""``sealmon account``: who may have mail signed by logging in (C7)."""

from typing import Any

import click

from app import clock
from app.cli.frame import Noun, wants_json
from app.cli.inputs import ask_password, read_password
from app.cli.output import show_row, show_rows
from app.cli.place import Place, pass_place
from app.model import accounts

_COLUMNS = ("login", "groups", "addresses", "keys", "added_at")

account = Noun("account", help="Logins that may have mail signed.")

_password_file = click.option(
    "--password-file", metavar="F", help="File whose first line is the password; - is stdin."
)


def _password(password_file: str | None) -> str:
    if password_file:
        return read_password(password_file)
    return ask_password("Password of the account", option="--password-file", confirm=True)


def _show(row: dict[str, Any], done: str) -> None:
    show_row(row, as_json_=wants_json(), human=lambda: f"account {row['login']} {done}")


@account.command("add")
@click.argument("login")
@click.option("--address", "addresses", multiple=True, help="It may send as; can be repeated.")
@_password_file
@pass_place
def add(place: Place, login: str, addresses: tuple[str, ...], password_file: str | None) -> None:
    """Make an account; a login that is an address may send as that address."""
    password = _password(password_file)
    row = accounts.add(place.database, login, password, clock.now(), addresses=addresses)
    _show(row, "is made; next: account assign, account group")


@account.command("password")
@click.argument("login")
@_password_file
@pass_place
def password(place: Place, login: str, password_file: str | None) -> None:
    """Set the password of an account."""
    accounts.get_account(place.database, login)
    row = accounts.set_password(place.database, login, _password(password_file))
    _show(row, "has a new password")


@account.command("assign")
@click.argument("login")
@click.argument("key")
@pass_place
def assign(place: Place, login: str, key: str) -> None:
    """Let an account sign with a key, as the addresses that the key names."""
    _show(accounts.assign(place.database, login, key), f"may sign with key {key}")


@account.command("group")
@click.argument("login")
@click.argument("name", metavar="system-mail")
@click.option("--leave", is_flag=True, help="Take it out of the group.")
@pass_place
def group(place: Place, login: str, name: str, leave: bool) -> None:  # noqa: FBT001 - click calls it
    """Put an account into the group system-mail: only its members may send."""
    if leave:
        _show(accounts.ungroup(place.database, login), f"is no member of {name}")
    else:
        _show(accounts.group(place.database, login, name), f"is a member of {name}")


@account.command("delegate")
@click.argument("login")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@pass_place
def delegate(place: Place, login: str, addresses: tuple[str, ...]) -> None:
    """Let an account sign as the From of others when it is the Sender; no address, nobody's."""
    row = accounts.delegate(place.database, login, addresses)
    _show(row, f"may sign as {', '.join(row['delegations']) or 'nobody else'}")


@account.command("list")
@pass_place
def list_(place: Place) -> None:
    """List the accounts."""
    show_rows(accounts.list_accounts(place.database), _COLUMNS, as_json_=wants_json())


@account.command("remove")
@click.argument("login")
@pass_place
def remove(place: Place, login: str) -> None:
    """Forget an account; its keys stay in the key ring."""
    _show(accounts.remove(place.database, login), "is removed")
