"""MIME entities as offsets into a message.

An entity is a stretch of octets: a header section, a body, and for multiparts the stretches of its
parts. Nothing is copied before ``octets``, ``body`` or ``decoded`` are asked for, nothing is repaired.
``scan`` comes first: it walks a whole message once and says whether it is within the limits; deeper
or wider messages are opaque and carry no S/MIME (T35, T36). RFC 2045, RFC 2046 §5.1.
"""

import binascii
import re
from dataclasses import dataclass
from typing import Final

import pybase64

from app.mail.errors import MalformedMessage
from app.mail.headers import Headers
from app.mail.limits import (
    BOUNDARY_OCTETS,
    FIELD_OCTETS,
    HEADER_SECTION_OCTETS,
    MIME_DEPTH,
    MIME_PARTS,
)
from app.mail.media import PLAIN_TEXT, MediaType, parse_media_type

__all__ = ["Entity", "MediaType", "parse_entity", "parse_media_type", "scan"]

_IDENTITY: Final = frozenset(("7bit", "8bit", "binary"))
_AFTER_BOUNDARY: Final = re.compile(rb"(--)?[ \t]*(?:\r\n|\Z)")
_FIRST_FIELD: Final = re.compile(rb"[!-9;-~]+[ \t]*:")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/\r\n\t ]*={0,2}[\r\n\t ]*")
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of a message: from start to end, the body from body_at."""

    source: bytes
    start: int
    headers_end: int
    body_at: int
    end: int

    @property
    def octets(self) -> bytes:
        """The whole entity."""
        return self.source[self.start : self.end]

    @property
    def body(self) -> bytes:
        """The body, still transfer-encoded."""
        return self.source[self.body_at : self.end]

    @property
    def headers(self) -> Headers:
        """The header section, without the empty line."""
        return Headers(self.source[self.start : self.headers_end])

    @property
    def media_type(self) -> MediaType:
        """The media type; text/plain where there is no field or none that can be read (RFC 2045 §5.2)."""
        return _media_type(self.headers)

    @property
    def encoding(self) -> str:
        """The content transfer encoding in lower case, 7bit by default (RFC 2045 §6.1)."""
        return _encoding(self.headers)

    @property
    def is_multipart(self) -> bool:
        """Whether there are parts, or should be."""
        return self.media_type.type == "multipart"

    def decoded(self) -> bytes:
        """Return the body without its transfer encoding.

        Octets that are no base64 are skipped, as RFC 2045 §6.8 says. Raises MalformedMessage for an
        encoding that is not known, and for base64 or quoted-printable that is broken off.
        """
        return decode_body(self.body, self.encoding)

    def parts(self) -> tuple["Entity", ...]:
        """Return the parts of a multipart; nothing for others and for those over the limit."""
        media = self.media_type
        if media.type != "multipart":
            return ()
        boundary = boundary_of(media)
        if not boundary:
            return ()
        return part_entities(self.source, self.body_at, self.end, boundary).parts


@dataclass(frozen=True, slots=True)
class Delimited:
    """The parts of a multipart and what was odd about their delimiters."""

    parts: tuple[Entity, ...]
    anomalies: tuple[str, ...]


def parse_entity(octets: bytes, start: int = 0, end: int | None = None) -> Entity:
    """Return the entity that fills the octets, or the stretch of them from start to end."""
    stop = len(octets) if end is None else end
    if octets.startswith(b"\r\n", start, stop):
        return Entity(octets, start, start, start + 2, stop)
    at = octets.find(b"\r\n\r\n", start, stop)
    if at >= 0:
        return Entity(octets, start, at + 2, at + 4, stop)
    if _FIRST_FIELD.match(octets, start, stop):
        return Entity(octets, start, stop, stop, stop)
    return Entity(octets, start, start, start, stop)


def _media_type(headers: Headers) -> MediaType:
    field = headers.find("Content-Type")
    return (parse_media_type(field.value) if field else None) or PLAIN_TEXT


def _encoding(headers: Headers) -> str:
    field = headers.find("Content-Transfer-Encoding")
    if field is None:
        return "7bit"
    value = field.unfolded.partition(b";")[0].partition(b"(")[0].strip()
    return value.decode("ascii", "replace").lower() or "7bit"


def decode_body(body: bytes, encoding: str) -> bytes:
    """Return a body without its transfer encoding; see Entity.decoded."""
    if encoding in _IDENTITY:
        return body
    if encoding == "base64":
        return _from_base64(body)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    raise MalformedMessage(f"unknown content transfer encoding {encoding[:40]!r}")


def _from_base64(body: bytes) -> bytes:
    data = _NOT_BASE64.sub(b"", body)
    try:
        return pybase64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise MalformedMessage("base64 that is broken off or padded in the middle") from None


def boundary_of(media: MediaType) -> bytes:
    """Return the boundary of a multipart as octets, nothing if there is none that can be used."""
    return media.parameters.get("boundary", "").rstrip(" ").encode("utf-8", "replace")


def part_entities(source: bytes, start: int, end: int, boundary: bytes) -> Delimited:
    """Return the parts between delimiter lines (RFC 2046 §5.1.1).

    A delimiter is "--" and the whole boundary on a line of its own, ended by CRLF; blanks may follow.
    """
    parts: list[Entity] = []
    anomalies: list[str] = []
    line = b"--" + boundary
    mark = b"\r\n" + line
    part_from = -1
    tries = 0
    at = start - 2 if source.startswith(line, start, end) else source.find(mark, start, end)
    while at >= 0:
        tries += 1
        if tries > 2 * MIME_PARTS or len(parts) > MIME_PARTS:
            return Delimited((), ("too many delimiters",))
        tail = _AFTER_BOUNDARY.match(source, at + len(mark), end)
        if tail is None:
            anomalies.append("line that begins like a delimiter")
            at = source.find(mark, at + 2, end)
            continue
        if part_from >= 0:
            parts.append(parse_entity(source, part_from, max(at, part_from)))
        if tail[1]:
            return Delimited(tuple(parts), tuple(dict.fromkeys(anomalies)))
        part_from = tail.end()
        # The CRLF that ends this delimiter may begin the next one.
        at = source.find(mark, part_from - 2, end)
    if part_from >= 0:
        parts.append(parse_entity(source, part_from, end))
    anomalies.append("no closing delimiter")
    return Delimited(tuple(parts), tuple(dict.fromkeys(anomalies)))


def scan(octets: bytes) -> str:
    """Return "" for a message within the limits of MIME, else the reason why not.

    Looks at each header section once and at each body once a level, so the time is linear; nothing
    below the limit of depth is looked at. Call it before anything else reads the structure.
    """
    waiting = [(parse_entity(octets), 1)]
    seen = 1
    while waiting:
        entity, depth = waiting.pop()
        reason = _over_header_limits(entity)
        if reason:
            return reason
        children, reason = _children(entity)
        seen += len(children)
        if reason or not children:
            if reason:
                return reason
            continue
        if depth >= MIME_DEPTH:
            return f"MIME depth over {MIME_DEPTH}"
        if seen > MIME_PARTS:
            return f"more than {MIME_PARTS} MIME parts"
        waiting.extend((child, depth + 1) for child in children)
    return ""


def _over_header_limits(entity: Entity) -> str:
    size = entity.headers_end - entity.start
    if size > HEADER_SECTION_OCTETS:
        return f"header section over {HEADER_SECTION_OCTETS} octets"
    if size > FIELD_OCTETS and any(len(f.octets) > FIELD_OCTETS for f in entity.headers.fields):
        return f"header field over {FIELD_OCTETS} octets"
    return ""


def _children(entity: Entity) -> tuple[tuple[Entity, ...], str]:
    media = entity.media_type
    if media.essence == "message/rfc822" and entity.encoding in _IDENTITY:
        return (parse_entity(entity.source, entity.body_at, entity.end),), ""
    if media.type != "multipart":
        return (), ""
    boundary = boundary_of(media)
    if len(boundary) > BOUNDARY_OCTETS:
        return (), f"boundary over {BOUNDARY_OCTETS} octets"
    if not boundary:
        return (), ""
    found = part_entities(entity.source, entity.body_at, entity.end, boundary)
    if "too many delimiters" in found.anomalies:
        return (), f"more than {MIME_PARTS} MIME parts"
    return found.parts, ""
