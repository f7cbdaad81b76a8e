"""Octets in canonical form: CRLF line ends, and the form that survives a signature's journey.

``make_signable`` gives an entity the transfer encodings in which no relay has a reason to touch it:
seven bits, short lines, no "From " at the beginning of one. The decoded content of each part stays
the same; parts that are in order stay the same octets. RFC 8551 §3.1.1, §3.1.3; RFC 2045 §6.7, §6.8.
"""

import binascii
import re
from typing import Final

from app.mail.compose import wrap_base64
from app.mail.entity import Entity, boundary_of, decode_body, parse_entity, part_entities
from app.mail.errors import MalformedMessage
from app.mail.headers import Headers
from app.mail.limits import MIME_DEPTH

_LINE_OCTETS: Final = 998  # RFC 5322 §2.1.1
_LONG_LINE: Final = re.compile(rb"[^\n]{%d}" % (_LINE_OCTETS + 2))
_FROM_LINE: Final = re.compile(rb"(?:\A|\n)From ")
_QP_FROM: Final = re.compile(rb"(\A|\n)From ([^\r\n]*)")
_QP_COLUMNS: Final = 76


def is_crlf(octets: bytes) -> bool:
    """Tell whether every line end is CRLF, and CR and LF stand nowhere else."""
    pairs = octets.count(b"\r\n")
    return octets.count(b"\n") == pairs == octets.count(b"\r")


def to_crlf(octets: bytes) -> bytes:
    """Return the octets with each bare CR and bare LF made a CRLF; the same object if there is none."""
    if is_crlf(octets):
        return octets
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def is_seven_bit(octets: bytes) -> bool:
    """Tell whether there is neither an 8-bit octet nor NUL (RFC 2045 §2.7, without its line length)."""
    return octets.isascii() and b"\0" not in octets


def _is_safe(octets: bytes) -> bool:
    return (
        is_seven_bit(octets)
        and is_crlf(octets)
        and _FROM_LINE.search(octets) is None
        and _LONG_LINE.search(octets) is None
    )


def make_signable(entity_octets: bytes) -> bytes:
    """Return the entity in the form to sign; the same object if there is nothing to do.

    Every leaf with 8-bit octets, NUL, bare CR or LF, lines over 998 octets or a line that begins with
    "From " becomes quoted-printable or base64; multiparts and message/rfc822 are descended into.
    Raises MalformedMessage for an entity nested deeper than MIME_DEPTH. RFC 8551 §3.1.
    """
    if _is_safe(entity_octets):
        return entity_octets
    return b"".join(_signable(parse_entity(entity_octets), 1))


def _signable(entity: Entity, depth: int) -> list[bytes]:
    if depth > MIME_DEPTH:
        raise MalformedMessage(f"MIME depth over {MIME_DEPTH}")
    octets = entity.octets
    if _is_safe(octets):
        return [octets]
    media = entity.media_type
    if media.essence == "message/rfc822" and entity.encoding in {"7bit", "8bit", "binary"}:
        inner = parse_entity(entity.source, entity.body_at, entity.end)
        return [_head(entity, "7bit"), *_signable(inner, depth + 1)]
    if media.type == "multipart" and (boundary := boundary_of(media)):
        found = part_entities(entity.source, entity.body_at, entity.end, boundary)
        if found.parts:
            return _multipart(entity, found.parts, depth)
    return _leaf(entity)


def _multipart(entity: Entity, parts: tuple[Entity, ...], depth: int) -> list[bytes]:
    out = [_head(entity, "7bit")]
    at = entity.body_at
    for part in parts:
        out.append(_text_between(entity.source[at : part.start]))
        out.extend(_signable(part, depth + 1))
        at = part.end
    out.append(_text_between(entity.source[at : entity.end]))
    return out


def _text_between(octets: bytes) -> bytes:
    """Return preamble, delimiter or epilogue in seven bits: nobody reads them, but they are signed."""
    if _is_safe(octets):
        return octets
    return (
        to_crlf(octets)
        .decode("ascii", "replace")
        .replace("\ufffd", "?")
        .replace("\0", "?")
        .encode()
    )


def _head(entity: Entity, encoding: str) -> bytes:
    """Return header section and empty line, saying the encoding if the field there does not."""
    headers = entity.headers
    if entity.encoding != encoding and not (encoding == "7bit" and entity.encoding == "7bit"):
        headers = _with_encoding(headers, encoding)
    return to_crlf(headers.octets) + b"\r\n"


def _with_encoding(headers: Headers, encoding: str) -> Headers:
    name = "Content-Transfer-Encoding"
    first = headers.find(name)
    kept = headers.drop(lambda field: field.key == name.lower() and field is not first)
    return kept.replace_first(name, f"{name}: {encoding}\r\n".encode())


def _leaf(entity: Entity) -> list[bytes]:
    body, encoding = entity.body, entity.encoding
    if _is_safe(body):
        return [_head(entity, encoding), body]
    known = encoding in {"base64", "quoted-printable"}
    content = decode_body(body, encoding) if known else body
    if encoding == "base64" or (
        encoding != "quoted-printable" and not _reads_as_text(entity, content)
    ):
        return [_head(entity, "base64"), _base64(content, body)]
    return [_head(entity, "quoted-printable"), quoted_printable(content)]


def _reads_as_text(entity: Entity, content: bytes) -> bool:
    """Tell whether quoted-printable is shorter than base64, and exact."""
    if entity.media_type.type != "text" or not is_crlf(content):
        return False
    sample = content[:65536]
    strange = len(sample.translate(None, bytes(range(32, 127)) + b"\t\r\n")) + sample.count(b"=")
    return strange * 6 <= len(sample)


def _base64(content: bytes, body: bytes) -> bytes:
    encoded = wrap_base64(content)
    return encoded if body.endswith(b"\n") or not encoded else encoded[:-2]


def quoted_printable(content: bytes) -> bytes:
    """Return content with CRLF line ends as quoted-printable that no relay will rewrite.

    Lines of at most 76 columns, no white space at their end, "From " as "=46rom ", and no soft line
    break at the end of all. RFC 2045 §6.7, RFC 8551 §3.1.3.
    """
    encoded = binascii.b2a_qp(content, quotetabs=False, istext=True)
    encoded = encoded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if b"From " in encoded:
        encoded = _QP_FROM.sub(_without_from, encoded)
    return encoded


def _without_from(found: "re.Match[bytes]") -> bytes:
    line = b"=46rom " + found[2]
    if len(line) <= _QP_COLUMNS:
        return found[1] + line
    return found[1] + b"=46rom=\r\n " + found[2]
