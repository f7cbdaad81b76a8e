"""``sealmon relay``: internal mail servers whose From is believed, and the owner's own MTA (C8)."""

from typing import Any

import click

from app import clock
from app.cli.frame import Noun, wants_json
from app.cli.output import show_row, show_rows
from app.cli.place import Place, pass_place
from app.model import relays

_COLUMNS = ("id", "network", "xforward", "header", "warnings", "added_at")

relay = Noun("relay", help="Internal mail servers that may relay, by their address.")
relay_key = Noun("key", help="Keys usable without authentication, for mail from a relay.")
relay.add_command(relay_key)


def _sentence(row: dict[str, Any], done: str) -> str:
    warnings = "".join(f"\nwarning: {warning}" for warning in row["warnings"])
    return f"relay {row['id']} ({row['network']}) {done}{warnings}"


@relay.command("add")
@click.argument("network", metavar="CIDR")
@click.option("--header", default="", metavar="NAME:SECRET", help="Only with this field.")
@click.option("--xforward", is_flag=True, help="Our own MTA: trust is judged on whom it names.")
@pass_place
def add(place: Place, network: str, header: str, xforward: bool) -> None:  # noqa: FBT001 - click calls it
    """Let a network relay, and believe the sender addresses of its mail. No host names."""
    row = relays.add(place.database, network, clock.now(), xforward=xforward, header=header)
    done = "may relay; whom it names is believed" if xforward else "may relay and is believed"
    show_row(row, as_json_=wants_json(), human=lambda: _sentence(row, done))


@relay.command("list")
@pass_place
def list_(place: Place) -> None:
    """List the relays, and the keys their mail may be signed with."""
    rows = relays.list_relays(place.database)
    show_rows(rows, _COLUMNS, as_json_=wants_json())
    if not wants_json():
        keys = [row["id"] for row in relays.list_relay_keys(place.database)]
        click.echo(f"\nkeys: {', '.join(keys) or 'none, so nothing of theirs is signed'}")


@relay.command("remove")
@click.argument("which", metavar="ID_OR_CIDR")
@pass_place
def remove(place: Place, which: str) -> None:
    """Strike a network from the list."""
    row = relays.remove(place.database, which)
    show_row(
        row, as_json_=wants_json(), human=lambda: _sentence({**row, "warnings": []}, "is removed")
    )


@relay_key.command("add")
@click.argument("key")
@pass_place
def add_key(place: Place, key: str) -> None:
    """Let mail from a believed relay be signed with a key."""
    row = relays.add_key(place.database, key)
    show_row(row, as_json_=wants_json(), human=lambda: f"relays sign with key {row['id']}")


@relay_key.command("list")
@pass_place
def list_keys(place: Place) -> None:
    """List the keys that mail from a believed relay may be signed with."""
    show_rows(relays.list_relay_keys(place.database), ("id",), as_json_=wants_json())


@relay_key.command("remove")
@click.argument("key")
@pass_place
def remove_key(place: Place, key: str) -> None:
    """Sign mail from relays with this key no more."""
    row = relays.remove_key(place.database, key)
    show_row(row, as_json_=wants_json(), human=lambda: f"relays no longer sign with {row['id']}")
