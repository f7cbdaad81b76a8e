"""Certificates in store that this version cannot read: they are left out, and mail may wait."""

from collections.abc import Iterator
from typing import Final

from app.cli.weakness import WEAK, WRONG, Weakness
from app.model.database import Database
from app.model.readable import list_unreadable

# What it means and what to do, by table; {id} is that of the row.
_MEANING: Final = {
    "anchor": (WRONG, "it is not believed", "sealmon trust remove {id}, and add it anew"),
    "intermediate": (WEAK, "no path leads over it", "sealmon trust add, if partners need it"),
    "key": (
        WRONG,
        "mail of and for its owner waits, unless it is retired",
        "sealmon key retire {id}, and import it again from its copy",
    ),
    "partner": (
        WRONG,
        "mail to this name waits if nothing else can be encrypted to",
        "sealmon partner remove {id}, and import a certificate that can be read",
    ),
}


def inspect_readable(database: Database) -> Iterator[Weakness]:
    """Give each stored certificate that cannot be read."""
    for table, row_id, name, problem in list_unreadable(database):
        level, meaning, remedy = _MEANING[table]
        called = f"{table} {row_id}" + (f" ({name})" if name else "")
        yield Weakness(
            "certificate-unreadable",
            level,
            f"The certificate of {called} cannot be read ({problem}): {meaning}.",
            f"{remedy.format(id=row_id)}; or go back to the version that could read it.",
            row_id,
        )
