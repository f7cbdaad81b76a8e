"""What can be wrong with what is fetched: sources that fail, a policy without data, open doors."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from app.cli.place import Place
from app.cli.weakness import WEAK, Weakness
from app.model.loading import load_policy
from app.model.revocations import list_failures

_SHOWN: Final = 20


def inspect_revocation(place: Place, at: datetime) -> Iterator[Weakness]:
    """Give the sources that fail, and the routes that need what nobody fetches."""
    failures = list_failures(place.database, at)
    for row in failures[:_SHOWN]:
        yield Weakness(
            "revocation-source",
            WEAK,
            f"{row['url']} has given no answer since {row['since']:%Y-%m-%d %H:%M} UTC:"
            f" {row['problem']}.",
            "Let the workers reach it by http (fetch_networks, fetch_proxy), or ask its authority.",
            about=row["url"],
        )
    if len(failures) > _SHOWN:
        yield Weakness(
            "revocation-sources",
            WEAK,
            f"{len(failures) - _SHOWN} more sources of revocation data give no answer.",
            "Let the workers reach public hosts by http (fetch_proxy).",
        )
    if place.installation.revocation_fetch == "off":
        yield from _without_data(place)
    yield from _open_doors(place)


def _open_doors(place: Place) -> Iterator[Weakness]:
    """Give what lets a stranger's certificate send a request somewhere (T113)."""
    facts = place.installation
    if facts.issuer_fetch == "on":
        yield Weakness(
            "issuer-fetch",
            WEAK,
            "issuer_fetch is on: whoever signs a message chooses a public host that is asked.",
            'Set issuer_fetch = "known", which asks hosts of your own authorities only.',
        )
    guard = facts.guard or (facts.issuers.guard if facts.issuers else None)
    for network in guard.networks if guard else ():
        if network.is_loopback:
            yield Weakness(
                "fetch-networks",
                WEAK,
                f"fetch_networks holds {network}: a certificate can have this machine asked.",
                "Take it out, and let the authority publish on another host.",
                str(network),
            )


def _without_data(place: Place) -> Iterator[Weakness]:
    for row in load_policy(place.database).rows:
        mode = row.fields.get("revocation")
        if mode in {"hard", "require"}:
            yield Weakness(
                "revocation-fetch",
                WEAK,
                f'Route "{row.name}" sets revocation = "{mode}", and revocation_fetch is off:'
                " what no message brings along is untrusted.",
                'Set revocation_fetch = "on", or revocation = "soft" there.',
                row.name,
            )
