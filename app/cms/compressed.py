"""CompressedData: read, with two limits on what comes out of it.

Never written: no policy asks for it (T105). RFC 3274.
"""

import zlib

from app.cms import algorithms as table
from app.cms import der
from app.cms.ber import to_der
from app.cms.content_info import open_content_info
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.mail.limits import COMPRESSED_OCTETS, COMPRESSION_RATIO

_DATA = der.encode_identifier(table.DATA)
_ZLIB = der.encode_identifier(table.ZLIB)


def open_compressed(cms: bytes, limit_octets: int = COMPRESSED_OCTETS) -> bytes:
    """Return the content of a CompressedData.

    Raises TooLarge before more than limit_octets, or than the allowed ratio, are produced,
    UnsupportedCms for another algorithm than zlib, MalformedCms for anything that is not a
    complete CompressedData. RFC 3274 §1.1.
    """
    octets = to_der(cms)
    body = open_content_info(octets, "compressed")
    body.integer()
    algorithm = body.take(der.SEQUENCE).identifier()
    encap = body.take(der.SEQUENCE)
    body.finish()
    if algorithm != _ZLIB:
        raise UnsupportedCms(f"compression {der.dotted_identifier(algorithm)}")
    if encap.identifier() != _DATA:
        raise UnsupportedCms("compressed content that is no data")
    explicit = encap.take(der.CONTEXT_0)
    encap.finish()
    string = explicit.take(der.OCTET_STRING)
    explicit.finish()
    limit = min(limit_octets, COMPRESSION_RATIO * (string.end - string.start))
    return _inflate(memoryview(octets)[string.start : string.end], limit)


def _inflate(octets: memoryview, limit_octets: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(octets, limit_octets + 1)
    except zlib.error as fault:
        raise MalformedCms("not a zlib stream") from fault
    if len(content) > limit_octets:
        raise TooLarge("more content than the limit")
    if not inflater.eof or inflater.unused_data:
        raise MalformedCms("a zlib stream that does not end where it should")
    return content
