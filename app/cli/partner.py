"""``sealmon partner``: certificates of correspondents, under an address or a domain."""

from datetime import datetime
from typing import Any

import click

from app import clock
from app.cli.frame import Noun, wants_json
from app.cli.inputs import MOMENT, naming, read_id, read_octets
from app.cli.named import beside, looked_over, show_list, show_one, warnings
from app.cli.output import rfc3339, show_row
from app.cli.place import Place, pass_place
from app.model import partners
from app.model.fields import DAYS_AT_MOST

_COLUMNS = (
    "id",
    "name",
    "status",
    "only_this_one",
    "source",
    "not_after",
    "used_at",
    "key_kind",
    "issuer",
    "certificate_addresses",
)
_LIST = "sealmon partner list"

partner = Noun("partner", help="Certificates of correspondents.")


def _show(row: dict[str, Any], done: str) -> None:
    line = f"entry {row['id']} of {beside(row['name'])} {done}"
    show_row(row, as_json_=wants_json(), human=lambda: line)


@partner.command("import")
@click.argument("file")
@click.option("--for", "name", metavar="ADDRESS_OR_DOMAIN", help="Instead of its own addresses.")
@click.option("--include-subdomains", is_flag=True, help="With --for DOMAIN.")
@pass_place
def import_(place: Place, file: str, name: str | None, include_subdomains: bool) -> None:  # noqa: FBT001 - click calls it
    """Import PEM, DER, .p7b/.p7c or a signed .eml. That is trust in it: compare the fingerprint."""
    with naming(file):
        rows = partners.import_partner(
            place.database,
            read_octets(file),
            clock.now(),
            name=name,
            include_subdomains=include_subdomains,
        )
    rows = looked_over(place.database, rows, "name")
    show_row(rows, as_json_=wants_json(), human=lambda: "\n".join(map(_imported, rows)))


def _imported(row: dict[str, Any]) -> str:
    lines = [
        f"entry {row['id']} for {beside(row['name'])} until {rfc3339(row['not_after'])}",
        f"compare the fingerprint with its owner: {row['fingerprint']}",
        *(f"warning: {each}" for each in row["warnings"]),
        *warnings(row),
    ]
    return "\n".join(lines)


@partner.command("list")
@click.option("--name", default="", metavar="ADDRESS_OR_DOMAIN", help="Only these entries.")
@click.option("--domain", default="", metavar="DOMAIN", help="Only it and its addresses.")
@click.option("--expires-before", type=MOMENT, help="Only what ends before this moment.")
@pass_place
def list_(place: Place, name: str, domain: str, expires_before: datetime | None) -> None:
    """List the partner book by name, the newest certificate of each first."""
    rows = partners.list_partners(
        place.database, name=name, domain=domain, expires_before=expires_before
    )
    show_list(place.database, rows, _COLUMNS, "name")


@partner.command("show")
@click.argument("id_", metavar="ID")
@pass_place
def show(place: Place, id_: str) -> None:
    """Show one entry and its certificate."""
    row = partners.get_partner(place.database, read_id(id_, see=_LIST))
    show_one(place.database, row, "name")


@partner.command("disable")
@click.argument("id_", metavar="ID")
@pass_place
def disable(place: Place, id_: str) -> None:
    """Use an entry no more; its certificate does not come back from a signature either."""
    row = partners.disable(place.database, read_id(id_, see=_LIST))
    _show(row, "is not used any more, and does not come back by itself")


@partner.command("enable")
@click.argument("id_", metavar="ID")
@pass_place
def enable(place: Place, id_: str) -> None:
    """Use a disabled entry again."""
    _show(partners.enable(place.database, read_id(id_, see=_LIST)), "is used again")


@partner.command("only")
@click.argument("id_", metavar="ID")
@click.option("--off", is_flag=True, help="Use all entries of this name again.")
@pass_place
def only(place: Place, id_: str, off: bool) -> None:  # noqa: FBT001 - click calls it
    """Encrypt to this entry and to no other one of the same name.

    Otherwise all usable ones are encrypted to, so that every device of the partner opens the mail.
    When this one cannot be used, the others are not used in its place. Signatures are judged as
    before.
    """
    row = partners.use_only(place.database, read_id(id_, see=_LIST), is_only=not off)
    _show(row, "is one of all that are used" if off else "is the only one that is used")


@partner.command("grace")
@click.argument("id_", metavar="ID")
@click.argument("days", type=click.IntRange(0, DAYS_AT_MOST), required=False)
@click.option("--as-policy", is_flag=True, help="As the policy field expired_grace_days says.")
@pass_place
def grace(place: Place, id_: str, days: int | None, as_policy: bool) -> None:  # noqa: FBT001 - click calls it
    """Encrypt to an entry for so many DAYS after its end; 0 is not at all.

    Signatures that are made after its end are not believed all the same.
    """
    if (days is None) is not as_policy:
        raise click.UsageError("give DAYS or --as-policy")
    row = partners.set_grace(place.database, read_id(id_, see=_LIST), days)
    lasts = "is used after its end as policy says" if as_policy else f"has {days} days of grace"
    _show(row, lasts)


@partner.command("remove")
@click.argument("id_", metavar="ID")
@pass_place
def remove(place: Place, id_: str) -> None:
    """Forget an entry; its certificate may come back with the next signed message."""
    row = partners.remove(place.database, read_id(id_, see=_LIST))
    _show(row, "is forgotten; it may come back with the next signed message")
