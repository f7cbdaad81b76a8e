"""``sealmon try`` and ``sealmon explain``: the machine that mail runs through, without a wire.

Nothing is changed. A file whose first line ends with a bare LF was written by a system that has
such line ends: it is taken as a client there would send it, with CRLF. Any other is taken octet
for octet.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any, TypedDict, Unpack

import click

from app import clock
from app.cli.frame import Failed, Verb, say, wants_json
from app.cli.inputs import MOMENT, read_octets, write_octets
from app.cli.missing import missing_for_partner, missing_for_signer
from app.cli.output import as_json, printable, table
from app.cli.place import Place, pass_place
from app.mail.address import MalformedAddress, parse_mailboxes
from app.mail.headers import split
from app.mta import machine
from app.mta import offline as wireless
from app.mta.transaction import direction_of

_BARE_LF = re.compile(rb"(?<!\r)\n")
_OVERHEAD_OCTETS = 2**20
"""A file may be a little over the largest message: what the gateway says to that can be tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What was said beside the message; None is taken from the message."""

    direction: str
    recipient: str | None
    sender: str | None
    login: str | None = None
    peer: str | None = None
    at: datetime

    def question(self, octets: bytes) -> wireless.Question:
        """Return the question for one message; raises Failed where its recipient is not clear."""
        recipient = _path(self.recipient) or mailbox_of(octets, "To")
        if not recipient:
            raise Failed("give --to: the message's To field is not one mailbox")
        sender = mailbox_of(octets, "From") if self.sender is None else _path(self.sender)
        return wireless.Question(
            direction=self.direction,
            octets=octets,
            reverse_path=sender,
            recipient=recipient,
            login=self.login,
            peer=self.peer,
            at=self.at,
        )


class Client(TypedDict):
    """Who would hand the message in."""

    login: str | None
    peer: str | None


class Said(Client):
    """What the client would say of it."""

    direction: str
    recipient: str | None
    sender: str | None


def _check(client: Client) -> None:
    """Refuse what cannot be a client; an address is one here already, not at the first message."""
    if client["login"] and client["peer"]:
        raise click.UsageError("give --login or --peer, not both")
    if client["peer"]:
        try:
            ip_address(client["peer"])
        except ValueError:
            raise Failed(f"{client['peer']!r} is no IP address such as 192.0.2.10") from None


def _path(text: str | None) -> str:
    """Return a path as the protocol has it without its brackets; "" is the null reverse-path."""
    return (text or "").strip().removeprefix("<").removesuffix(">")


def mailbox_of(octets: bytes, name: str) -> str:
    """Return the address in the one field of this name that holds one mailbox, "" otherwise."""
    fields = split(octets).headers.all(name)
    if len(fields) != 1:
        return ""
    try:
        mailboxes = parse_mailboxes(fields[0].value)
    except MalformedAddress:
        return ""
    return mailboxes[0].address if len(mailboxes) == 1 else ""


def read_message(place: Place, file: str) -> bytes:
    """Return the message of a file, as a client would send it."""
    limit = place.installation.message_octets + _OVERHEAD_OCTETS
    octets = read_octets(file, limit_octets=limit)
    first_line, line_end, _ = octets.partition(b"\n")
    is_local = bool(line_end) and not first_line.endswith(b"\r")
    return _BARE_LF.sub(b"\r\n", octets) if is_local else octets


@click.command("try", cls=Verb)
@click.argument("direction", type=click.Choice(["inbound", "outbound"]))
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--to", "recipient", metavar="R", help="By default the one mailbox in To.")
@click.option("--from", "sender", metavar="S", help="By default the one mailbox in From.")
@click.option("--login", metavar="L", help="As a client that authenticated.")
@click.option("--peer", metavar="IP", help="As a client at this address.")
@click.option("--at", type=MOMENT, help="Judge certificates at this moment (RFC 3339).")
@click.option("--out", metavar="FILE", help="Write the result of the one FILE; - is stdout.")
@pass_place
def try_(
    place: Place,
    /,
    files: Sequence[str],
    out: str | None,
    at: datetime | None,
    **said: Unpack[Said],
) -> None:
    """Run messages through the handlers and print a line of JSON for each; changes nothing."""
    if out is not None and len(files) != 1:
        raise click.UsageError("--out takes exactly one FILE")
    _check(said)
    envelope = Envelope(at=at or clock.now(), **said)
    machine.install()
    failed = sum(not _try(place, envelope, file, out) for file in files)
    if failed:
        raise Failed(f"{failed} of {len(files)} files could not be tried; see above")


def _try(place: Place, envelope: Envelope, file: str, out: str | None) -> bool:
    """Try one file and print its line; bad news of one file does not stop the others."""
    try:
        examined = wireless.examine(
            place.store, place.installation, envelope.question(read_message(place, file))
        )
        if out is not None:
            write_octets(out, examined.octets)
    except Failed as failure:
        say(f"{file}: {failure.message.removeprefix(f'{file}: ')}")
        return False
    missing = _missing_issuer(place, examined)
    row = {"file": file, **examined.to_json(), "missing_issuer": missing}
    click.echo(as_json(row, lines=True), file=sys.stderr if out == "-" else sys.stdout)
    if missing:
        say(f"note: {file}: {missing['text']}")
    return True


def _missing_issuer(place: Place, examined: wireless.Examined) -> dict[str, Any]:
    delivery = examined.outcome.delivery
    if delivery is None:
        return {}
    anchors, fetch = place.store.snapshot().anchors, place.installation.issuer_fetch
    if delivery.plan is not None and examined.question.direction == "outbound":
        choice = place.store.partners_for(examined.question.recipient)
        return missing_for_partner(delivery.plan.reasons, choice, anchors, fetch)
    return missing_for_signer(delivery.finding, anchors, fetch)


@click.command("explain", cls=Verb)
@click.option("--from", "sender", metavar="A", required=True, help='"" is the null reverse-path.')
@click.option("--to", "recipient", metavar="B", required=True)
@click.option("--login", metavar="L", help="As a client that authenticated.")
@click.option("--peer", metavar="IP", help="As a client at this address.")
@click.argument("file", required=False)
@pass_place
def explain(
    place: Place, /, file: str | None, sender: str, recipient: str, **client: Unpack[Client]
) -> None:
    """Show what would be done with a message and why: each field, with the route that set it."""
    _check(client)
    octets = read_message(place, file) if file else _letter(sender, recipient)
    machine.install()
    envelope = Envelope(
        direction=direction_of(place.store.snapshot(), _path(recipient)),
        recipient=recipient,
        sender=sender,
        at=clock.now(),
        **client,
    )
    found = wireless.explain(place.store, place.installation, envelope.question(octets)).to_json()
    if wants_json():
        heads = {"direction": envelope.direction, "recipient": _path(recipient)}
        click.echo(as_json({**heads, **found}))
    else:
        click.echo(f"{envelope.direction} to {printable(_path(recipient))}")
        click.echo(table(_lines(found), ("field", "value", "route", "detail")))


def _letter(sender: str, recipient: str) -> bytes:
    """Return the smallest letter that these two could exchange."""
    return f"From: {_path(sender)}\r\nTo: {_path(recipient)}\r\n\r\n\r\n".encode()


def _lines(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the plan as lines: each field with its route, then what was decided."""
    lines = []
    for name, value in plan.items():
        if isinstance(value, dict):
            detail = {each: value[each] for each in value if each not in {"value", "route"}}
            lines.append({"field": name, **value, "detail": detail})
        elif isinstance(value, list):
            lines += [{"field": name, "value": each.get("text", each)} for each in value]
        else:
            lines.append({"field": name, "value": value})
    return lines
