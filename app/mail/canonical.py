"""Octets in canonical form: CRLF line ends, and the form that survives a signature's journey.

``make_signable`` gives an entity the transfer encodings in which no relay has a reason to touch it:
seven bits, short lines, no "From " at the beginning of one. The decoded content of every part stays
the same; parts that are in order stay the same octets.
RFC 8551 §3.1.1, §3.1.3; RFC 2045 §6.
"""

from collections.abc import Sequence
from io import IncrementalNewlineDecoder
from typing import Final, NamedTuple

from app.mail.entity import Entity, parse_entity
from app.mail.errors import MalformedMessage
from app.mail.headers import Headers
from app.mail.limits import LINE_OCTETS, MIME_DEPTH, MIME_PARTS
from app.mail.seven_bit import seven_bit_headers
from app.mail.transfer import (
    BASE64,
    QUOTED_PRINTABLE,
    decode_body,
    guard_quoted_printable,
    quoted_printable,
    rewrap_base64,
    wrap_base64,
)

_CRLF: Final = frozenset(("\r\n",))
_BLOCK_OCTETS: Final = 262_144
_SAMPLE_OCTETS: Final = 65_536
_READABLE: Final = bytes(octet for octet in range(32, 127) if octet != ord("=")) + b"\t\r\n"
_ENCODING: Final = "Content-Transfer-Encoding"
# DEVIATION: RFC 8551 §3.1.3 wants seven bits throughout; a part that somebody signed or encrypted
# with eight keeps them, as relays keep it: another form would break that signature.
_SEALED: Final = frozenset(("multipart/signed", "multipart/encrypted"))


def line_ends(octets: bytes) -> frozenset[str]:
    """Return which of CRLF, bare CR and bare LF the octets have."""
    # The standard library looks for all of them at once, three times as fast as counting does; in
    # blocks, because it wants text, which is a copy.
    reader = IncrementalNewlineDecoder(None, translate=False)
    if len(octets) <= _BLOCK_OCTETS:
        reader.decode(octets.decode("latin-1"), final=True)
    else:
        view = memoryview(octets)
        for at in range(0, len(octets), _BLOCK_OCTETS):
            block = str(view[at : at + _BLOCK_OCTETS], "latin-1")
            reader.decode(block, final=at + _BLOCK_OCTETS >= len(octets))
    found: str | tuple[str, ...] | None = reader.newlines
    return frozenset((found,) if isinstance(found, str) else found or ())


def is_crlf(octets: bytes) -> bool:
    """Tell whether every line end is CRLF, and CR and LF stand nowhere else."""
    return line_ends(octets) <= _CRLF


def to_crlf(octets: bytes) -> bytes:
    """Return the octets with each bare CR and LF made CRLF; the same object if there is none."""
    if is_crlf(octets):
        return octets
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def is_seven_bit(octets: bytes) -> bool:
    """Tell whether there is neither an 8-bit octet nor NUL (RFC 2045 §2.7, but for long lines)."""
    return octets.isascii() and b"\0" not in octets


def make_signable(entity_octets: bytes) -> bytes:
    """Return the entity in the form to sign; the same object if there is nothing to do.

    Every leaf with 8-bit octets, NUL, bare CR or LF, lines over 998 octets or a line that begins
    with "From " becomes quoted-printable or base64; multiparts and attached messages are descended
    into. Raises MalformedMessage for more than MIME_DEPTH levels or MIME_PARTS parts.
    RFC 8551 §3.1, §3.1.3.
    """
    if _is_in_order(entity_octets):
        return entity_octets
    edits = _edits_inside(parse_entity(entity_octets), 0)
    if not edits:
        return entity_octets
    source = memoryview(entity_octets)
    pieces: list[bytes | memoryview] = []
    at = 0
    for edit in edits:
        pieces.append(source[at : edit.start])
        pieces.extend(edit.pieces)
        at = edit.end
    return b"".join((*pieces, source[at:]))


class _Edit(NamedTuple):
    """A stretch of the source, and what shall stand there."""

    start: int
    end: int
    pieces: Sequence[bytes] = ()


def _edits(entity: Entity, depth: int) -> list[_Edit]:
    """Return what must be changed of an entity, from front to back."""
    if depth > MIME_DEPTH:
        raise MalformedMessage(f"MIME depth over {MIME_DEPTH}")
    return [] if _is_in_order(entity.octets) else _edits_inside(entity, depth)


def _edits_inside(entity: Entity, depth: int) -> list[_Edit]:
    """Return the same for an entity that is not in order as a whole."""
    if entity.media_type.essence in _SEALED:
        return []
    if entity.is_message:
        return _container(entity, _edits(entity.message(), depth + 1))
    if entity.boundary and entity.delimited.is_over:
        raise MalformedMessage(f"more than {MIME_PARTS} MIME parts")
    parts = entity.parts()
    if not parts:
        return _leaf(entity)
    inside = _preamble(entity, parts[0].start)
    for part in parts:
        inside += _edits(part, depth + 1)
    return _container(entity, inside + _epilogue(entity, parts[-1].end))


def _is_in_order(octets: bytes) -> bool:
    """Tell whether nothing here needs another form; may say no where nothing does."""
    # The end of a base64 part looks like a soft line break at the end of a quoted-printable one.
    may_end_soft = b"=" in octets and (b"=\r\n--" in octets or octets.endswith((b"=", b"=\r\n")))
    return not may_end_soft and _is_safe(octets)


def _is_safe(octets: bytes) -> bool:
    return (
        is_seven_bit(octets)
        and is_crlf(octets)
        # Found sooner without the blank, which is everywhere.
        and (b"\nFrom" not in octets or b"\nFrom " not in octets)
        and not octets.startswith(b"From ")
        and not _has_long_line(octets)
    )


def _has_long_line(octets: bytes) -> bool:
    at, last = 0, len(octets) - LINE_OCTETS
    while at < last:
        # Line ends are CRLF here: the LF of the longest line stands 999 octets after its beginning.
        at = octets.rfind(b"\n", at, at + LINE_OCTETS + 2) + 1
        if at == 0:
            return True
    return False


def _preamble(entity: Entity, first: int) -> list[_Edit]:
    """Cut what stands before the first delimiter, if it cannot stay as it is: nobody reads it."""
    end = entity.source.rfind(b"--" + entity.boundary, entity.body_at, first)
    return [] if _is_safe(entity.source[entity.body_at : end]) else [_Edit(entity.body_at, end)]


def _epilogue(entity: Entity, last: int) -> list[_Edit]:
    """Cut what stands behind the last delimiter, if it could not stay as it is."""
    start = min(entity.end, last + len(b"\r\n--") + len(entity.boundary) + len(b"--"))
    return [] if _is_safe(entity.source[start : entity.end]) else [_Edit(start, entity.end)]


def _container(entity: Entity, inside: list[_Edit]) -> list[_Edit]:
    """Return the edits of a multipart or attached message: those inside and those of its header."""
    at = entity.body_at
    is_seven = True
    for edit in (*inside, _Edit(entity.end, entity.end)):
        is_seven = is_seven and is_seven_bit(entity.source[at : edit.start])
        at = edit.end
    return [*_head(entity, "7bit" if is_seven and inside else entity.encoding), *inside]


def _leaf(entity: Entity) -> list[_Edit]:
    body, encoding = entity.body, entity.encoding
    if encoding == QUOTED_PRINTABLE and is_seven_bit(body) and is_crlf(body):
        guarded = guard_quoted_printable(body)
        if guarded != body and _is_safe(guarded):
            return _with_body(entity, encoding, [guarded])
    if _is_safe(body):
        return _head(entity, encoding)
    if encoding == BASE64:
        return _with_body(entity, BASE64, _ended_like(body, rewrap_base64(body)))
    # An encoding that is not known is none to those who read the mail.
    content = decode_body(body, encoding) if encoding == QUOTED_PRINTABLE else body
    if _reads_as_text(entity, content):
        return _with_body(entity, QUOTED_PRINTABLE, [quoted_printable(content)])
    return _with_body(entity, BASE64, _ended_like(body, wrap_base64(content)))


def _reads_as_text(entity: Entity, content: bytes) -> bool:
    """Tell whether quoted-printable is exact, and shorter than base64 would be."""
    if entity.media_type.type not in {"text", "message"} or not is_crlf(content):
        return False
    sample = content[:_SAMPLE_OCTETS]
    return len(sample.translate(None, _READABLE)) * 6 <= len(sample)


def _ended_like(body: bytes, encoded: bytes) -> list[bytes]:
    return [encoded if body.endswith(b"\n") else encoded.removesuffix(b"\r\n")]


def _with_body(entity: Entity, encoding: str, pieces: Sequence[bytes]) -> list[_Edit]:
    return [*_head(entity, encoding), _Edit(entity.body_at, entity.end, pieces)]


def _head(entity: Entity, encoding: str) -> list[_Edit]:
    """Return the edit that makes the header section seven bits and says the encoding."""
    headers = entity.headers
    if entity.encoding != encoding:
        headers = _with_encoding(headers, encoding)
    if not _is_safe(headers.octets):
        headers = seven_bit_headers(headers)
    if headers is entity.headers:
        return []
    return [_Edit(entity.start, entity.body_at, (headers.ended().octets, b"\r\n"))]


def _with_encoding(headers: Headers, encoding: str) -> Headers:
    others = headers.all(_ENCODING)[1:]
    kept = headers.drop(lambda field: any(field is other for other in others))
    return kept.replace_first(_ENCODING, f"{_ENCODING}: {encoding}\r\n".encode())
