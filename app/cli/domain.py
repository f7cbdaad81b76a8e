"""``sealmon domain``: whose mail this gateway answers for, and the certificate for all of it."""

from typing import Any

import click

from app import clock
from app.cli.frame import Noun, wants_json
from app.cli.named import beside
from app.cli.output import show_row, show_rows
from app.cli.place import Place, pass_place
from app.model import domains, partners
from app.model.database import Database

_COLUMNS = ("name", "keys", "sign_to", "added_at")

domain = Noun("domain", help="Managed domains.")


def _show(row: dict[str, Any], human: str) -> None:
    show_row(row, as_json_=wants_json(), human=lambda: human)


def _for_table(row: dict[str, Any]) -> dict[str, Any]:
    keys = [key["id"] if key["state"] == "active" else f"({key['id']})" for key in row["keys"]]
    return {
        **row,
        "name": beside(row["name"]),
        "keys": keys,
        "sign_to": map(beside, row["sign_to"]),
    }


@domain.command("add")
@click.argument("name")
@pass_place
def add(place: Place, name: str) -> None:
    """Answer for the mail of a domain."""
    row = domains.add(place.database, name, clock.now())
    row["warnings"] = _warnings(place.database, row["name"])
    lines = [f"{beside(row['name'])} is managed; mail to it is inbound from now on."]
    _show(row, "\n".join([*lines, *(f"warning: {each}" for each in row["warnings"])]))


def _warnings(database: Database, domain: str) -> list[str]:
    """Return what is known of the domain from when it was a correspondent's."""
    count = partners.count_in_domain(database, domain)
    told = (
        f"{count} entries of the partner book are of {domain}: whoever has their keys still signs"
        f" as its people; see sealmon partner list --domain {domain}, and remove them"
    )
    return [told] if count else []


@domain.command("list")
@pass_place
def list_(place: Place) -> None:
    """List the managed domains; a key in brackets only decrypts."""
    rows = domains.list_domains(place.database)
    if wants_json():
        show_rows(rows, _COLUMNS, as_json_=True)
    else:
        show_rows(map(_for_table, rows), _COLUMNS, as_json_=False)


@domain.command("show")
@click.argument("name")
@pass_place
def show(place: Place, name: str) -> None:
    """Show one managed domain."""
    show_row(domains.get_domain(place.database, name), as_json_=wants_json())


@domain.command("remove")
@click.argument("name")
@pass_place
def remove(place: Place, name: str) -> None:
    """Give a domain up; its keys stay in the key ring."""
    row = domains.remove(place.database, name)
    _show(row, f"{beside(row['name'])} is no longer managed.")


@domain.command("key")
@click.argument("name")
@click.argument("key")
@pass_place
def key(place: Place, name: str, key: str) -> None:
    """Make a key the domain's certificate; the former one goes on decrypting."""
    row = domains.use_key(place.database, name, key)
    _show(row, f"{row['name']} uses key {key}: it decrypts at once, and signs to `domain sign-to`.")


@domain.command("sign-to")
@click.argument("name")
@click.argument("targets", nargs=-1, metavar="[ADDRESS_OR_DOMAIN]...")
@pass_place
def sign_to(place: Place, name: str, targets: tuple[str, ...]) -> None:
    """Set to whom the domain's certificate signs; `.example.com` means its sub-domains."""
    row = domains.sign_to(place.database, name, targets)
    _show(row, f"{row['name']} signs to {', '.join(map(beside, row['sign_to'])) or 'nobody'}.")
