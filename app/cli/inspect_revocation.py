"""What can be wrong with revocation data: sources that fail, and a policy without data."""

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
            "Let the workers reach it by http on port 80, or ask its authority.",
            about=row["url"],
        )
    if len(failures) > _SHOWN:
        yield Weakness(
            "revocation-sources",
            WEAK,
            f"{len(failures) - _SHOWN} more sources of revocation data give no answer.",
            "Let the workers reach public hosts by http on port 80.",
        )
    if place.installation.revocation_fetch == "off":
        yield from _without_data(place)


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
