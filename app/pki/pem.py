"""PEM: the text form of certificates and keys, among whatever else stands in a file. RFC 7468."""

import binascii
import re
from collections.abc import Iterator
from typing import Final

from app.cms import der

_BEGIN: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
BLOCKS: Final = 10_000


def blocks(octets: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield (label, whole block as it stands) of every complete block; text around is skipped."""
    at = 0
    for _ in range(BLOCKS):
        begin = _BEGIN.search(octets, at)
        if begin is None:
            return
        end_line = b"-----END " + begin[1] + b"-----"
        end = octets.find(end_line, begin.end())
        if end < 0:
            return
        at = end + len(end_line)
        yield begin[1].decode("ascii"), octets[begin.start() : at]


def decode(block: bytes) -> bytes:
    """Return the DER of one block without header fields; ValueError if it is not base64."""
    inside = block.partition(b"-----\n")[2] or block.partition(b"-----\r\n")[2]
    inside = (inside or block[block.find(b"-----", 11) + 5 :]).rpartition(b"-----END ")[0]
    try:
        return binascii.a2b_base64(b"".join(inside.split()), strict_mode=True)
    except binascii.Error as error:
        raise ValueError("the PEM block is not base64") from error


def encode(octets: bytes, label: str = "CERTIFICATE") -> bytes:
    """Return DER as one block with lines of 64 characters."""
    text = binascii.b2a_base64(octets, newline=False)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    name = label.encode("ascii")
    return b"\n".join((b"-----BEGIN %b-----" % name, *lines, b"-----END %b-----" % name, b""))


def is_der(octets: bytes) -> bool:
    """Return whether the octets begin like a SEQUENCE and not like text."""
    return octets[:1] == bytes((der.SEQUENCE,))
