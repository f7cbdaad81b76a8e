"""ContentInfo, the frame of every CMS object, and the way into it.

The frame of an object of usual size has always the same form, and is read at one go; any other is
read element by element. RFC 5652 §3.
"""

from struct import Struct
from typing import Final

from app.cms import algorithms as table
from app.cms import der
from app.cms.errors import MalformedCms

# SEQUENCE, OBJECT IDENTIFIER, [0] and SEQUENCE, with lengths of two octets where they are DER.
_FRAMES: Final = tuple(
    (Struct(f">BBHBB{octets}sBBHBBH"), octets)
    for octets in sorted({len(oid) for oid in table.CONTENT_TYPES})
)
_SHORTEST_OCTETS: Final = 0x100  # of what is inside, for a length of two octets to be DER's
_LONGEST_OCTETS: Final = 0x10000


def open_content_info(cms: bytes, kind: str) -> der.Reader:
    """Return a reader of what is in the SEQUENCE of a ContentInfo of this kind.

    Raises MalformedCms for another kind, and for what is not DER.
    """
    found, body = read_content_info(cms)
    if found != kind:
        raise MalformedCms(f"not {kind}")
    return body


def read_content_info(cms: bytes) -> tuple[str, der.Reader]:
    """Return the kind of a ContentInfo, "" if we have no name for it, and a reader as above."""
    size = len(cms)
    for frame, octets in _FRAMES:
        inside = size - frame.size
        if not _SHORTEST_OCTETS <= inside < size < _LONGEST_OCTETS:
            break
        fields = frame.unpack_from(cms)
        oid = fields[5]
        expected = (
            *(der.SEQUENCE, 0x82, size - 4, der.OBJECT_IDENTIFIER, octets, oid),
            *(der.CONTEXT_0, 0x82, inside + 4, der.SEQUENCE, 0x82, inside),
        )
        if fields == expected and oid in table.CONTENT_TYPES:
            return table.CONTENT_TYPES[oid], der.Reader(cms, frame.size, frame.size, size)
    body = der.read(cms)
    body.enter(der.SEQUENCE)
    kind = table.CONTENT_TYPES.get(body.identifier(), "")
    body.enter(der.CONTEXT_0)
    body.enter(der.SEQUENCE)
    return kind, body
