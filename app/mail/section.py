"""What a header section says, from one reading of its octets.

Most sections are clean: fields and nothing else. Those are cut by one expression, and what is asked
of them is answered without more. Any other is cut by ``fields`` at every kind of line end.
RFC 5322 §2.2, RFC 6532 §3.2.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Self

from app.mail.fields import (
    FIELD,
    Field,
    field_anomalies,
    fields_of,
    is_refused,
    octet_anomalies,
)
from app.mail.limits import FIELD_OCTETS, HEADER_FIELDS, HEADER_SECTION_OCTETS

# Nothing but fields; no control characters, no fold of white space only, CRLF at every line end.
_CLEAN: Final = re.compile(
    rb"(?:[!-9;-~]++:[\t -~\x80-\xff]*+\r\n"
    rb"(?:[ \t]++[!-~\x80-\xff][\t -~\x80-\xff]*+\r\n)*)*"
)
REMEMBERED_OCTETS: Final = 8_192
"""What is usual: a larger section is not worth its place in a memory."""
# At most one of each, and two readers do not agree which of two counts: RFC 5322 §3.6, RFC 2045 §3.
_SINGLE: Final = (
    "from",
    "sender",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
)


@lru_cache(maxsize=1024)
def _is_content(name: bytes) -> bool:
    """Tell whether a field of this name describes the entity, unless it is a continuation."""
    return Field(name.decode(), b"").is_content


class Section:
    """What a header section says: its fields, by name too, and what is odd about them.

    It is read when it is first asked, and every question is answered from that one reading.
    """

    __slots__ = (
        "_anomalies",
        "_divided",
        "_fields",
        "_first",
        "_found",
        "_is_clean",
        "_pairs",
        "octets",
    )

    octets: bytes
    """The section, without the empty line that ends it."""

    def __init__(self, octets: bytes = b"", pairs: list[tuple[bytes, bytes]] | None = None) -> None:
        self.octets = octets
        # Each field, and its name; given only for a clean section.
        self._pairs = pairs
        self._is_clean = pairs is not None
        self._fields: tuple[Field, ...] | None = None
        self._first: dict[bytes, tuple[bytes, bytes]] | None = None  # by name in lower case
        self._found: dict[str, Field | None] = {}
        self._divided: tuple[Self, Self] | None = None
        self._anomalies: tuple[str, ...] | None = None

    @classmethod
    def of(cls, fields: Iterable[Field]) -> Self:
        """Return the header section made of these fields."""
        chosen = tuple(fields)
        made = cls(b"".join([field.octets for field in chosen]))
        made._take(chosen)
        return made

    def _take(self, fields: tuple[Field, ...]) -> None:
        self._fields = fields
        self._pairs = [(field.octets, field.key.encode()) for field in fields]

    def _read(self) -> list[tuple[bytes, bytes]]:
        if self._pairs is None:
            octets = self.octets
            if not is_refused(octets) and _CLEAN.fullmatch(octets):
                self._is_clean = True
                self._pairs = FIELD.findall(octets)
            else:
                self._take(fields_of(octets))
        assert self._pairs is not None
        return self._pairs

    @property
    def fields(self) -> tuple[Field, ...]:
        """All fields in their order; of a refused section just one, nameless."""
        if self._fields is None:
            pairs = self._read()
            if self._fields is None:
                self._fields = tuple([Field(name.decode(), octets) for octets, name in pairs])
        return self._fields

    @property
    def _by_name(self) -> dict[bytes, tuple[bytes, bytes]]:
        if self._first is None:
            self._first = {pair[1].lower(): pair for pair in reversed(self._read())}
        return self._first

    def find(self, name: str) -> Field | None:
        """Return the first field of that name."""
        if name not in self._found:
            pair = self._by_name.get(name.lower().encode())
            if pair and not self._is_clean:
                self._found[name] = self.fields[self._read().index(pair)]
            else:
                self._found[name] = pair and Field(pair[1].decode(), pair[0])
        return self._found[name]

    def all(self, name: str) -> tuple[Field, ...]:
        """Return every field of that name, from the top."""
        first = self.find(name)
        if first is None:
            return ()
        if len(self._by_name) == len(self._read()):
            return (first,)
        return tuple(field for field in self.fields if field.key == first.key)

    @property
    def divided(self) -> tuple[Self, Self]:
        """The fields that describe the entity, and the others (RFC 2045 §3)."""
        if self._divided is None:
            self._divided = self._divide()
        return self._divided

    def _divide(self) -> tuple[Self, Self]:
        pairs = self._read()
        if not self._is_clean or len(self.octets) > REMEMBERED_OCTETS:
            inside = [field for field in self.fields if field.is_content]
            outside = [field for field in self.fields if not field.is_content]
            return self.of(inside), self.of(outside) if inside else self
        content: list[tuple[bytes, bytes]] = []
        others: list[tuple[bytes, bytes]] = []
        for pair in pairs:
            (content if _is_content(pair[1]) else others).append(pair)
        return self._part(content), self._part(others) if content else self

    def _part(self, pairs: list[tuple[bytes, bytes]]) -> Self:
        """Return the section of some of the fields of a clean one."""
        return type(self)(b"".join([octets for octets, _ in pairs]), pairs)

    @property
    def anomalies(self) -> tuple[str, ...]:
        """What two readers could read differently; empty for a clean section (T38).

        Raw UTF-8 is clean here, as in an SMTPUTF8 message; for others ask is_ascii.
        """
        if self._anomalies is None:
            self._anomalies = self._look_for_anomalies()
        return self._anomalies

    def _look_for_anomalies(self) -> tuple[str, ...]:
        octets = self.octets
        if len(octets) > HEADER_SECTION_OCTETS:
            return (f"header section over {HEADER_SECTION_OCTETS} octets",)
        if is_refused(octets):
            return (f"more than {HEADER_FIELDS} header fields", *octet_anomalies(octets))
        found: list[str] = []
        pairs = self._read()
        if not self._is_clean or len(octets) > FIELD_OCTETS or not octets.isascii():
            found.extend(octet_anomalies(octets))
            for field in self.fields:
                found.extend(field_anomalies(field))
        if len(self._by_name) < len(pairs):
            keys = [name.lower() for _, name in pairs]
            found.extend(f"several {key} fields" for key in _SINGLE if keys.count(key.encode()) > 1)
        return tuple(dict.fromkeys(found))
