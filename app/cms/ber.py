"""Hostile octets first: the limits on DER and BER, and a linear way from BER to DER.

`scan` walks over every element once, with a stack of its own, and is called before anything else
sees octets from outside. `to_der` writes indefinite lengths as definite ones and joins the segments
of constructed strings; what is DER already comes out as it went in. T106, ITU-T X.690.
"""

from typing import Final

from app.cms.der import CONTEXT_0, INTEGER, OCTET_STRING, SEQUENCE, head
from app.cms.errors import MalformedCms, TooLarge
from app.mail.limits import BER_SEGMENTS, DER_DEPTH, DER_ELEMENTS, INTEGER_BITS

_CUT_SHORT: Final = "an element is cut short"
_INDEFINITE: Final = 0x80
_LENGTH_OCTETS: Final = 4
_INTEGER_OCTETS: Final = INTEGER_BITS // 8 + 1
_CONSTRUCTED_STRING: Final = 0x24
_SEGMENT_TAGS: Final = frozenset((OCTET_STRING, _CONSTRUCTED_STRING))
# encryptedContent is four levels deep, tagged [0], and stands after an AlgorithmIdentifier; the
# eContent of a SignedData is as deep, tagged the same, and stands after its type.
_ENCRYPTED_CONTENT: Final = (4, CONTEXT_0, SEQUENCE)


def scan(octets: bytes, start: int = 0, end: int | None = None) -> None:
    """Raise unless the octets are well-formed BER elements within the limits.

    Raises MalformedCms if an element is cut short, too long for what encloses it, or has a length
    that BER does not know, TooLarge over a limit of depth, elements, segments or INTEGER size.
    """
    try:
        _walk(octets, start, len(octets) if end is None else end)
    except IndexError as fault:
        raise MalformedCms(_CUT_SHORT) from fault


def _walk(octets: bytes, at: int, end: int) -> None:  # noqa: C901, PLR0915 - the one hot loop
    """Go over all elements in one pass, remembering only the ends of the open ones.

    The end of an indefinite element is unknown; ~bound stands for it, a number below zero, where
    bound is the end of the closest element around it that has one.
    """
    ends: list[int] = []
    elements = segments = before = 0
    while True:
        while at == end:
            if not ends:
                return
            end = ends.pop()
        tag, length = octets[at], octets[at + 1]
        at += 2
        bound = end if end >= 0 else ~end
        if end < 0 and not tag and not length and at <= bound:
            end = ends.pop()
            continue
        elements += 1
        if length >= _INDEFINITE or tag & 0x1F == 0x1F:
            at, length = header(octets, at - 2)
        stop = at + length if length >= 0 else at
        if stop > bound:
            raise MalformedCms(_CUT_SHORT)
        if tag & 0x20:
            ends.append(end)
            end = stop if length >= 0 else ~bound
        else:
            at = stop
        if tag in _SEGMENT_TAGS and before in _SEGMENT_TAGS:
            segments += 1
        before = tag
        if len(ends) > DER_DEPTH or elements > DER_ELEMENTS or segments > BER_SEGMENTS:
            raise TooLarge("deeper, or more elements or segments, than the limit")
        if tag == INTEGER and length > _INTEGER_OCTETS:
            raise TooLarge("an INTEGER over the limit")


def header(octets: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the element at `at` starts and its length, -1 for indefinite."""
    tag = octets[at]
    at += 1
    if tag & 0x1F == 0x1F:
        # A tag number of more than two octets is above 16,383: nobody has that many.
        at += 1 + (octets[at] >> 7)
        if octets[at - 1] & 0x80:
            raise MalformedCms("a tag number beyond all use")
    length = octets[at]
    at += 1
    if length < _INDEFINITE:
        return at, length
    if length == _INDEFINITE:
        if not tag & 0x20:
            raise MalformedCms("an indefinite length on a primitive element")
        return at, -1
    count = length & 0x7F
    if count > _LENGTH_OCTETS or at + count > len(octets):
        raise MalformedCms(_CUT_SHORT)
    return at + count, int.from_bytes(octets[at : at + count], "big")


def to_der(octets: bytes) -> bytes:
    """Return the object with definite lengths in their shortest form and strings in one piece.

    Expects octets that passed `scan`. The order inside a SET OF stays as it is. Raises
    MalformedCms for a string whose segments are no strings, and for anything behind the object.
    """
    chunks: list[bytes | memoryview] = []
    try:
        _, _, at = _Rewriter(octets, chunks).element(0, 0, 0, bare=False)
    except IndexError as fault:
        raise MalformedCms(_CUT_SHORT) from fault
    if at != len(octets):
        raise MalformedCms("octets behind the object")
    return b"".join(chunks)


class _Rewriter:
    """Appends the DER of elements to one list; a header is filled in when its size is known."""

    __slots__ = ("chunks", "octets", "view")

    def __init__(self, octets: bytes, chunks: list[bytes | memoryview]) -> None:
        self.octets = octets
        self.view = memoryview(octets)
        self.chunks = chunks

    def element(self, at: int, depth: int, after: int, *, bare: bool) -> tuple[int, int, int]:
        """Write the element at `at`; return its tag, its size written, and where the next starts.

        `after` is the tag of the element before it. A bare element is written without its header:
        it is a segment.
        """
        tag = self.octets[at]
        start, length = header(self.octets, at)
        name = self.octets[at : at + 1]
        if tag & 0x1F == 0x1F:
            name = self.octets[at : at + 2 + (self.octets[at + 1] >> 7)]
        slot = len(self.chunks)
        self.chunks.append(b"")
        string = bare or tag == _CONSTRUCTED_STRING
        if bare and tag not in _SEGMENT_TAGS:
            raise MalformedCms("a segment that is no string")
        if not tag & 0x20:
            self.chunks.append(self.view[start : start + length])
            size, at = length, start + length
        elif (depth, tag, after) == _ENCRYPTED_CONTENT and self.octets[start] in _SEGMENT_TAGS:
            # encryptedContent is the one implicitly tagged string of CMS that is ever segmented.
            size, at = self._inside(start, length, depth + 1, bare=True)
            name = b"\x80"
        else:
            size, at = self._inside(start, length, depth + 1, bare=string)
            name = b"\x04" if string else name
        if bare:
            return tag, size, at
        self.chunks[slot] = front = name[:-1] + head(name[-1], size)
        return tag, size + len(front), at

    def _inside(self, at: int, length: int, depth: int, *, bare: bool) -> tuple[int, int]:
        """Write all elements of a constructed one; return their size and where it ends."""
        if depth > DER_DEPTH:
            raise TooLarge("deeper than the limit")
        size = after = 0
        end = at + length
        while at != end if length >= 0 else self.octets[at] or self.octets[at + 1]:
            after, written, at = self.element(at, depth, after, bare=bare)
            size += written
            if length >= 0 and at > end:
                raise MalformedCms(_CUT_SHORT)
        return size, at if length >= 0 else at + 2
