"""``sealmon pending``: certificates from signatures that wait for a person (B5)."""

from collections.abc import Mapping
from typing import Any

import click

from app import clock
from app.cli.frame import Failed, Noun, wants_json
from app.cli.inputs import read_id
from app.cli.named import beside, looked_over, show_list, show_one, warnings
from app.cli.output import printable, show_row
from app.cli.place import Place, pass_place
from app.mail.address import spelled_out
from app.model import pending as queue
from app.model.database import Database
from app.model.vouching import trust_issuer
from app.subject.likeness import LATIN

_COLUMNS = ("id", "from", "reasons", "issuer", "not_after", "fingerprint", "expires_at")
_REJECTED = ("id", "from", "state", "issuer", "not_after", "fingerprint")
_LIST = "sealmon pending list"

pending = Noun("pending", help="Certificates that wait for approval.")


@pending.command("list")
@click.option("--rejected", is_flag=True, help="What was refused, and stays so.")
@pass_place
def list_(place: Place, rejected: bool) -> None:  # noqa: FBT001 - click calls it
    """List what waits, the oldest first; an entry ends after 30 days."""
    rows = queue.list_pending(place.database, clock.now())
    if rejected:
        rows = queue.list_rejected(place.database)
    columns = _REJECTED if rejected else _COLUMNS
    shown = rows if wants_json() else map(in_words, rows)
    show_list(place.database, shown, columns, "from")


def in_words(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with its reasons as people read them."""
    return {**row, "reasons": [each["text"] for each in row["reasons"]]}


@pending.command("show")
@click.argument("id_", metavar="ID")
@pass_place
def show(place: Place, id_: str) -> None:
    """Show what waits under an ID: who sent it, every reason, all its addresses and issuers."""
    row = queue.get_pending(place.database, read_id(id_, see=_LIST))
    show_one(place.database, row if wants_json() else in_words(row), "from")


@pending.command("approve")
@click.argument("id_", metavar="ID")
@click.option(
    "--for",
    "names",
    multiple=True,
    metavar="ADDRESS_OR_DOMAIN",
    help="Instead of its From and its own addresses.",
)
@click.option("--as-domain", is_flag=True, help="For everybody in the domain.")
@click.option("--include-subdomains", is_flag=True, help="With a domain.")
@pass_place
def approve(
    place: Place,
    id_: str,
    names: tuple[str, ...],
    as_domain: bool,  # noqa: FBT001 - click calls it
    include_subdomains: bool,  # noqa: FBT001
) -> None:
    """Use a certificate for its From and all addresses it names, or for the given ones.

    Compare the fingerprint with its owner first. An address of which another certificate is known,
    or that looks like another one, has to be given with --for.
    """
    number = read_id(id_, see=_LIST)
    if not names:
        _refuse_lookalikes(place.database, queue.get_pending(place.database, number))
    rows = queue.approve(
        place.database,
        number,
        clock.now(),
        names=names,
        as_domain=as_domain,
        include_subdomains=include_subdomains,
    )
    rows = looked_over(place.database, rows, "name")
    lines = [f"entry {row['id']} for {beside(row['name'])}: {row['fingerprint']}" for row in rows]
    lines += [f"warning: {each}" for each in rows[0]["warnings"]]
    lines += dict.fromkeys(line for row in rows for line in warnings(row))
    show_row(rows, as_json_=wants_json(), human=lambda: "\n".join(lines))


def _refuse_lookalikes(database: Database, row: Mapping[str, Any]) -> None:
    """Raise Failed for what nobody should say yes to without having written its name."""
    (seen,) = looked_over(database, [row], "from")
    named = {row["from"], *row["certificate_addresses"]}
    for each in seen["lookalikes"]:
        if each["name"] in named and each["code"] != LATIN:
            raise Failed(
                f"{spelled_out(each['name'])} {each['text']}; if you mean it all the same, say for"
                " whom it is: --for ADDRESS_OR_DOMAIN"
            )


@pending.command("trust")
@click.argument("id_", metavar="ID")
@pass_place
def trust(place: Place, id_: str) -> None:
    """Trust the highest issuer that the message brought, for all that it issues, instead.

    Compare its fingerprint with its owner first: it is the last one that pending show names.
    """
    done = trust_issuer(place.database, read_id(id_, see=_LIST), clock.now())
    anchor = done["anchor"]
    lines = [f"trust anchor {anchor['id']}: {anchor['subject']}"]
    lines.append(f"compare the fingerprint with its owner: {anchor['fingerprint']}")
    lines += [f"entry {row['id']} for {beside(row['name'])}" for row in done["entries"]]
    lines += [f"warning: {each}" for each in anchor["warnings"]]
    lines += [f"still waits: {each['text']}" for each in done["reasons"]]
    show_row(done, as_json_=wants_json(), human=lambda: "\n".join(map(printable, lines)))


@pending.command("reject")
@click.argument("id_", metavar="ID")
@click.option("--all-of-sender", is_flag=True, help="And whatever else this address brings.")
@pass_place
def reject(place: Place, id_: str, all_of_sender: bool) -> None:  # noqa: FBT001 - click calls it
    """Refuse a certificate for good, until it is forgotten."""
    row = queue.reject(place.database, read_id(id_, see=_LIST), all_of_sender=all_of_sender)
    more = ", and whatever else comes from there" if all_of_sender else ""
    line = f"rejected {row['fingerprint']} of {beside(row['from'])}{more}"
    show_row(row, as_json_=wants_json(), human=lambda: line)


@pending.command("forget")
@click.argument("id_", metavar="ID")
@pass_place
def forget(place: Place, id_: str) -> None:
    """Forget that something was rejected; it may come with the next signed message."""
    row = queue.forget(place.database, read_id(id_, see=f"{_LIST} --rejected"))
    line = f"forgotten {row['fingerprint']} of {beside(row['from'])}: it may come again"
    show_row(row, as_json_=wants_json(), human=lambda: line)
