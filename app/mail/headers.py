"""A message as a header section and the rest, octet for octet.

``split`` finds where the header section ends, ``Headers`` finds fields in it, and ``join`` puts both
together again: what was not changed on purpose comes out as it came in, folds, case and faults
included. Fields are looked for at every kind of line end, CRLF, bare LF and bare CR, because some
reader downstream will do so too; what is not a field is kept and told of by ``anomalies``.
RFC 5322 §2.2, §3.6; RFC 6532 §3.2.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Self

from app.mail.words import decode_text, encode_text, unfold

__all__ = ["Field", "Headers", "Split", "decode_text", "encode_text", "join", "split", "unfold"]

# A line end that no continuation line follows. The order matters: a CR before a LF is not bare.
_FIELD_END: Final = re.compile(rb"(?:\r\n|\r(?!\n)|\n)(?![ \t])")
_NAME: Final = re.compile(rb"[!-9;-~]+")  # ftext, RFC 5322 §3.6.8
_FIRST_FIELD: Final = re.compile(rb"[!-9;-~]+[ \t]*:")
_CONTROLS: Final = bytes(n for n in range(32) if n not in b"\t\r\n") + b"\x7f"
_BLANK_FOLD: Final = re.compile(rb"[\r\n][ \t]+(?:[\r\n]|\Z)")
# RFC 5322 §3.6, RFC 2045 §3: at most one of each. Two of them are read differently by different readers.
_SINGLE: Final = frozenset(
    (
        "from",
        "sender",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
        "content-disposition",
    ),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One header field as it stands in the message."""

    name: str
    """As written, without white space; "" for lines that are no field."""
    octets: bytes
    """The whole field: name, folds and last line end included."""

    @property
    def key(self) -> str:
        """The name in lower case."""
        return self.name.lower()

    @property
    def plain_key(self) -> str:
        """The name as a careless reader sees it: compatibility forms folded, only letters, digits, "-"."""
        if self.name.isascii() and self.name.replace("-", "").isalnum():
            return self.name.lower()
        folded = unicodedata.normalize("NFKC", self.name).casefold()
        return "".join(char for char in folded if char.isalnum() or char == "-")

    @property
    def value(self) -> bytes:
        """What follows the colon, still folded, with its last line end."""
        return self.octets.partition(b":")[2]

    @property
    def unfolded(self) -> bytes:
        """The value on one line, without white space at its ends."""
        return unfold(self.value)


def _field(octets: bytes) -> Field:
    name, colon, _ = octets.partition(b":")
    if not colon:
        return Field("", octets)
    if _NAME.fullmatch(name) is None:
        # Readers that unfold first, or skip what they do not know, still see a field here.
        name = unfold(name)
    return Field(name.decode("utf-8", "replace"), octets)


class Headers:
    """A header section. Never changes; every edit returns a new one."""

    __slots__ = ("_fields", "octets")

    octets: bytes
    """The section, without the empty line that ends it."""

    def __init__(self, octets: bytes = b"") -> None:
        self.octets = octets
        self._fields: tuple[Field, ...] | None = None

    @classmethod
    def of(cls, fields: Iterable[Field]) -> Self:
        """Return the header section made of these fields."""
        chosen = tuple(fields)
        made = cls(b"".join(field.octets for field in chosen))
        made._fields = chosen
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.octets == other.octets

    def __hash__(self) -> int:
        return hash(self.octets)

    def __repr__(self) -> str:
        return f"Headers({self.octets!r})"

    @property
    def fields(self) -> tuple[Field, ...]:
        """All fields in order; read at first use."""
        if self._fields is None:
            self._fields = tuple(_field(line) for line in _lines(self.octets))
        return self._fields

    def find(self, name: str) -> Field | None:
        """Return the first field of that name."""
        key = name.lower()
        return next((field for field in self.fields if field.key == key), None)

    def all(self, name: str) -> tuple[Field, ...]:
        """Return every field of that name, from the top."""
        key = name.lower()
        return tuple(field for field in self.fields if field.key == key)

    def text(self, name: str) -> str:
        """Return the decoded text of the first field of that name, "" if there is none (RFC 2047)."""
        field = self.find(name)
        return decode_text(field.value) if field else ""

    def without(self, *names: str) -> "Headers":
        """Return the section without the fields of these names."""
        keys = {name.lower() for name in names}
        return self.drop(lambda field: field.key in keys)

    def drop(self, predicate: Callable[[Field], bool]) -> "Headers":
        """Return the section without the fields that the predicate is true for."""
        kept = [field for field in self.fields if not predicate(field)]
        return self if len(kept) == len(self.fields) else Headers.of(kept)

    def prepend(self, name: str, value: bytes | str) -> "Headers":
        """Return the section with one field more on top; the value is folded if it is long."""
        return Headers(_new_field(name, value) + self.octets)

    def append(self, name: str, value: bytes | str) -> "Headers":
        """Return the section with one field more at its end."""
        return Headers(self._ended() + _new_field(name, value))

    def replace_first(self, name: str, octets: bytes) -> "Headers":
        """Return the section with the first field of that name replaced, or with a new one at its end.

        The octets are a whole field with its CRLF, as encode_text makes it.
        """
        first = self.find(name)
        if first is None:
            return Headers(self._ended() + octets)
        at = next(n for n, field in enumerate(self.fields) if field is first)
        return Headers.of((*self.fields[:at], _field(octets), *self.fields[at + 1 :]))

    def _ended(self) -> bytes:
        return (
            self.octets if self.octets.endswith(b"\n") or not self.octets else self.octets + b"\r\n"
        )

    @property
    def is_ascii(self) -> bool:
        """Whether there is no 8-bit octet; others belong to SMTPUTF8 transactions (RFC 6532 §3)."""
        return self.octets.isascii()

    @property
    def anomalies(self) -> tuple[str, ...]:
        """What two readers could read differently; empty for a clean section (T38).

        Raw UTF-8 is clean here, as in an SMTPUTF8 message; for others ask is_ascii.
        """
        found = _octet_anomalies(self.octets)
        keys = [field.key for field in self.fields]
        for field in self.fields:
            found.extend(_field_anomalies(field))
        found.extend(f"several {key} fields" for key in sorted(_SINGLE) if keys.count(key) > 1)
        return tuple(dict.fromkeys(found))


def _new_field(name: str, value: bytes | str) -> bytes:
    if isinstance(value, str):
        return encode_text(name, value)
    assert b"\0" not in value, name
    assert not re.search(rb"\n(?![ \t])|\r(?!\n)|(?<!\r)\n", value), name
    return b"%s: %s\r\n" % (name.encode("ascii"), value)


def _lines(section: bytes) -> list[bytes]:
    ends = [found.end() for found in _FIELD_END.finditer(section)]
    if not ends or ends[-1] != len(section):
        ends.append(len(section))
    starts = [0, *ends]
    return [section[start:end] for start, end in zip(starts, ends, strict=False) if end > start]


def _octet_anomalies(section: bytes) -> list[str]:
    found = []
    pairs = section.count(b"\r\n")
    if section.count(b"\r") != pairs:
        found.append("bare CR")
    if section.count(b"\n") != pairs:
        found.append("bare LF")
    if b"\0" in section:
        found.append("NUL")
    elif len(section.translate(None, _CONTROLS)) != len(section):
        found.append("control character")
    if _BLANK_FOLD.search(section):
        found.append("fold of white space only")
    if not section.isascii():
        try:
            section.decode("utf-8")
        except UnicodeDecodeError:
            found.append("8-bit octets that are not UTF-8")
    return found


def _field_anomalies(field: Field) -> list[str]:
    name, colon, _ = field.octets.partition(b":")
    if colon and _NAME.fullmatch(name):
        return []
    if field.octets.startswith((b"From ", b">From ")):
        return ["mbox line"]
    if colon and _NAME.fullmatch(unfold(name)):
        return ["white space before the colon"]
    return ["line that is no field"]


@dataclass(frozen=True, slots=True)
class Split:
    """Where a message has its header section and its body."""

    message: bytes
    headers: Headers
    separator: bytes
    """The empty line: CRLF, or nothing where there is none."""
    body_at: int

    @property
    def body(self) -> bytes:
        """The octets after the empty line."""
        return self.message[self.body_at :]

    @property
    def rest(self) -> bytes:
        """The empty line and what follows."""
        return self.message[self.body_at - len(self.separator) :]


def split(message: bytes) -> Split:
    """Return where the header section ends; never raises.

    It ends at the first empty line, CRLF CRLF. Without one the message is all header section, or all
    body if its first line is no field. RFC 5322 §2.1.
    """
    if message.startswith(b"\r\n"):
        return Split(message, Headers(), b"\r\n", 2)
    at = message.find(b"\r\n\r\n")
    if at >= 0:
        return Split(message, Headers(message[: at + 2]), b"\r\n", at + 4)
    if _FIRST_FIELD.match(message):
        return Split(message, Headers(message), b"", len(message))
    return Split(message, Headers(), b"", 0)


def join(headers: Headers, rest: Split | bytes) -> bytes:
    """Return the message of a header section and a body, or what split left beside the section.

    With a Split the empty line is the one that was there; octets are a body, and get one before them.
    """
    if isinstance(rest, Split):
        return headers.octets + rest.rest
    return b"%s\r\n%s" % (headers.octets, rest)
