"""What can be wrong with the on-line sources of certificates; mail waits for a silent one."""

from collections.abc import Iterator
from typing import Final

from app.cli.place import Place
from app.cli.weakness import WRONG, Weakness
from app.model.errors import CannotLookUp
from app.model.loading import load_policy
from app.model.sources import SMIMEA, Source, parse_source
from app.mta.lookup_ldap import ask_directory
from app.mta.lookup_smimea import is_validating

_SOURCES_AT_MOST: Final = 10
"""Each may take three seconds."""
_PROBE: Final = "sealmon-check@invalid.invalid"
"""Nobody's address (RFC 6761 §6.4)."""


def inspect_lookup(place: Place) -> Iterator[Weakness]:
    """Give what is wrong with the sources that policy names; asks each of them."""
    rows = load_policy(place.database).rows
    fields = [row.fields.get("lookup", ()) for row in rows]
    entries = dict.fromkeys(entry for each in fields if isinstance(each, tuple) for entry in each)
    for entry in list(entries)[:_SOURCES_AT_MOST]:
        try:
            what = _probe(parse_source(entry), place.installation.resolver_address)
        except CannotLookUp as error:
            what = f"A source gives no answer, and mail that needs it waits: {error}."
        if what:
            yield Weakness(
                "lookup-source", WRONG, what, "Mend it, or take it out of lookup in policy.", entry
            )


def _probe(source: Source, resolver: tuple[str, int]) -> str:
    """Return what is wrong with a source, "" for nothing. Raises CannotLookUp."""
    if source.kind != SMIMEA:
        ask_directory(source, _PROBE)
        return ""
    if is_validating(resolver):
        return ""
    return f"The resolver {resolver[0]}:{resolver[1]} does not validate: SMIMEA finds nothing."
