"""A small reader and writer of strict DER.

The reader moves over the octets by offsets and copies nothing; an element is copied when somebody
asks for its value. It takes what CMS can hold: tags below 31, definite lengths in their shortest
form. Whatever else BER allows is an error here and is left to `app.cms.ber`. ITU-T X.690.
"""

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Final

from app.cms.errors import MalformedCms, TooLarge
from app.mail.limits import INTEGER_BITS

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OBJECT_IDENTIFIER: Final = 0x06
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
# Context-specific tags: [0] and so on around an element, or in the place of a primitive one's tag.
CONTEXT_0: Final = 0xA0
CONTEXT_1: Final = 0xA1
CONTEXT_2: Final = 0xA2
CONTEXT_3: Final = 0xA3
CONTEXT_4: Final = 0xA4
PRIMITIVE_0: Final = 0x80
PRIMITIVE_2: Final = 0x82

_LONG_HEAD: Final = Struct(">BBH")
# From which length on a length takes so many octets.
_SHORTEST: Final = (0, 0x80, 0x100, 0x10000, 0x1000000)
_CUT_SHORT = "an element is cut short"
# No registered identifier comes near; a longer one only costs time (T106).
_IDENTIFIER_OCTETS = 64


class Reader:
    """One element, or a run of elements, at offsets of the octets it was made from.

    `head` is where the element's tag stands, `start` and `end` enclose its content, `at` is the
    place of the next element inside it.
    """

    __slots__ = ("at", "end", "head", "octets", "start")

    def __init__(self, octets: bytes, head: int, start: int, end: int) -> None:
        self.octets = octets
        self.head = head
        self.start = self.at = start
        self.end = end

    def peek(self) -> int:
        """Return the tag of the next element, -1 at the end."""
        return self.octets[self.at] if self.at < self.end else -1

    def take(self, tag: int) -> "Reader":
        """Step over the next element, which must have this tag, and return it."""
        head = self.at
        return Reader(self.octets, head, self._step(tag), self.at)

    def take_value(self, tag: int) -> bytes:
        """Step over the next element, which must have this tag, and return its content octets."""
        return self.octets[self._step(tag) : self.at]

    def take_whole(self, tag: int) -> bytes:
        """Step over the next element, which must have this tag, and return all of it."""
        head = self.at
        self._step(tag)
        return self.octets[head : self.at]

    def enter(self, tag: int) -> None:
        """Go into the next element, which must have this tag and be the last one here."""
        start = self._step(tag)
        self.finish()
        self.at = start

    def take_all(self, tag: int) -> list[bytes]:
        """Step over every element left, which must have this tag, and return each as a whole."""
        found: list[bytes] = []
        while self.at < self.end:
            start = self.at
            self._step(tag)
            found.append(self.octets[start : self.at])
        return found

    def skip(self, tag: int) -> None:
        """Step over the next element, which must have this tag."""
        self._step(tag)

    def _step(self, tag: int) -> int:
        """Step over the next element, which must have this tag; return where its content starts."""
        octets, head, end = self.octets, self.at, self.end
        start = head + 2
        if start > end:
            raise MalformedCms(_CUT_SHORT)
        if octets[head] != tag:
            raise MalformedCms(f"expected tag {tag:#04x}")
        length = octets[head + 1]
        if length >= 0x80:
            start, length = _long_length(octets, start, length & 0x7F, end)
        self.at = stop = start + length
        if stop > end:
            raise MalformedCms(_CUT_SHORT)
        return start

    def next(self) -> "Reader":
        """Step over the next element, whatever it is, and return it."""
        tag = self.peek()
        if tag & 0x1F == 0x1F:
            raise MalformedCms("a tag of several octets")
        return self.take(tag)

    def find(self, tag: int) -> "Reader | None":
        """Step over the next element and return it if it has this tag."""
        if self.at < self.end and self.octets[self.at] == tag:
            return self.take(tag)
        return None

    def finish(self) -> None:
        """Raise MalformedCms unless every element was taken."""
        if self.at != self.end:
            raise MalformedCms("elements beyond the structure")

    @property
    def value(self) -> bytes:
        """The content octets."""
        return self.octets[self.start : self.end]

    @property
    def whole(self) -> bytes:
        """The element with its tag and length."""
        return self.octets[self.head : self.end]

    def integer(self) -> int:
        """Step over an INTEGER and return its number."""
        start = self._step(INTEGER)
        if self.at - start > INTEGER_BITS // 8 + 1:
            raise TooLarge("an INTEGER over the limit")
        value = self.octets[start : self.at]
        if len(value) == 1:
            return value[0] - (value[0] >> 7 << 8)
        if not value or (value[0], value[1] & 0x80) in {(0, 0), (0xFF, 0x80)}:
            raise MalformedCms("an INTEGER that is not in its shortest form")
        return int.from_bytes(value, "big", signed=True)

    def identifier(self) -> bytes:
        """Step over an OBJECT IDENTIFIER and return its content octets."""
        value = self.take_value(OBJECT_IDENTIFIER)
        if not value or len(value) > _IDENTIFIER_OCTETS or value[-1] & 0x80:
            raise MalformedCms("an OBJECT IDENTIFIER that is none")
        return value


def _long_length(octets: bytes, start: int, count: int, end: int) -> tuple[int, int]:
    """Return where the content starts and its length, for a length of several octets."""
    stop = start + count
    if not 1 <= count <= 4 or stop > end:
        raise MalformedCms("a length that DER does not know")
    length = int.from_bytes(octets[start:stop], "big")
    if length < _SHORTEST[count]:
        raise MalformedCms("a length that is not in its shortest form")
    return stop, length


def read(octets: bytes) -> Reader:
    """Return a reader whose elements are the octets' elements."""
    return Reader(octets, 0, 0, len(octets))


def read_one(octets: bytes, tag: int) -> Reader:
    """Return the one element that the octets are, or raise MalformedCms."""
    outside = read(octets)
    element = outside.take(tag)
    outside.finish()
    return element


def head(tag: int, length: int) -> bytes:
    """Return the tag and the length in front of content of `length` octets."""
    if length < 0x80:
        return bytes((tag, length))
    if 0x100 <= length < 0x10000:
        return _LONG_HEAD.pack(tag, 0x82, length)
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets


def tlv(tag: int, *parts: bytes | memoryview) -> bytes:
    """Return one element whose content is the parts in their order."""
    return b"".join((head(tag, sum(map(len, parts))), *parts))


def wrap(tag: int, pieces: Sequence[bytes | memoryview]) -> list[bytes | memoryview]:
    """Return the pieces of one element around the pieces, for large content that is joined once."""
    return [head(tag, sum(map(len, pieces))), *pieces]


def set_of(tag: int, *parts: bytes) -> bytes:
    """Return a SET OF the encoded parts in DER's order (X.690 11.6)."""
    return tlv(tag, *sorted(parts))


def integer(number: int) -> bytes:
    """Return an INTEGER in its shortest form."""
    octets = number.to_bytes((8 + (number + (number < 0)).bit_length()) // 8, "big", signed=True)
    return tlv(INTEGER, octets)


@lru_cache(maxsize=256)
def encode_identifier(dotted: str) -> bytes:
    """Return the content octets of an OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    octets = bytearray()
    for arc in (first * 40 + second, *rest):
        groups = [arc & 0x7F]
        left = arc >> 7
        while left:
            groups.append(0x80 | left & 0x7F)
            left >>= 7
        octets += bytes(reversed(groups))
    return bytes(octets)


def dotted_identifier(octets: bytes) -> str:
    """Return the content octets of an OBJECT IDENTIFIER as dotted numbers."""
    arcs: list[int] = []
    arc = 0
    for octet in octets:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2) if arcs else 0
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:]))) if arcs else ""
