"""The fields a policy route may set: name, values with the default first, direction (design 7)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from app.model.errors import Refused
from app.model.sources import parse_source
from app.model.triggers import parse_trigger

Value = str | int | tuple[str, ...]
"""What a field can hold: a word or a text, a number of days, a list."""

Direction = Literal["inbound", "outbound"]

DIRECTIONS: Final[tuple[Direction, ...]] = ("inbound", "outbound")

DAYS_AT_MOST: Final = 3650
_TEXT_CHARACTERS: Final = 8
_LIST_ENTRIES: Final = 100
_ENTRY_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Field:
    """One setting of the policy."""

    name: str
    default: Value
    directions: tuple[Direction, ...]
    values: tuple[str, ...] = ()
    """The words it may be; empty for days, texts and lists."""
    check: Callable[[str], object] | None = None
    """What raises Refused for a bad entry of a list."""

    def read(self, value: object) -> Value:
        """Return a value as it is kept. Raises Refused with what the value may be."""
        if self.values:
            return self._word(value)
        if isinstance(self.default, int):
            return _days(value)
        if isinstance(self.default, tuple):
            return self._checked(_entries(value))
        return _text(value)

    def _checked(self, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            if self.check is not None:
                self.check(entry)
        return entries

    def _word(self, value: object) -> str:
        if isinstance(value, str) and value in self.values:
            return value
        raise Refused(f"{value!r} is not one of {', '.join(self.values)}")


def _days(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= DAYS_AT_MOST:
        raise Refused(f"{value!r} is no number of days from 0 to {DAYS_AT_MOST}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _TEXT_CHARACTERS or not value.isprintable():
        raise Refused(f"{value!r} is no text of at most {_TEXT_CHARACTERS} characters")
    if any(character.isalnum() or character in '@" ' for character in value):
        raise Refused(f"{value!r} cannot stand between a local part and its tag")
    return value


def _entries(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or len(value) > _LIST_ENTRIES:
        raise Refused(f"{value!r} is no list of at most {_LIST_ENTRIES} entries")
    for entry in value:
        if not isinstance(entry, str) or not entry.isprintable() or not entry.strip():
            raise Refused(f"{entry!r} is no line of text")
        if len(entry) > _ENTRY_CHARACTERS:
            raise Refused(f"{entry[:20]!r}… is longer than {_ENTRY_CHARACTERS} characters")
    return tuple(value)


def _field(name: str, direction: str, *values: str) -> Field:
    return Field(name, values[0], _directions(direction), values)


def _other(
    name: str, direction: str, default: Value, check: Callable[[str], object] | None = None
) -> Field:
    return Field(name, default, _directions(direction), check=check)


def _directions(direction: str) -> tuple[Direction, ...]:
    return tuple(each for each in DIRECTIONS if direction in {"both", each.removesuffix("bound")})


_TABLE: Final = (
    _field("verify", "in", "on", "off"),
    _field("decrypt", "in", "on", "off"),
    _field("harvest", "in", "on", "off"),
    _field("harvest_approval", "in", "on_error", "always", "never"),
    _field("display", "in", "text", "symbol", "none"),
    _field("domain_mark", "in", "add", "replace"),
    _field("revocation", "both", "soft", "hard", "require", "off"),
    _field("opaque", "in", "keep", "clear"),
    _field("strip_signature", "in", "never", "when_valid", "always"),
    _field("on_undecryptable", "in", "deliver", "refuse"),
    _field("inbound_require", "in", "none", "signed", "encrypted"),
    _field("legacy_decrypt", "in", "3des", "none", "3des+rc2"),
    _other("delimiter", "in", ""),
    _field("sign", "out", "auto", "never", "require"),
    _field("sign_with", "out", "personal", "domain", "prefer-domain"),
    _field("form", "out", "clear", "opaque"),
    _field("strip_existing_signature", "out", "off", "on"),
    _field("encrypt", "out", "auto", "never", "require", "require-all"),
    _field("encrypt_to", "out", "any", "personal"),
    _field("profile", "out", "compat", "smime4", "bsi", "edi-energy"),
    _field("post_quantum", "out", "off", "on"),
    _field("protect_subject", "out", "off", "on"),
    _field("calendar", "out", "exempt", "protect"),
    _other("triggers", "out", (), parse_trigger),
    _other("expired_grace_days", "out", 0),
    _other("overlap_days", "out", 7),
    _other("lookup", "out", (), parse_source),
)

FIELDS: Final[Mapping[str, Field]] = {field.name: field for field in _TABLE}
"""All fields, in the order in which they are written."""
