"""``sealmon pending``: certificates from signatures that wait for a person (B5)."""

import click

from app import clock
from app.cli.frame import Noun, wants_json
from app.cli.inputs import read_id
from app.cli.output import show_row, show_rows
from app.cli.place import Place, pass_place
from app.model import pending as queue

_COLUMNS = ("id", "from", "reasons", "issuer", "not_after", "fingerprint", "expires_at")
_LIST = "sealmon pending list"

pending = Noun("pending", help="Certificates that wait for approval.")


@pending.command("list")
@pass_place
def list_(place: Place) -> None:
    """List what waits, the oldest first; an entry ends after 30 days."""
    show_rows(queue.list_pending(place.database, clock.now()), _COLUMNS, as_json_=wants_json())


@pending.command("approve")
@click.argument("id_", metavar="ID")
@click.option(
    "--for", "names", multiple=True, metavar="ADDRESS_OR_DOMAIN", help="Instead of its From."
)
@click.option("--as-domain", is_flag=True, help="For everybody in the domain.")
@pass_place
def approve(place: Place, id_: str, names: tuple[str, ...], as_domain: bool) -> None:  # noqa: FBT001 - click calls it
    """Use a certificate, for its From or the given names. Compare the fingerprint first."""
    rows = queue.approve(
        place.database, read_id(id_, see=_LIST), clock.now(), names=names, as_domain=as_domain
    )
    lines = [f"entry {row['id']} for {row['name']}: {row['fingerprint']}" for row in rows]
    show_row(rows, as_json_=wants_json(), human=lambda: "\n".join(lines))


@pending.command("reject")
@click.argument("id_", metavar="ID")
@click.option("--all-of-sender", is_flag=True, help="And whatever else this address brings.")
@pass_place
def reject(place: Place, id_: str, all_of_sender: bool) -> None:  # noqa: FBT001 - click calls it
    """Refuse a certificate for good."""
    row = queue.reject(place.database, read_id(id_, see=_LIST), all_of_sender=all_of_sender)
    show_row(row, as_json_=wants_json(), human=lambda: f"rejected {row['fingerprint']}")
