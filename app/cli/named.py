"""Shows names of correspondents so that nobody takes them for others (T50, T131).

A stranger chooses his address, and his certificate says what he wants it to. So an address stands
in ASCII first, with its domain as A-labels and other characters as their numbers, and beside that
as mail programs show it; what it can be taken for is said in a line of its own. JSON has the same
in ``spelled_out`` and ``lookalikes``.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import click

from app.cli.frame import wants_json
from app.cli.output import printable, sheet, show_row, show_rows
from app.mail.address import spelled_out
from app.model.database import Database
from app.subject.likeness import Likeness, as_unicode, find_likenesses, find_named, oddities

_ADDRESSES_AT_MOST: Final = 10
"""Of one certificate; where it names more, nobody is bound but whom a person names."""
_TURNS: Final = frozenset(("R", "AL", "AN"))

Row = Mapping[str, Any]


def beside(name: str) -> str:
    """Return an address or domain in ASCII, and how mail programs show it where that differs."""
    plain = spelled_out(name)
    shown = as_unicode(name)
    if plain == shown:
        return plain
    if any(unicodedata.bidirectional(char) in _TURNS for char in shown):
        # Its letters would turn round what stands after them.
        return f"{plain} (written from right to left)"
    return f"{plain} (shown as {printable(shown)})"


def looked_over(database: Database, rows: Iterable[Row], name: str) -> list[dict[str, Any]]:
    """Return rows of certificates with what their names can be taken for; ``name`` is the key."""
    rows = list(rows)
    asked = [[row[name], *row["certificate_addresses"][:_ADDRESSES_AT_MOST]] for row in rows]
    likenesses = find_likenesses(database, (each for names in asked for each in names))
    return [
        {
            **row,
            "spelled_out": spelled_out(row[name]),
            "lookalikes": [each.to_json() for each in _about(row, names, likenesses)],
        }
        for row, names in zip(rows, asked, strict=True)
    ]


def _about(
    row: Row, names: Sequence[str], likenesses: Mapping[str, Sequence[Likeness]]
) -> Iterator[Likeness]:
    """Give what can be said of a row; ``names`` are that it is filed under, and those it names."""
    for each in dict.fromkeys(names):
        yield from likenesses[each]
    known = {each.of for each in likenesses[names[0]]}
    yield from (each for each in find_named(names[0], names[1:]) if each.of not in known)
    yield from _odd_names(row)


def _odd_names(row: Row) -> Iterator[Likeness]:
    """Give what is odd in the names that an authority wrote; they are like nobody's."""
    for key in ("subject", "issuer"):
        for code, word in dict.fromkeys(oddities(row[key])):
            yield Likeness(f"its {key}", code, word)


def for_people(row: Row, name: str) -> dict[str, Any]:
    """Return a row with its names as people should see them."""
    shown = {
        **row,
        name: beside(row[name]),
        "certificate_addresses": list(map(beside, row["certificate_addresses"])),
        "odd_addresses": list(map(spelled_out, row["odd_addresses"])),
    }
    return {key: value for key, value in shown.items() if key not in {"spelled_out", "lookalikes"}}


def warnings(row: Row) -> list[str]:
    """Return what the names of a row can be taken for, in lines for people."""
    return [f"warning: {_told(each['name'])} {each['text']}" for each in row["lookalikes"]]


def _told(name: str) -> str:
    return name if name.startswith("its ") else spelled_out(name)


def show_list(database: Database, rows: Iterable[Row], columns: Sequence[str], name: str) -> None:
    """Print rows as JSON, or as a table with what their names can be taken for below it."""
    seen = looked_over(database, rows, name)
    if wants_json():
        show_rows(seen, columns, as_json_=True)
        return
    show_rows((for_people(row, name) for row in seen), columns, as_json_=False)
    for row in seen:
        for line in warnings(row):
            click.echo(line.replace("warning:", f"warning for {row['id']}:", 1))


def show_one(database: Database, row: Row, name: str) -> None:
    """Print one row as JSON, or as a sheet with what its names can be taken for below it."""
    (seen,) = looked_over(database, [row], name)
    lines = [sheet(for_people(seen, name)), *warnings(seen)]
    show_row(seen, as_json_=wants_json(), human=lambda: "\n".join(lines))
