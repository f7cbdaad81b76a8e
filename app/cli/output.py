"""Shows a person a table and a program JSON, from the same rows.

A row is a mapping or one of the model's dataclasses. JSON is ASCII only, so that no locale and no
terminal can spoil it; times are RFC 3339 in UTC. In tables every control character is written as an
escape: certificates and subjects are written by strangers, and a terminal obeys what it is sent.
"""

import dataclasses
import enum
import json
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

# T131: Cc are C0 and C1 controls, Cf holds the bidi overrides and the zero-width characters, Cs
# lone surrogates, Zl and Zp the two separators that some terminals treat as line ends. What is
# assigned to nothing yet (Cn) may be any of these tomorrow.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})
# Letters and marks that show nothing (UAX 44), but for those that make a symbol an emoji.
_EMPTY = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0")
_VARIATIONS = ("\U000e0100", "\U000e01ef")
# Letters from right to left turn round what stands after them on the line: fine in a line of their
# own, and not among the columns of a table.
_TURNS = frozenset({"R", "AL", "AN"})
_COLUMN_CHARACTERS = 60


def printable(text: str) -> str:
    """Return the text with everything a terminal might obey written as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape", "surrogatepass").decode("ascii")
        if _is_hidden(character)
        else character
        for character in text
    )


def _is_hidden(character: str) -> bool:
    if character in _EMPTY or _VARIATIONS[0] <= character <= _VARIATIONS[1]:
        return True
    return unicodedata.category(character) in _HIDDEN


def _unturned(text: str) -> str:
    """Return the text of a column, from left to right."""
    if text.isascii():
        return text
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.bidirectional(character) in _TURNS
        else character
        for character in text
    )


def rfc3339(at: datetime) -> str:
    """Return a time as RFC 3339 has it, in UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Return the value made of what JSON knows; a set is sorted, octets become hexadecimal."""
    if isinstance(value, enum.Enum):
        return value.value
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return _plain_compound(value)


def _plain_compound(value: Any) -> Any:  # noqa: ANN401
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)


def as_json(value: object, *, lines: bool = False) -> str:
    """Return JSON text; on one line where each line is a document of its own."""
    return json.dumps(plain(value), indent=None if lines else 2, ensure_ascii=True)


def cell(value: object) -> str:
    """Return a value as a person reads it in a table."""
    value = plain(value)
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return printable(", ".join(cell(item) for item in value)) or "-"
    if isinstance(value, dict):
        return printable(" ".join(f"{key}={cell(item)}" for key, item in value.items())) or "-"
    return printable(str(value))


def table(rows: Iterable[object], columns: Sequence[str]) -> str:
    """Return rows under the names of their columns, "nothing" where there is no row."""
    lines = [[_unturned(cell(plain(row).get(name))) for name in columns] for row in rows]
    if not lines:
        return "nothing"
    heads = [name.upper().replace("_", " ") for name in columns]
    widths = [
        min(_COLUMN_CHARACTERS, max(len(line[at]) for line in [heads, *lines]))
        for at in range(len(columns))
    ]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in [heads, *lines]
    )


def fitted(rows: Iterable[object], columns: Sequence[str]) -> str:
    """Return a table, or a block of lines for each row where it is wider than the terminal."""
    rows = list(rows)
    text = table(rows, columns)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    if not rows or not width or max(map(len, text.split("\n"))) <= width:
        return text
    return "\n\n".join(
        sheet({name: found.get(name) for name in columns}) for found in map(plain, rows)
    )


def sheet(row: object) -> str:
    """Return one row as name and value, a line each."""
    values = plain(row)
    width = max((len(name) for name in values), default=0)
    return "\n".join(
        f"{name.replace('_', ' ').ljust(width)}  {cell(value)}" for name, value in values.items()
    )


def show_rows(rows: Iterable[object], columns: Sequence[str], *, as_json_: bool) -> None:
    """Print rows: an array of objects, or a table of the named columns."""
    rows = list(rows)
    click.echo(as_json(rows) if as_json_ else fitted(rows, columns))


def show_row(row: object, *, as_json_: bool, human: Callable[[], str] | None = None) -> None:
    """Print one row: an object, or a sheet, or what human() makes of it, line by line."""
    if as_json_:
        click.echo(as_json(row))
    elif human is None:
        click.echo(sheet(row))
    else:
        click.echo("\n".join(map(printable, human().split("\n"))))
