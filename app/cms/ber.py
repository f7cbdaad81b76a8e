"""Hostile octets first: the limits on DER and BER, and a linear way from BER to DER.

`scan` walks over every element once, with a stack of its own, and is called before anything else
sees octets from outside. `to_der` writes indefinite lengths as definite ones and joins the segments
of constructed strings; what is DER already comes out as it went in. T106, ITU-T X.690.
"""

import hashlib
from bisect import bisect_left
from typing import Final

from app.cms.der import CONTEXT_0, CONTEXT_1, INTEGER, OCTET_STRING, SEQUENCE, head
from app.cms.errors import MalformedCms, TooLarge
from app.mail.limits import (
    BER_LARGE_SEGMENT_OCTETS,
    BER_SEGMENTS,
    DER_DEPTH,
    DER_ELEMENTS,
    INTEGER_BITS,
)

_CUT_SHORT: Final = "an element is cut short"
_INDEFINITE: Final = 0x80
_LENGTH_OCTETS: Final = 4
_INTEGER_OCTETS: Final = INTEGER_BITS // 8 + 1
_CONSTRUCTED_STRING: Final = 0x24
_SEGMENT_TAGS: Final = frozenset((OCTET_STRING, _CONSTRUCTED_STRING))
# A string behind one of these is a segment, or content, which is looked at as if it were one.
_SEGMENT_PARENTS: Final = _SEGMENT_TAGS | {CONTEXT_0}
# Elements that are not DER: the small segments, and as many with an odd length.
_IRREGULAR: Final = 2 * BER_SEGMENTS
# What is written anew; large segments, and what is DER and copied by the whole, do not count.
_REWRITTEN: Final = 4 * BER_SEGMENTS
# encryptedContent is four levels deep, tagged [0], and stands after an AlgorithmIdentifier; the
# eContent of a SignedData is as deep, tagged the same, and stands after its type.
_ENCRYPTED_CONTENT: Final = (4, CONTEXT_0, SEQUENCE)
# Certificates and CRLs: whoever signed them signed them as they are, octet for octet.
_BAGS: Final = frozenset(((4, CONTEXT_0), (4, CONTEXT_1)))
# A string beyond this size is long for a second reader.
_LONG_OCTETS: Final = 1024


def scan(octets: bytes, *, limit_elements: int = DER_ELEMENTS) -> None:
    """Raise unless the octets are well-formed BER elements within the limits.

    Raises MalformedCms if an element is cut short, too long for what encloses it, or has a length
    that BER does not know, TooLarge over a limit of depth, elements, segments or INTEGER size.
    """
    _walk_safely(octets, limit_elements)


def _walk_safely(octets: bytes, limit_elements: int) -> tuple[list[int], list[int]]:
    try:
        return _walk(octets, limit_elements)
    except IndexError as fault:
        raise MalformedCms(_CUT_SHORT) from fault


def _walk(octets: bytes, limit_elements: int) -> tuple[list[int], list[int]]:  # noqa: C901, PLR0912, PLR0915 - the one hot loop
    """Return the offsets of the elements that may not be DER, and of the long primitive ones.

    Goes over all elements in one pass, remembering only the ends of the open ones. The end of an
    indefinite element is unknown; ~bound stands for it, a number below zero, where bound is the
    end of the closest element around it that has one.
    """
    at, end = 0, len(octets)
    ends: list[int] = []
    irregular: list[int] = []
    long: list[int] = []
    elements = segments = large = before = 0
    while True:
        while at == end:
            if not ends:
                return irregular, long
            end = ends.pop()
        begin = at
        tag, length = octets[at], octets[at + 1]
        at += 2
        bound = end if end >= 0 else ~end
        if end < 0 and not tag and not length and at <= bound:
            end = ends.pop()
            continue
        elements += 1
        if length >= _INDEFINITE or tag & 0x1F == 0x1F:
            at, length = header(octets, begin)
            if length < _INDEFINITE or not octets[begin + 2] or tag & 0x1F == 0x1F:
                irregular.append(begin)
        stop = at + length if length >= 0 else at
        if stop > bound:
            raise MalformedCms(_CUT_SHORT)
        if tag in _SEGMENT_TAGS and (before in _SEGMENT_PARENTS or tag == _CONSTRUCTED_STRING):
            irregular.append(begin)
            if length >= BER_LARGE_SEGMENT_OCTETS and tag == OCTET_STRING:
                large += 1
            else:
                segments += 1
        before = tag
        if tag & 0x20:
            ends.append(end)
            end = stop if length >= 0 else ~bound
        else:
            at = stop
            if length > _LONG_OCTETS:
                long.append(begin)
        if len(ends) > DER_DEPTH or elements > limit_elements or segments > BER_SEGMENTS:
            raise TooLarge("deeper, or more elements or segments, than the limit")
        if (tag == INTEGER and length > _INTEGER_OCTETS) or len(irregular) > _IRREGULAR + large:
            raise TooLarge("an INTEGER over the limit, or too much that is not DER")


def header(octets: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the element at `at` starts and its length, -1 for indefinite.

    Raises IndexError behind the end.
    """
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


def to_der(octets: bytes, *, abridged: bool = False) -> bytes:
    """Return the object with definite lengths in their shortest form and strings in one piece.

    The order inside a SET OF stays as it is. Where `abridged` is asked for, long strings are only
    their SHA-256, so that a second reader need not copy them. Raises as `scan`, and MalformedCms
    for a string whose segments are no strings and for anything behind the object.
    """
    irregular, long = _walk_safely(octets, DER_ELEMENTS)
    if abridged:
        irregular = sorted(irregular + long)
    rewriter = _Rewriter(octets, irregular, abridged=abridged)
    try:
        _, _, at = rewriter.element(0, 0, (0, 0), bare=False)
    except IndexError as fault:
        raise MalformedCms(_CUT_SHORT) from fault
    if at != len(octets):
        raise MalformedCms("octets behind the object")
    return b"".join(rewriter.chunks)


class _Rewriter:
    """Appends the DER of elements to one list; a header is filled in when its size is known."""

    __slots__ = ("abridged", "chunks", "irregular", "octets", "small", "view")

    def __init__(self, octets: bytes, irregular: list[int], *, abridged: bool) -> None:
        self.octets = octets
        self.view = memoryview(octets)
        self.irregular = irregular
        self.abridged = abridged
        self.chunks: list[bytes | memoryview] = []
        self.small = 0

    def element(
        self, at: int, depth: int, place: tuple[int, int], *, bare: bool
    ) -> tuple[int, int, int]:
        """Write the element at `at`; return its tag, its size written, and where the next starts.

        `place` is the tags of the element around it and of the one before it. A bare element is
        written without its header: it is a segment.
        """
        tag = self.octets[at]
        start, length = header(self.octets, at)
        self.small += length < BER_LARGE_SEGMENT_OCTETS
        if self.small > _REWRITTEN:
            raise TooLarge("too much that is not DER")
        if bare and tag not in _SEGMENT_TAGS:
            raise MalformedCms("a segment that is no string")
        inside, after = place
        whole = (depth, inside) in _BAGS and length >= 0
        if not bare and (whole or self._is_regular(at, start + length)):
            self.chunks.append(self.view[at : start + length])
            return tag, start + length - at, start + length
        name = self.octets[at : at + 1]
        if tag & 0x1F == 0x1F:
            name = self.octets[at : at + 2 + (self.octets[at + 1] >> 7)]
        slot = len(self.chunks)
        self.chunks.append(b"")
        string = bare or tag == _CONSTRUCTED_STRING
        if not tag & 0x20:
            size, at = self._copy(start, start + length), start + length
        elif (depth, tag, after) == _ENCRYPTED_CONTENT and self.octets[start] in _SEGMENT_TAGS:
            # encryptedContent is the one implicitly tagged string of CMS that is ever segmented.
            size, at = self._inside(start, length, (depth + 1, tag), bare=True)
            name = b"\x80"
        else:
            size, at = self._inside(start, length, (depth + 1, tag), bare=string)
            name = b"\x04" if string else name
        if bare:
            return tag, size, at
        self.chunks[slot] = front = name[:-1] + head(name[-1], size)
        return tag, size + len(front), at

    def _is_regular(self, at: int, end: int) -> bool:
        """Say whether the element can be copied as it is with everything in it."""
        place = bisect_left(self.irregular, at)
        return place == len(self.irregular) or self.irregular[place] >= end

    def _copy(self, start: int, end: int) -> int:
        """Write octets as they are and return how many."""
        piece: bytes | memoryview = self.view[start:end]
        if self.abridged and end - start > _LONG_OCTETS:
            piece = hashlib.sha256(piece).digest()
        self.chunks.append(piece)
        return len(piece)

    def _inside(
        self, at: int, length: int, level: tuple[int, int], *, bare: bool
    ) -> tuple[int, int]:
        """Write all elements of a constructed one; return their size and where it ends.

        `level` is their depth and the tag around them.
        """
        depth, inside = level
        size = after = 0
        end = at + length
        while at != end if length >= 0 else self.octets[at] or self.octets[at + 1]:
            after, written, at = self.element(at, depth, (inside, after), bare=bare)
            size += written
        return size, at if length >= 0 else at + 2
