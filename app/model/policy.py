"""The policy in force: for a sender and a recipient, each field and the route that set it.

The first matching route that sets a field decides it; the last route matches everything and sets
all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Final

from app.model.fields import FIELDS, Direction, Field, Value
from app.model.patterns import Pattern, matchable
from app.model.routes import RouteRow, export_toml, parse_toml, read_rows, shipped_rows
from app.model.stored import pack

__all__ = [
    "FIELDS",
    "Field",
    "Policy",
    "RouteRow",
    "Setting",
    "export_toml",
    "parse_toml",
    "read_rows",
    "shipped_rows",
]

_CACHED_PAIRS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Setting:
    """What a field is for one message, and which route says so."""

    value: Value
    route: str

    @property
    def text(self) -> str:
        """The value of a field that is a word or a text."""
        assert isinstance(self.value, str), "not a word"
        return self.value

    @property
    def days(self) -> int:
        """The value of a field that is a number of days."""
        assert isinstance(self.value, int), "not a number"
        return self.value

    @property
    def entries(self) -> tuple[str, ...]:
        """The value of a field that is a list."""
        assert isinstance(self.value, tuple), "not a list"
        return self.value

    def to_json(self) -> dict[str, Any]:
        """Return value and route, ready for JSON."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"value": value, "route": self.route}


class Settings(dict[str, Setting]):
    """The fields of one direction for one sender and recipient. Read it, never write to it."""

    def word(self, name: str) -> str:
        """Return the value of a field that is a word."""
        return self[name].text

    @cached_property
    def as_json(self) -> Mapping[str, Any]:
        """Every field with its route, ready for JSON; the same object serves many messages."""
        return {name: each.to_json() for name, each in self.items()}

    @cached_property
    def packed(self) -> str:
        """The same as it is stored in the trace, where it makes up most of a row."""
        return pack(self.as_json)


@dataclass(frozen=True, slots=True)
class _Compiled:
    row: RouteRow
    sender: Pattern | None
    recipient: Pattern | None


class Policy:
    """The routes, compiled. Immutable."""

    def __init__(self, rows: Sequence[RouteRow]) -> None:
        """Compile routes. Raises Refused for rows that ``read_rows`` would refuse too."""
        self.rows = tuple(rows)
        self._table = tuple(
            _Compiled(row, _compile(row.sender, row), _compile(row.recipient, row)) for row in rows
        )
        self._find = lru_cache(_CACHED_PAIRS)(self._search)

    def settings(self, direction: Direction, sender: str, recipient: str) -> Settings:
        """Return each field of this direction, with the route that sets it.

        Addresses may be anything a peer can write, the null reverse-path included.
        """
        return self._find(direction, sender, recipient)

    def _search(self, direction: Direction, sender: str, recipient: str) -> Settings:
        sender, recipient = matchable(sender), matchable(recipient)
        wanted = [name for name, field in FIELDS.items() if direction in field.directions]
        found = Settings()
        for each in self._table:
            if not _matches(each, direction, sender, recipient):
                continue
            for name in wanted:
                if name in each.row.fields and name not in found:
                    found[name] = Setting(each.row.fields[name], each.row.name)
            if len(found) == len(wanted):
                break
        assert len(found) == len(wanted), "the last route sets every field"
        return Settings((name, found[name]) for name in wanted)


def _compile(text: str, row: RouteRow) -> Pattern | None:
    return Pattern(text, row.captures) if text else None


def _matches(each: _Compiled, direction: Direction, sender: str, recipient: str) -> bool:
    if each.row.direction not in {"", direction}:
        return False
    if each.sender is not None and each.sender.match(sender) is None:
        return False
    return each.recipient is None or each.recipient.match(recipient) is not None


def changes(before: Sequence[RouteRow], after: Sequence[RouteRow]) -> list[dict[str, Any]]:
    """Return which routes ``apply`` would add, remove or change, for ``--dry-run``."""
    old: Mapping[str, RouteRow] = {row.name: row for row in before}
    new: Mapping[str, RouteRow] = {row.name: row for row in after}
    found: list[dict[str, Any]] = []
    for name in dict.fromkeys([*old, *new]):
        if name not in new:
            found.append({"id": name, "change": "removed"})
        elif name not in old:
            found.append({"id": name, "change": "added"})
        elif old[name] != new[name]:
            found.append({"id": name, "change": "changed"})
    return found
