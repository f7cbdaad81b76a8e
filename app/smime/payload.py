"""What comes out of a cryptographic layer, made fit to be a message again, or refused.

Decrypted octets are the octets of a stranger: they may hold another end of data, NULs, a header
section that two readers read differently, or the debris of an edited ciphertext. ``accept`` lets
through what is a strict MIME entity with CRLF line ends and nothing else, so that what the relay
sends is one message (T24) and a CBC gadget that breaks the header section is never shown (T73).

RFC 8551 §3.1, RFC 2045 §5.2; design rule R28.
"""

import re
from collections.abc import Iterator

from app.mail.canonical import line_ends, make_signable, to_crlf
from app.mail.entity import Entity, parse_entity, scan_entity
from app.mail.errors import MalformedMessage
from app.mail.media import parse_media_type

_TYPES = frozenset(
    {"text", "multipart", "application", "image", "audio", "video", "message", "model", "font"}
)
_PLAIN_TEXT = re.compile(rb"[\t\r\n -~]*")
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# The look is bounded: the heuristics inform, and no document needs more to show its shape.
_HTML_OCTETS = 1024 * 1024
_LINK = re.compile(
    rb"""\b(?:src|srcset|href|background|action|data|poster)\s{0,8}+=\s{0,8}+(["'])?\s{0,8}+"""
    rb"""(?:https?:|ftp:|//)""",
    re.IGNORECASE,
)
_LINK_OCTETS = 2000


class RefusedPayload(ValueError):
    """The octets are no entity that may stand in a message."""


def accept(octets: bytes, *, authenticated: bool, is_scanned: bool = False) -> bytes:
    """Return the entity with CRLF line ends; raise RefusedPayload where it must not be shown.

    Without authentication the header section must be plain ASCII: whatever an attacker can make
    of a CBC ciphertext leaves random octets behind, and those must not reach a header. A part of a
    message that was recognised is scanned with it already.
    """
    entity = _without_binary(octets)
    ends = line_ends(entity)
    if b"\0" in entity or "\r" in ends:
        raise RefusedPayload("NUL or bare CR")
    entity = _with_header_section(to_crlf(entity) if "\n" in ends else entity)
    root = parse_entity(entity)
    reason = "" if is_scanned and entity is octets else scan_entity(root)
    if reason:
        raise RefusedPayload(reason)
    headers = root.headers
    if headers.anomalies:
        raise RefusedPayload(headers.anomalies[0])
    if not authenticated and _PLAIN_TEXT.fullmatch(headers.octets) is None:
        raise RefusedPayload("8-bit octets in the header section")
    field = headers.find("Content-Type")
    if field is not None:
        media_type = parse_media_type(field.value)
        if media_type is None or media_type.type not in _TYPES:
            raise RefusedPayload("no known Content-Type")
    return entity


def _without_binary(octets: bytes) -> bytes:
    """Return an entity whose binary body is base64, so that it passes through SMTP.

    RFC 8551 §3.1.2: binary objects must be handled. QUIRK: Outlook sends a SignedData inside an
    EnvelopedData with ``Content-Transfer-Encoding: binary``. A clear-signed entity is left alone,
    because any change breaks its signature.
    """
    end = octets.find(b"\r\n\r\n", 0, 4096)
    head = octets[: end if end >= 0 else 4096]
    if b"binary" not in head and b"BINARY" not in head and b"Binary" not in head:
        return octets
    entity = parse_entity(octets)
    if scan_entity(entity):
        raise RefusedPayload("over a limit")
    if entity.encoding != "binary" or entity.is_multipart:
        return octets
    return make_signable(octets)


def _with_header_section(entity: bytes) -> bytes:
    r"""Return the entity, with an empty header section where it is bare text.

    QUIRK: ``openssl cms -encrypt`` without ``-text`` encrypts what it is given, and people give it
    text. Bare text must be 7-bit and printable, so that no debris passes for it.
    """
    if entity.startswith(b"\r\n"):
        return entity
    if b"\r\n\r\n" in entity:
        return entity
    if not entity or _PLAIN_TEXT.fullmatch(entity) is None:
        raise RefusedPayload("no header section")
    return b"\r\n" + entity


def suspicions(entity: bytes) -> tuple[str, ...]:
    """Return what in an unauthenticated entity looks like an EFAIL gadget; codes of reasons.

    Heuristics inform the reader; they do not decide (EFAIL §5, behaviour C4).
    """
    found: list[str] = []
    for leaf in _leaves(parse_entity(entity)):
        try:
            octets = leaf.decoded()[:_HTML_OCTETS]
        except MalformedMessage:
            found.append("control-characters")
            continue
        media_type = leaf.media_type
        if media_type.type != "text":
            continue
        if _CONTROLS.search(octets):
            found.append("control-characters")
        if media_type.subtype == "html" and _exfiltrates(octets):
            found.append("exfiltration")
    return tuple(dict.fromkeys(found))


def _leaves(root: Entity) -> Iterator[Entity]:
    waiting = [root]
    while waiting:
        entity = waiting.pop()
        parts = entity.parts()
        if parts:
            waiting.extend(reversed(parts))
        else:
            yield entity


def _exfiltrates(html: bytes) -> bool:
    """Tell whether a remote address in HTML swallows text: unclosed, over lines, or very long."""
    for link in _LINK.finditer(html):
        quote = link.group(1)
        if quote is None:
            continue
        end = html.find(quote, link.end(), link.end() + _LINK_OCTETS)
        if end < 0 or b"\n" in html[link.end() : end]:
            return True
    return False
