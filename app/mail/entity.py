"""MIME entities as offsets into a message.

An entity is a stretch of octets: a header section, a body, and for multiparts the stretches of its
parts. Nothing is copied before ``octets``, ``body`` or ``decoded`` are asked for; nothing is
repaired. Ask ``scan`` first whether a message is within the limits: deeper or wider ones are opaque
and carry no S/MIME (T35).
RFC 2045 §5, §6; RFC 2046 §5.1, §5.2.
"""

from typing import Final

from app import patience
from app.mail.delimiters import Delimited, cut
from app.mail.fields import is_refused
from app.mail.headers import FIRST_FIELD, Headers, read_headers
from app.mail.limits import (
    BOUNDARY_OCTETS,
    FIELD_OCTETS,
    HEADER_FIELDS,
    HEADER_SECTION_OCTETS,
    MIME_DEPTH,
    MIME_PARTS,
)
from app.mail.media import ATTACHED_MESSAGE, PLAIN_TEXT, MediaType, parse_media_type
from app.mail.transfer import IDENTITY, decode_body, parse_encoding

__all__ = [
    "Entity",
    "MediaType",
    "over_header_limits",
    "parse_entity",
    "parse_media_type",
    "scan",
    "scan_entity",
]

_MESSAGES: Final = frozenset(("message/rfc822", "message/global"))  # RFC 2046 §5.2.1, RFC 6532 §3.7


class Entity:
    """A stretch of a message, from start to end, its body from body_at. Never changes."""

    __slots__ = (
        "_boundary",
        "_default",
        "_delimited",
        "_encoding",
        "_headers",
        "_media",
        "_parts",
        "body_at",
        "end",
        "headers_end",
        "source",
        "start",
    )

    def __init__(
        self,
        source: bytes,
        start: int,
        end: int,
        default: MediaType = PLAIN_TEXT,
    ) -> None:
        self.source = source
        self.start = start
        self.end = end
        self.headers_end, self.body_at = _cut_headers(source, start, end)
        self._default = default
        self._headers: Headers | None = None
        self._media: MediaType | None = None
        self._encoding: str | None = None
        self._boundary: bytes | None = None
        self._delimited: Delimited | None = None
        self._parts: tuple[Entity, ...] | None = None

    def __repr__(self) -> str:
        return f"Entity({self.start}, {self.body_at}, {self.end})"

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
        if self._headers is None:
            self._headers = read_headers(self.source[self.start : self.headers_end])
        return self._headers

    @property
    def media_type(self) -> MediaType:
        """The media type; text/plain where none can be read (RFC 2045 §5.2)."""
        if self._media is None:
            field = self.headers.find("Content-Type")
            self._media = (parse_media_type(field.value) or PLAIN_TEXT) if field else self._default
        return self._media

    @property
    def encoding(self) -> str:
        """The content transfer encoding in lower case; 7bit by default (RFC 2045 §6.1)."""
        if self._encoding is None:
            field = self.headers.find("Content-Transfer-Encoding")
            self._encoding = parse_encoding(field.value) if field else "7bit"
        return self._encoding

    @property
    def boundary(self) -> bytes:
        """The boundary of a multipart; nothing for others, and where there is none."""
        if self._boundary is None:
            self._boundary = b""
            media = self.media_type
            if media.type == "multipart" and self.encoding in IDENTITY:
                text = media.parameters.get("boundary", "")
                self._boundary = text.rstrip(" ").encode("utf-8", "replace")
        return self._boundary

    @property
    def is_multipart(self) -> bool:
        """Whether there are parts, or should be."""
        return self.media_type.type == "multipart"

    @property
    def is_message(self) -> bool:
        """Whether the body is a message that can be read in place."""
        return self.media_type.essence in _MESSAGES and self.encoding in IDENTITY

    @property
    def anomalies(self) -> tuple[str, ...]:
        """What two readers could take differently about this entity, its parts aside (T38)."""
        media = self.media_type
        found = [*self.headers.anomalies, *media.anomalies]
        field = self.headers.find("Content-Type")
        if media is PLAIN_TEXT and field is not None:
            found.append("Content-Type that cannot be read")
        if media.type == "multipart":
            if self.encoding not in IDENTITY:
                found.append("multipart with a transfer encoding")
            elif not self.boundary:
                found.append("multipart without a boundary")
            else:
                found.extend(self.delimited.anomalies)
                if field is not None and self.boundary not in field.value:
                    found.append("boundary with a fold or escape")
        return tuple(found)

    def decoded(self) -> bytes:
        """Return the body without its transfer encoding.

        Characters that are no base64 are skipped (RFC 2045 §6.8); ask base64_problem for a stricter
        reading. Raises MalformedMessage for an encoding that is not known and for broken base64.
        """
        view = memoryview(self.source)[self.body_at : self.end]
        return decode_body(view, self.encoding)

    def parts(self) -> tuple["Entity", ...]:
        """Return the parts of a multipart; nothing for others, and for more than MIME_PARTS."""
        if self._parts is None:
            source = self.source
            default = ATTACHED_MESSAGE if self.media_type.subtype == "digest" else PLAIN_TEXT
            found = self.delimited.parts if self.boundary else ()
            self._parts = tuple([Entity(source, start, end, default) for start, end in found])
        return self._parts

    def message(self) -> "Entity":
        """Return the message that the body is, see is_message."""
        return Entity(self.source, self.body_at, self.end)

    @property
    def delimited(self) -> Delimited:
        """Where the parts lie; for multiparts with a boundary."""
        if self._delimited is None:
            self._delimited = cut(self.source, self.body_at, self.end, self.boundary)
        return self._delimited


def _cut_headers(source: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the header section ends and the body begins, by the rule of headers.split."""
    if source.startswith(b"\r\n", start, end):
        return start, start + 2
    at = source.find(b"\r\n\r\n", start, end)
    if at >= 0:
        return at + 2, at + 4
    if FIRST_FIELD.match(source, start, end):
        return end, end
    return start, start


def parse_entity(octets: bytes) -> Entity:
    """Return the entity, or message, that fills the octets."""
    return Entity(octets, 0, len(octets))


def scan(octets: bytes) -> str:
    """Return "" for a message within the limits of MIME, else the reason why it is not."""
    return scan_entity(parse_entity(octets))


def scan_entity(root: Entity) -> str:
    """Return the same of an entity that was parsed; what is read of its parts stays with it.

    A message may have MIME_DEPTH multiparts and messages inside one another and MIME_PARTS parts.
    Each header section is read once and each body once a level, so the time is linear.
    """
    waiting = [(root, 0)]
    seen = 0
    while waiting:
        patience.tick()
        entity, depth = waiting.pop()
        reason = over_header_limits(entity)
        if reason:
            return reason
        children = _children(entity)
        if isinstance(children, str):
            return children
        seen += len(children)
        if children and depth >= MIME_DEPTH:
            return f"MIME depth over {MIME_DEPTH}"
        if seen > MIME_PARTS:
            return f"more than {MIME_PARTS} MIME parts"
        waiting.extend((child, depth + 1) for child in children)
    return ""


def over_header_limits(entity: Entity) -> str:
    """Return "" for a header section within the limits, else the reason why it is not."""
    size = entity.headers_end - entity.start
    if size > HEADER_SECTION_OCTETS:
        return f"header section over {HEADER_SECTION_OCTETS} octets"
    if size > HEADER_FIELDS and is_refused(entity.headers.octets):
        return f"more than {HEADER_FIELDS} header fields"
    if size > FIELD_OCTETS and any(len(f.octets) > FIELD_OCTETS for f in entity.headers.fields):
        return f"header field over {FIELD_OCTETS} octets"
    return ""


def _children(entity: Entity) -> tuple[Entity, ...] | str:
    """Return the entities inside, or the limit that they are over."""
    if entity.is_message:
        return (entity.message(),)
    boundary = entity.boundary
    if len(boundary) > BOUNDARY_OCTETS:
        return f"boundary over {BOUNDARY_OCTETS} octets"
    if boundary and entity.delimited.is_over:
        return f"more than {MIME_PARTS} MIME parts"
    return entity.parts()
