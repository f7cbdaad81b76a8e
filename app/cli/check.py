"""``sealmon check``: everything wrong or weak in the installation, with the remedy, worst first."""

from collections.abc import Iterator

import click

from app import clock
from app.cli.frame import Failed, Verb, wants_json
from app.cli.inspect_clock import inspect_clock
from app.cli.inspect_keys import inspect_keys, inspect_ring
from app.cli.inspect_lookup import inspect_lookup
from app.cli.inspect_place import inspect_place
from app.cli.inspect_policy import inspect_policy
from app.cli.inspect_readable import inspect_readable
from app.cli.inspect_revocation import inspect_revocation
from app.cli.inspect_store import inspect_store
from app.cli.output import printable, show_row
from app.cli.place import Place, pass_place
from app.cli.weakness import LEVELS, WRONG, Weakness
from app.model.errors import Refused, StoreUnavailable
from app.mta.installation import BadSettings


@click.command("check", cls=Verb)
@click.option("--fail", is_flag=True, help="Status 1 if something is wrong, for monitoring.")
@pass_place
def check(place: Place, fail: bool) -> None:  # noqa: FBT001 - click calls it
    """Print everything wrong or weak in the installation, each with its remedy, worst first."""
    found = sorted(_inspect(place), key=lambda each: LEVELS.index(each.level))
    show_row(found, as_json_=wants_json(), human=lambda: _report(found))
    wrong = sum(each.level == WRONG for each in found)
    if fail and wrong:
        raise Failed(f"{wrong} things are wrong; see above for the remedy")


def _inspect(place: Place) -> Iterator[Weakness]:
    try:
        database = place.database
    except BadSettings as error:
        yield Weakness("settings", WRONG, str(error), "Change config/settings.py or the variable.")
        return
    except Failed as error:
        yield Weakness(
            "database", WRONG, error.message, "Restore the copy; sealmon init makes a new one."
        )
        return
    at = clock.now()
    yield from inspect_place(place)
    yield from inspect_clock(database, at)
    yield from inspect_store(database, at)
    yield from inspect_readable(database)
    yield from inspect_keys(database, at)
    yield from _inspect_ring(place)
    yield from inspect_policy(database)
    yield from inspect_lookup(place)
    yield from inspect_revocation(place, at)


def _inspect_ring(place: Place) -> Iterator[Weakness]:
    """Look into the keys themselves, if the master key is at hand; without it that is said."""
    try:
        ring = place.store.ring
    except (Refused, StoreUnavailable):
        return
    yield from inspect_ring(ring, place.database)


def _report(found: list[Weakness]) -> str:
    if not found:
        return "Nothing is wrong or weak."
    lines = (
        f"{each.level.upper():5}  {printable(each.what)}\n       {printable(each.remedy)}"
        for each in found
    )
    return "\n".join(lines)
