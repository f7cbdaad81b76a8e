"""A message as a header section and the rest, octet for octet.

``split`` finds where the header section ends, ``Headers`` finds and changes fields in it, ``join``
puts both together again. What was not changed on purpose comes out as it came in: folds, case and
faults included. Every edit puts in front, cuts out or appends whole fields.
RFC 5322 §2.1, §2.2.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from app.mail.fields import Field, field_of
from app.mail.section import REMEMBERED_OCTETS, Section
from app.mail.words import decode_text, encode_text, unfold

__all__ = ["Field", "Headers", "Split", "decode_text", "encode_text", "join", "split", "unfold"]

FIRST_FIELD: Final = re.compile(rb"[!-9;-~]++[ \t]*+:")
"""What a message begins with if it has a header section."""


class Headers(Section):
    """A header section. Never changes; every edit returns a new one."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.octets == other.octets

    def __hash__(self) -> int:
        return hash(self.octets)

    def __repr__(self) -> str:
        return f"Headers({self.octets!r})"

    def text(self, name: str) -> str:
        """Return the decoded text of the first field of that name, "" if there is none."""
        field = self.find(name)
        return decode_text(field.value) if field else ""

    def without(self, *names: str) -> "Headers":
        """Return the section without the fields of these names."""
        if not any(map(self.find, names)):
            return self
        keys = {name.lower() for name in names}
        return self.drop(lambda field: field.key in keys)

    def drop(self, predicate: Callable[[Field], bool]) -> "Headers":
        """Return the section without the fields that the predicate is true for."""
        kept = [field for field in self.fields if not predicate(field)]
        return self if len(kept) == len(self.fields) else Headers.of(kept)

    def prepend(self, name: str, value: bytes | str) -> "Headers":
        """Return the section with one field more on top.

        Text is encoded and folded; octets are taken as they are and must be well folded.
        """
        octets = self.octets
        if octets.startswith((b" ", b"\t")):
            # A continuation of nothing would become one of ours, and say what a stranger likes.
            octets = b"".join(field.octets for field in self.fields[1:])
        return Headers(_new_field(name, value) + octets)

    def append(self, name: str, value: bytes | str) -> "Headers":
        """Return the section with one field more at its end."""
        return Headers(self.ended().octets + _new_field(name, value))

    def replace_first(self, name: str, octets: bytes) -> "Headers":
        """Return the section with the first field of that name replaced, or a new one at its end.

        The octets are a whole field with its CRLF, as encode_text makes it.
        """
        key = name.lower()
        for at, field in enumerate(self.fields):
            if field.key == key:
                return Headers.of((*self.fields[:at], field_of(octets), *self.fields[at + 1 :]))
        return Headers(self.ended().octets + octets)

    def ended(self) -> "Headers":
        """Return the section with CRLF at its end, as whatever comes below needs it."""
        if not self.octets or self.octets.endswith(b"\r\n"):
            return self
        return Headers(self.octets.rstrip(b"\r\n") + b"\r\n")

    @property
    def is_ascii(self) -> bool:
        """Whether there is no 8-bit octet; others belong to SMTPUTF8 transactions (RFC 6532 §3)."""
        return self.octets.isascii()


def read_headers(octets: bytes) -> Headers:
    """Return the header section that these octets are.

    One message is looked at many times on its way, and its sections are cut out anew each time: the
    last ones of usual size are remembered by their octets, with what was read of them.
    """
    return _remembered(octets) if len(octets) <= REMEMBERED_OCTETS else Headers(octets)


_remembered: Final = lru_cache(maxsize=64)(Headers)


def _new_field(name: str, value: bytes | str) -> bytes:
    if isinstance(value, str):
        return encode_text(name, value)
    assert b"\0" not in value, name
    assert not re.search(rb"\n(?![ \t])|\r(?!\n)|(?<!\r)\n", value), name
    return b"%s: %s\r\n" % (name.encode("ascii"), value)


class Split(NamedTuple):
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

    It ends at the first empty line, CRLF CRLF. Without one the message is all header section, or
    all body if its first line is no field. RFC 5322 §2.1.
    """
    if message.startswith(b"\r\n"):
        return Split(message, Headers(), b"\r\n", 2)
    at = message.find(b"\r\n\r\n")
    if at >= 0:
        return Split(message, read_headers(message[: at + 2]), b"\r\n", at + 4)
    if FIRST_FIELD.match(message):
        return Split(message, read_headers(message), b"", len(message))
    return Split(message, Headers(), b"", 0)


def join(headers: Headers, rest: Split | bytes) -> bytes:
    """Return the message of a header section and a body, or of what split left beside the section.

    With a Split the empty line is the one that was there, and none is added but where a body
    without any header section would else become part of the new one; octets are a body and get
    one.
    """
    if isinstance(rest, bytes):
        return b"%s\r\n%s" % (headers.octets, rest)
    if headers.octets and not rest.separator and rest.body_at < len(rest.message):
        return b"%s\r\n%s" % (headers.octets, rest.body)
    # Where the last field was cut out and the one before ends otherwise, CRLF is no empty line.
    return (headers.ended() if rest.separator else headers).octets + rest.rest
