"""``sealmon trace``: what happened to a message. No content and no subject, only decisions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from app.cli.frame import Verb, wants_json
from app.cli.inputs import MOMENT
from app.cli.output import as_json, fitted, table
from app.cli.place import Place, pass_place
from app.model.trace import Search, find_traces

_COLUMNS = ("at", "id", "direction", "from", "recipient", "states", "protected", "reply")


@click.command("trace", cls=Verb)
@click.option("--id", "trace_id", default="", metavar="ID", help="Of X-Sealmon-Trace.")
@click.option("--message-id", default="", metavar="M", help="Of the message's own field.")
@click.option("--address", default="", metavar="A", help="Of its sender or a recipient.")
@click.option("--since", type=MOMENT, help="Not before this moment (RFC 3339).")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@pass_place
def trace(
    place: Place,
    trace_id: str,
    message_id: str,
    address: str,
    since: datetime | None,
    limit: int,
) -> None:
    """Show what happened to messages, newest first."""
    search = Search(trace_id, message_id, address, since, limit)
    rows = find_traces(place.database, search)
    if wants_json():
        click.echo(as_json(rows))
    elif len(rows) == 1:
        click.echo(_story(rows[0]))
    else:
        click.echo(fitted(rows, _COLUMNS))


def _plainly(value: Any) -> Any:  # noqa: ANN401 - whatever a row holds
    """Return what has reasons with them in words."""
    if not isinstance(value, Mapping) or "reasons" not in value:
        return value
    words = [each["text"] if isinstance(each, Mapping) else each for each in value["reasons"]]
    return {**value, "reasons": words}


def _story(row: Mapping[str, Any]) -> str:
    """Return one row with its plan, a field a line."""
    heads = [{"what": name, "value": _plainly(value)} for name, value in row.items()]
    heads = [each for each in heads if each["what"] != "plan"]
    steps = [
        {"what": f"plan: {name}", "value": value} for name, value in (row["plan"] or {}).items()
    ]
    return table([*heads, *steps], ("what", "value"))
