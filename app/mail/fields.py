"""Header fields: where they begin and end, and what is odd about them.

A section is cut at every kind of line end, CRLF, bare LF and bare CR, because some reader
downstream will do so too; a line that is no field is kept as one without a name. What two readers
could take differently is an anomaly, and a message with one gets no mark (T38).
RFC 5322 §2.2, §3.6; RFC 6532 §3.2.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from app.mail.limits import FIELD_OCTETS, HEADER_FIELDS, HEADER_REFUSE_OCTETS
from app.mail.words import unfold

# A line end that no continuation line follows. The order matters: a CR before a LF is not bare.
FIELD_END: Final = re.compile(rb"(?:\r\n|\r(?!\n)|\n)(?![ \t])")
# One field of a section with clean line ends, and its name if it has one.
FIELD: Final = re.compile(rb"((?:([!-9;-~]++):)?[^\n]*+\n(?:[ \t][^\n]*+\n)*)")
_NAME: Final = re.compile(rb"[!-9;-~]++")  # ftext, RFC 5322 §3.6.8
_CONTROLS: Final = bytes(octet for octet in range(32) if octet not in b"\t\r\n") + b"\x7f"
_BLANK_FOLD: Final = re.compile(rb"\n[ \t]++(?:[\r\n]|\Z)")
_NAME_CHARACTERS: Final = 1_000
_SEEN_CHARACTERS: Final = 76  # of a name: what decides stands at its beginning (T36)


class Field(NamedTuple):
    """One header field as it stands in the message."""

    name: str
    """As written, without white space around it; "" for lines that are no field."""
    octets: bytes
    """The whole field: name, folds and last line end included."""

    @property
    def key(self) -> str:
        """The name in lower case."""
        return self.name.lower() if self.name.isascii() else self.name

    @property
    def plain_key(self) -> str:
        """The name as a careless reader sees it: only letters, digits and "-", look-alikes folded.

        Compatibility forms, case of any script and invisible characters do not count (T61).
        """
        return _plain_key(self.name[:_NAME_CHARACTERS])

    @property
    def is_content(self) -> bool:
        """Whether the field describes the entity (RFC 2045 §3).

        A continuation of nothing does not: it would become part of the field it comes to follow.
        """
        return self.plain_key.startswith("content-") and self.octets[:1] not in {b" ", b"\t"}

    @property
    def value(self) -> bytes:
        """What follows the colon, still folded, with its last line end."""
        return self.octets.partition(b":")[2]

    @property
    def unfolded(self) -> bytes:
        """The value on one line, without white space at its ends."""
        return unfold(self.value)


def _as_seen(name: str) -> str:
    if name.isascii() and name.replace("-", "").isalnum():
        return name.lower()
    visible = "".join(filter(str.isprintable, name))[:_SEEN_CHARACTERS]
    folded = unicodedata.normalize("NFKC", visible).casefold()[:_SEEN_CHARACTERS]
    dashed = ("-" if unicodedata.category(char) == "Pd" else char for char in folded)
    return "".join(char for char in dashed if char.isalnum() or char == "-")


_plain_key: Final = lru_cache(maxsize=4096)(_as_seen)


def field_of(octets: bytes) -> Field:
    """Return the field that these octets are, whatever they are."""
    name, colon, _ = octets.partition(b":")
    if not colon:
        return Field("", octets)
    if _NAME.fullmatch(name) is None:
        # Readers that unfold first, or skip what they do not know, still see a field here.
        name = unfold(name)
    return Field(name.decode("utf-8", "replace"), octets)


def is_refused(section: bytes) -> bool:
    """Tell whether nobody takes mail with such a header section: too large, or too many fields."""
    if len(section) > HEADER_REFUSE_OCTETS:
        return True
    if len(section) <= HEADER_FIELDS or (
        section.count(b"\n") <= HEADER_FIELDS and section.count(b"\r") <= HEADER_FIELDS
    ):
        return False
    ends = FIELD_END.finditer(section)
    return sum(1 for _ in islice(ends, HEADER_FIELDS + 1)) > HEADER_FIELDS


def fields_of(section: bytes) -> tuple[Field, ...]:
    """Return all fields of a section; joined they are the section again.

    A section that is refused is one line that is no field: nobody takes that mail.
    """
    if is_refused(section):
        return (Field("", section),)
    if not has_clean_ends(section):
        return tuple(map(field_of, _lines(section)))
    return tuple(
        Field(name.decode("ascii"), octets) if name else field_of(octets)
        for octets, name in FIELD.findall(section)
    )


def has_clean_ends(section: bytes) -> bool:
    """Tell whether the section is whole lines, each ended by CRLF."""
    pairs = section.count(b"\r\n")
    return section.count(b"\n") == pairs == section.count(b"\r") and section.endswith(b"\n")


def _lines(section: bytes) -> list[bytes]:
    ends = [found.end() for found in FIELD_END.finditer(section)]
    if not ends or ends[-1] != len(section):
        ends.append(len(section))
    starts = [0, *ends]
    return [section[start:end] for start, end in zip(starts, ends, strict=False) if end > start]


def octet_anomalies(section: bytes) -> list[str]:
    """Return what is odd about the octets of a header section."""
    found = []
    pairs = section.count(b"\r\n")
    if section.count(b"\r") != pairs:
        found.append("bare CR")
    if section.count(b"\n") != pairs:
        found.append("bare LF")
    if len(section.translate(None, _CONTROLS)) != len(section):
        found.append("NUL" if b"\0" in section else "control character")
    if _BLANK_FOLD.search(section):
        found.append("fold of white space only")
    if not section.isascii():
        try:
            section.decode("utf-8")
        except UnicodeDecodeError:
            found.append("8-bit octets that are not UTF-8")
    return found


def field_anomalies(field: Field) -> list[str]:
    """Return what is odd about one field, but for its octets."""
    octets = field.octets
    if len(octets) > FIELD_OCTETS:
        return [f"header field over {FIELD_OCTETS} octets"]
    name, colon, _ = octets.partition(b":")
    if colon and _NAME.fullmatch(name):
        return []
    if colon and octets[:1] not in {b" ", b"\t"} and _NAME.fullmatch(unfold(name)):
        return ["white space before the colon"]
    is_mbox = octets.startswith((b"From ", b">From "))
    return ["mbox line" if is_mbox else "line that is no field"]
