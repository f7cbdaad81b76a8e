"""``sealmon trust``: the certificate authorities that the owner believes for mail."""

from collections.abc import Iterator
from typing import Any, Final

import click

from app import clock
from app.cli.frame import Noun, wants_json
from app.cli.inputs import naming, read_octets
from app.cli.output import printable, show_row, show_rows
from app.cli.place import Place, pass_place
from app.model import trust as anchors
from app.subject.likeness import Likeness, oddities

_COLUMNS = ("id", "subject", "not_after", "distrust_after", "key_kind", "fingerprint")

_COMPARED_AT_MOST: Final = 3
"""Of one file; nobody compares a public list by the fingerprint."""

trust = Noun("trust", help="Trust anchors.")


@trust.command("add")
@click.argument("file")
@click.option("--remove-gone", is_flag=True, help="Remove what came from an earlier list only.")
@pass_place
def add(place: Place, file: str, remove_gone: bool) -> None:  # noqa: FBT001 - click calls it
    """Believe the certificate authorities of a file, such as Mozilla's certdata.txt."""
    with naming(file):
        rows = anchors.add(place.database, read_octets(file), clock.now(), remove_gone=remove_gone)
    compare = len(rows) <= _COMPARED_AT_MOST
    lines = [line for row in rows for line in _added(row, compare=compare)]
    show_row(rows, as_json_=wants_json(), human=lambda: "\n".join(map(printable, lines)))


def _added(row: dict[str, Any], *, compare: bool) -> Iterator[str]:
    yield f"trust anchor {row['id']}: {row['subject']}"
    if compare:
        yield f"compare the fingerprint with its owner: {row['fingerprint']}"
    yield from (f"warning: {each}" for each in row["warnings"])
    for code, word in dict.fromkeys(oddities(row["subject"])):
        yield f"warning: its subject {Likeness('', code, word).text()}"


@trust.command("list")
@pass_place
def list_(place: Place) -> None:
    """List the trust anchors by subject."""
    show_rows(anchors.list_anchors(place.database), _COLUMNS, as_json_=wants_json())


@trust.command("remove")
@click.argument("id_", metavar="ID")
@pass_place
def remove(place: Place, id_: str) -> None:
    """Believe an authority no more; what only it vouches for is untrusted from now on."""
    row = anchors.remove(place.database, id_)
    line = f"no longer believed: {printable(row['subject'])}"
    show_row(row, as_json_=wants_json(), human=lambda: line)
