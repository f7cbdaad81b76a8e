"""``sealmon policy``: the ordered routes, as one TOML file, applied as a whole or not at all."""

import click

from app.cli.frame import Noun, wants_json
from app.cli.inputs import naming, read_text
from app.cli.output import as_json, show_rows
from app.cli.place import Place, pass_place
from app.model import policies

_HEADS = ("id", "name", "direction", "from", "to", "captures")
_COLUMNS = ("name", "direction", "from", "to", "sets")

policy = Noun("policy", help="What is signed, encrypted, required and shown.")


@policy.command("export")
@pass_place
def export(place: Place) -> None:
    """Print the policy in force as TOML."""
    text = policies.export(place.database)
    # A policy is the owner's own text, and every octet of it counts.
    click.echo(as_json({"toml": text}) if wants_json() else text.rstrip("\n"))


@policy.command("apply")
@click.argument("file")
@click.option("--dry-run", is_flag=True, help="Only check it and show what would change.")
@pass_place
def apply(place: Place, file: str, dry_run: bool) -> None:  # noqa: FBT001 - click calls it
    """Put the policy of a TOML file in force, and show what that changes."""
    with naming(file):
        rows = policies.apply(place.database, read_text(file), dry_run=dry_run)
    show_rows(rows, ("change", "id"), as_json_=wants_json())


@policy.command("show")
@pass_place
def show(place: Place) -> None:
    """Show the routes in their order; the first that matches and sets a field decides it."""
    rows = policies.show(place.database)
    if wants_json():
        show_rows(rows, _COLUMNS, as_json_=True)
        return
    told = [
        {**row, "sets": {name: value for name, value in row.items() if name not in _HEADS}}
        for row in rows
    ]
    show_rows(told, _COLUMNS, as_json_=False)
