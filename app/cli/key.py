"""``sealmon key``: the key ring. Importing a key is the approval of it."""

from typing import Any

import click

from app import clock
from app.cli.frame import Noun, wants_json
from app.cli.inputs import ask_password, naming, read_octets, read_password, write_octets
from app.cli.output import rfc3339, show_row, show_rows
from app.cli.place import Place, pass_place
from app.model import keychains, keys
from app.model.errors import Refused
from app.pki.errors import WrongPassword
from app.pki.issue import KEY_KINDS

_COLUMNS = ("id", "state", "addresses", "domains", "key_kind", "not_after", "warnings")

key = Noun("key", help="The key ring: own private keys and their certificates.")

_password_file = click.option(
    "--password-file", metavar="F", help="File whose first line is the password; - is stdin."
)
_kind = click.option("--kind", type=click.Choice(KEY_KINDS), default="rsa-3072", show_default=True)


def _sentence(row: dict[str, Any]) -> str:
    names = ", ".join(row["addresses"]) or row["owner"]
    until = f" until {rfc3339(row['not_after'])}" if "not_after" in row else ""
    warnings = "".join(f"\nwarning: {warning}" for warning in row["warnings"])
    return f"key {row['id']} ({row['state']}) for {names}{until}{warnings}"


def _show(row: dict[str, Any]) -> None:
    show_row(row, as_json_=wants_json(), human=lambda: _sentence(row))


@key.command("import")
@click.argument("file")
@_password_file
@pass_place
def import_(place: Place, file: str, password_file: str | None) -> None:
    """Import keys from PKCS#12, PEM, or a ZIP of PKCS#12; expired ones too, they decrypt."""
    octets = read_octets(file)
    password = read_password(password_file) if password_file else None
    with naming(file):
        rows = _import(place, octets, password)
        rows = keychains.completed(place.database, rows, place.installation.issuers, clock.now())
    show_row(rows, as_json_=wants_json(), human=lambda: "\n".join(_sentence(row) for row in rows))


def _import(place: Place, octets: bytes, password: str | None) -> list[dict[str, Any]]:
    """Import the keys, asking for the password on a terminal if the file turns out to have one."""
    try:
        return keys.import_keys(place.database, octets, password, clock.now())
    except Refused as error:
        if password is not None or not isinstance(error.__cause__, WrongPassword):
            raise
    password = ask_password("The password of the key file", option="--password-file")
    return keys.import_keys(place.database, octets, password, clock.now())


@key.command("new")
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@click.option("--domain", metavar="NAME", help="For a whole domain.")
@click.option("--days", type=int, default=1095, show_default=True, help="How long it is valid.")
@_kind
@pass_place
def new(place: Place, addresses: tuple[str, ...], domain: str | None, days: int, kind: str) -> None:
    """Make a key with a self-signed certificate, for addresses or a whole domain."""
    row = keys.new(place.database, addresses, clock.now(), domain=domain, days=days, kind=kind)
    _show(row)


@key.command("request")
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@_kind
@click.option("--out", default="-", metavar="FILE", help="Where the request is written to.")
@pass_place
def request(place: Place, addresses: tuple[str, ...], kind: str, out: str) -> None:
    """Make a key that stays here, and a request (CSR) for a certificate authority."""
    row = keys.new_request(place.database, addresses, clock.now(), kind=kind)
    if out != "-":
        write_octets(out, row["request"].encode("ascii"))
        _show(row)
        return
    show_row(row, as_json_=wants_json(), human=lambda: row["request"].rstrip("\n"))


@key.command("answer")
@click.argument("file")
@pass_place
def answer(place: Place, file: str) -> None:
    """Take the certificate that a certificate authority made for a request."""
    with naming(file):
        row = keys.answer(place.database, read_octets(file), clock.now())
        (row,) = keychains.completed(place.database, [row], place.installation.issuers, clock.now())
    _show(row)


@key.command("list")
@pass_place
def list_(place: Place) -> None:
    """List the key ring, newest first."""
    show_rows(keys.list_keys(place.database), _COLUMNS, as_json_=wants_json())


@key.command("show")
@click.argument("key")
@pass_place
def show(place: Place, key: str) -> None:
    """Show one key and its certificate."""
    show_row(keys.get_key(place.database, key), as_json_=wants_json())


@key.command("bind")
@click.argument("key")
@click.argument("address")
@pass_place
def bind(place: Place, key: str, address: str) -> None:
    """Let a key also decrypt, and sign, for an address that its certificate does not name."""
    _show(keys.bind(place.database, key, address))


@key.command("export")
@click.argument("key")
@click.option("--out", required=True, metavar="FILE", help="A new file; - is stdout.")
@_password_file
@pass_place
def export(place: Place, key: str, out: str, password_file: str | None) -> None:
    """Write a key and its certificate as PKCS#12. Whoever has it reads the mail."""
    keys.get_key(place.database, key)
    if password_file:
        password = read_password(password_file)
    else:
        password = ask_password(
            "A password for the new file", option="--password-file", confirm=True
        )
    octets = keys.export(place.store.ring, place.database, key, password)
    write_octets(out, octets, secret=True)
    if out != "-":
        row = {"id": key, "file": out, "octets": len(octets)}
        show_row(row, as_json_=wants_json(), human=lambda: f"key {key} written to {out}")


@key.command("retire")
@click.argument("key")
@pass_place
def retire(place: Place, key: str) -> None:
    """Let a key sign no more; it goes on decrypting."""
    _show(keys.retire(place.database, key))
