"""Policy routes as rows and as one TOML file; read whole or not at all (design 7).

A route has a direction, a ``from`` and a ``to`` pattern, captures, and the fields it sets. What is
left out matches everything. Errors name the route and the field.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.model.errors import Refused
from app.model.fields import DIRECTIONS, FIELDS, Value
from app.model.patterns import Pattern

FILE_CHARACTERS: Final = 1_000_000
ROUTES_AT_MOST: Final = 1_000
_NAME_CHARACTERS: Final = 100
_MATCHERS: Final = ("name", "direction", "from", "to", "captures")
_LAST_ROUTE: Final = "everything else"


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One route, checked."""

    name: str
    direction: str = ""
    """"inbound", "outbound" or "" for both."""
    sender: str = ""
    recipient: str = ""
    captures: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Value] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the route as it stands in the file, ready for JSON."""
        heads = {"direction": self.direction, "from": self.sender, "to": self.recipient}
        found: dict[str, Any] = {"name": self.name}
        found.update({name: value for name, value in heads.items() if value})
        if self.captures:
            found["captures"] = dict(self.captures)
        for name, value in self.fields.items():
            found[name] = list(value) if isinstance(value, tuple) else value
        return found


def shipped_rows() -> tuple[RouteRow, ...]:
    """Return the policy of a new installation: one route that matches all and sets all."""
    everything = {name: each.default for name, each in FIELDS.items()}
    return (RouteRow(_LAST_ROUTE, "", "(any)@(host)", "(any)@(host)", {}, everything),)


def parse_toml(text: str) -> tuple[RouteRow, ...]:
    """Return the routes of a policy file. Raises Refused, naming route and field."""
    if len(text) > FILE_CHARACTERS:
        raise Refused(f"the policy is longer than {FILE_CHARACTERS} characters")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise Refused(f"the policy is not TOML: {error}") from error
    odd = set(document) - {"route"}
    if odd:
        raise Refused(f"the policy has {min(odd)!r}, but only [[route]] can stand there")
    tables = document.get("route")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise Refused("the policy has no [[route]]")
    return read_rows(tables)


def read_rows(tables: Sequence[Mapping[str, Any]]) -> tuple[RouteRow, ...]:
    """Return routes from mappings, as TOML and JSON give them. Raises Refused."""
    if not 1 <= len(tables) <= ROUTES_AT_MOST:
        raise Refused(f"a policy has 1 to {ROUTES_AT_MOST} routes")
    rows = tuple(_read_row(number, table) for number, table in enumerate(tables, 1))
    names = [row.name for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise Refused(f"route {name!r}: there are two of this name")
    _check_last(rows[-1])
    return rows


def _read_row(number: int, table: Mapping[str, Any]) -> RouteRow:
    name = table.get("name")
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise Refused(f"route {number}: it needs a name")
    if len(name) > _NAME_CHARACTERS:
        raise Refused(f"route {number}: its name is longer than {_NAME_CHARACTERS} characters")
    at = "name"
    try:
        at = "direction"
        direction = _direction(table.get("direction", ""))
        at = "captures"
        captures = _captures(table.get("captures", {}))
        at = "from"
        sender = _pattern(table.get("from", ""), captures)
        at = "to"
        recipient = _pattern(table.get("to", ""), captures)
        at = "captures"
        _check_used(captures, (sender, recipient))
        fields: dict[str, Value] = {}
        for at in (key for key in table if key not in _MATCHERS):
            fields[at] = _field(at, table[at], direction)
    except Refused as error:
        raise Refused(f"route {name!r}, {at}: {error}") from error
    ordered = {known: fields[known] for known in FIELDS if known in fields}
    return RouteRow(name, direction, sender, recipient, captures, ordered)


def _direction(value: object) -> str:
    if value == "" or value in DIRECTIONS:
        return str(value)
    raise Refused(f"{value!r} is not inbound or outbound; leave it out for both")


def _captures(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(rule, str) for rule in value.values()):
        raise Refused('must look like { bank = "bank\\\\.example" }')
    return {str(name): str(rule) for name, rule in value.items()}


def _check_used(captures: Mapping[str, str], patterns: Sequence[str]) -> None:
    for name in captures:
        if not any(f"({name})" in pattern for pattern in patterns):
            raise Refused(f"{name!r} stands in neither from nor to")


def _pattern(value: object, captures: Mapping[str, str]) -> str:
    if not isinstance(value, str):
        raise Refused(f"{value!r} is no pattern such as (any)@(host)")
    if value:
        Pattern(value, captures)
    return value


def _field(name: str, value: object, direction: str) -> Value:
    known = FIELDS.get(name)
    if known is None:
        raise Refused("there is no such field")
    if direction and direction not in known.directions:
        raise Refused(f"this field belongs to {known.directions[0]} routes")
    return known.read(value)


def _check_last(row: RouteRow) -> None:
    everything = {"", "(any)@(host)"}
    if row.direction or row.sender not in everything or row.recipient not in everything:
        raise Refused(f"route {row.name!r}, to: the last route must match everything: (any)@(host)")
    if row.captures:
        raise Refused(f"route {row.name!r}, captures: the last route must match everything")
    for name in FIELDS:
        if name not in row.fields:
            raise Refused(f"route {row.name!r}, {name}: the last route must set every field")


def export_toml(rows: Sequence[RouteRow]) -> str:
    """Return the routes as a policy file that ``parse_toml`` reads back."""
    lines = ["# sealmon policy export", ""]
    for row in rows:
        lines.append("[[route]]")
        lines += [f"{name} = {_toml(value)}" for name, value in row.to_json().items()]
        lines.append("")
    return "\n".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_quoted(str(name))} = {_toml(each)}" for name, each in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, int):
        return str(value)
    return _quoted(str(value))


def _quoted(text: str) -> str:
    # A basic string of TOML is a string of JSON, save for DEL and lone surrogates, which no checked
    # row contains.
    return json.dumps(text, ensure_ascii=False)
