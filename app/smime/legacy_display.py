"""The legacy display element: a protected Subject said once more in the body, and taken out.

It is there for readers that know nothing of header protection. Where the Subject itself is shown
again it would stand twice. Only an element that says this Subject and nothing else goes; any other
may be all that tells of a field, and stays. The caller sees to it that no signature covers the
message. RFC 9788 §4.5.3, §5.2.2, §5.2.3.
"""

import html
import re
from collections.abc import Iterator
from typing import Final

from app.mail.entity import Entity, parse_entity, scan
from app.mail.errors import MalformedMessage
from app.mail.transfer import BASE64, IDENTITY, QUOTED_PRINTABLE, quoted_printable, wrap_base64

_PARAMETER: Final = "hp-legacy-display"
_ELEMENT_OCTETS: Final = 16 * 1024
_DIVISION: Final = re.compile(
    rb"""<div class=["']?header-protection-legacy-display["']?>(.*?)</div>[\r\n]{0,4}""",
    re.IGNORECASE | re.DOTALL,
)
_TAG: Final = re.compile(r"<[^<>]*>")


def without_legacy_display(message: bytes, subject: str) -> bytes:
    """Return the message without the display of this Subject, the very same if there is none."""
    if _PARAMETER.encode() not in message or scan(message):
        return message
    pieces: list[bytes] = []
    at = 0
    for part in _main_parts(parse_entity(message)):
        body = _body_without(part, subject)
        if body is not None:
            pieces += (message[at : part.body_at], body)
            at = part.end
    return b"".join((*pieces, message[at:])) if pieces else message


def _main_parts(root: Entity) -> Iterator[Entity]:
    """Yield the parts that a reader shows as the body, in their order (RFC 9788 §5.2.2)."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if part.media_type.essence == "multipart/alternative":
            waiting.extend(reversed(part.parts()))
        elif part.is_multipart:
            waiting.extend(part.parts()[:1])
        elif part.media_type.parameters.get(_PARAMETER) == "1":
            yield part


def _body_without(part: Entity, subject: str) -> bytes | None:
    """Return the body of a part without the element, None to leave it as it is."""
    try:
        content = part.decoded()
    except MalformedMessage:
        return None
    charset = part.media_type.parameters.get("charset", "utf-8")
    span = _span(content, part.media_type.essence)
    if span is None:
        return None
    said = _text(content[span[1] : span[2]], charset)
    if part.media_type.subtype == "html":
        said = html.unescape(_TAG.sub("", said))
    if _even(said) != f"Subject: {_even(subject)}":
        return None
    rest = content[: span[0]] + content[span[3] :]
    if part.encoding in IDENTITY:
        return rest
    if part.encoding == BASE64:
        return wrap_base64(rest).removesuffix(b"" if part.body.endswith(b"\n") else b"\r\n")
    return quoted_printable(rest) if part.encoding == QUOTED_PRINTABLE else None


def _span(content: bytes, essence: str) -> tuple[int, int, int, int] | None:
    """Return where the element starts, where what it says starts and ends, and where it ends."""
    if essence == "text/plain":
        end = content.find(b"\r\n\r\n", 0, _ELEMENT_OCTETS)
        return (0, 0, end, end + 4) if end > 0 else None
    found = _DIVISION.search(content[:_ELEMENT_OCTETS]) if essence == "text/html" else None
    return (found.start(), *found.span(1), found.end()) if found else None


def _text(octets: bytes, charset: str) -> str:
    try:
        return octets.decode(charset)
    except (UnicodeDecodeError, LookupError):
        return ""


def _even(text: str) -> str:
    return " ".join(text.split())
