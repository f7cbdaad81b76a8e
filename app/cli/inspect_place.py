"""What can be wrong with the installation: files and their modes, next hops (T134, T137)."""

import stat
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

from app.cli.place import Place
from app.cli.weakness import WEAK, WRONG, Weakness
from app.model import relays
from app.model.errors import Refused
from app.model.schema import public_half
from app.mta.nexthop import NextHop

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def inspect_place(place: Place) -> Iterator[Weakness]:
    """Give what is wrong or weak outside the tables of the database."""
    yield from _master_key(place)
    yield from _files(place)
    yield from _next_hops(place)
    yield from _own_host(place)
    yield from _names(place)


def _master_key(place: Place) -> Iterator[Weakness]:
    try:
        key = place.master_key()
    except Refused as error:
        yield Weakness("master-key", WRONG, str(error), "Restore the master key from its copy.")
        return
    if key.public != public_half(place.database):
        yield Weakness(
            "master-key-other",
            WRONG,
            "The master key is not the one of this database: no private key can be used.",
            "Restore the master key that belongs to this database.",
            about=str(place.installation.master_key_path),
        )


def _files(place: Place) -> Iterator[Weakness]:
    if place.installation.master_key.startswith("file:"):
        folder = place.installation.master_key_path.parent
        if _mode(folder) & _OTHERS:
            yield _open_to_others("master-key-folder", folder, "700")
    if place.database.is_sqlite:
        file = Path(place.installation.database.removeprefix("sqlite:///"))
        if _mode(file) & stat.S_IRWXO:
            yield _open_to_others("database-mode", file, "600")


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _open_to_others(kind: str, path: Path, mode: str) -> Weakness:
    return Weakness(
        kind,
        WEAK,
        f"Others on this machine can get at {path} (mode {stat.S_IMODE(_mode(path)):o}).",
        f"chmod {mode} {path}",
        about=str(path),
    )


def _next_hops(place: Place) -> Iterator[Weakness]:
    facts = place.installation
    for direction, hop in (("inbound", facts.hop_inbound), ("outbound", facts.hop_outbound)):
        if hop.protocol == "maildir":
            yield Weakness(
                "maildir",
                WEAK,
                f"{direction} mail is written to a folder and goes no further: {hop}.",
                f"Set next_hop or next_hop_{direction}, e.g. to lmtp://host:port.",
                about=direction,
            )
        elif _is_clear(hop):
            yield Weakness(
                "next-hop-tls",
                WEAK,
                f"{direction} mail goes to {hop.host} without TLS that is sure to be there.",
                f"Set tls=verify (or encrypt) in next_hop_{direction}.",
                about=direction,
            )


def _is_clear(hop: NextHop) -> bool:
    is_near = bool(hop.path) or hop.host in _LOOPBACK
    return not is_near and hop.tls in {"none", "may"}


def _own_host(place: Place) -> Iterator[Weakness]:
    """Give the lines that believe this host, whose MTA hands over the mail of strangers, too."""
    facts = place.installation
    if {facts.hop_inbound.protocol, facts.hop_outbound.protocol} == {"maildir"}:
        return
    for row in relays.list_relays(place.database):
        network = row["network"]
        if ip_network(network).is_loopback and not (row["xforward"] or row["header"]):
            yield Weakness(
                "own-host-believed",
                WEAK,
                f"Relay {network} is this host: all that an MTA here hands over is believed, "
                "whoever sent it.",
                f"sealmon relay remove {network}; sealmon relay add {network} --xforward",
                about=str(row["id"]),
            )


def _names(place: Place) -> Iterator[Weakness]:
    name = place.installation.hostname
    if "." not in name or name.startswith("localhost"):
        yield Weakness(
            "hostname",
            WEAK,
            f"{name} is no full host name; it stands in Received and Authentication-Results.",
            "Set hostname to the name by which this gateway is known.",
            about=name,
        )
