"""Header protection: the header section that travels inside the cryptographic payload.

``unwrap`` reads it, ``protect`` makes it. What is read is a claim of whoever made the payload: only
the Subject is ever shown, by ``shown``, and From is compared by the verifier; no other field leaves
the payload (T60).

RFC 9788 §2.1, §2.2, §3, §5.2; RFC 8551 §3.1 (message/rfc822 as the payload).
"""

from dataclasses import dataclass

from app.mail.address import Originator, originator, same_mailbox
from app.mail.canonical import is_seven_bit
from app.mail.entity import parse_entity
from app.mail.headers import Field, Headers, decode_text, encode_text, split
from app.mail.media import parse_media_type
from app.smime.kinds import LAYER_TYPES, header_section, root_type

_MODES = frozenset({"clear", "cipher"})
_MESSAGE = "message"
_HP_OUTER = "hp-outer"
# RFC 9788 §3.2.1: what hcp_baseline shows in place of a Subject.
OBSCURED_SUBJECT = "[...]"
_OBSCURED = frozenset({OBSCURED_SUBJECT, "...", ""})
# hcp_baseline: these two are left out of the outer header section.
_HIDDEN = frozenset({"keywords", "comments"})
# Fields that a sender's client writes; what relays and gateways write is nobody's to protect.
_PROTECTED = frozenset(
    {
        "from",
        "sender",
        "reply-to",
        "to",
        "cc",
        "subject",
        "date",
        "message-id",
        "in-reply-to",
        "references",
        *_HIDDEN,
    }
)


@dataclass(frozen=True, slots=True)
class Protected:
    """A protected header section, as the payload claims it."""

    mode: str
    # clear or cipher; message for a message/rfc822 payload.
    headers: Headers
    outer: tuple[bytes, ...] = ()
    # The values of HP-Outer: what the sender left outside.

    @property
    def subject(self) -> str:
        """Return the protected Subject as text, empty if there is none."""
        return self.headers.text("Subject")

    @property
    def originator(self) -> Originator:
        """Return the protected From."""
        return originator(self.headers)


def unwrap(source: bytes, start: int = 0, end: int | None = None) -> Protected | None:
    """Return the protected header section of a payload, None if it has none.

    The payload is what is inside all layers, as it was signed or encrypted; its body is not read.
    """
    stop = len(source) if end is None else end
    body_at, head = header_section(source, start, stop)
    if b"hp=" not in head and b"HP=" not in head and b"essage/rfc822" not in head:
        return None
    headers = split(head).headers
    field = headers.find("Content-Type")
    media_type = parse_media_type(field.value) if field else None
    if media_type is None or headers.anomalies:
        return None
    if media_type.essence == "message/rfc822":
        # A forwarded message says so (RFC 9788 §4.10.2); else it is the message itself.
        is_forwarded = media_type.parameters.get("forwarded", "").lower() == "yes"
        return None if is_forwarded else _unwrap_message(header_section(source, body_at, stop)[1])
    mode = media_type.parameters.get("hp", "").lower()
    if mode not in _MODES:
        return None
    outer = tuple(each.unfolded for each in headers.all(_HP_OUTER))
    return Protected(mode, headers.drop(_is_structural), outer)


def wrapped_message(entity: bytes, outer: Headers) -> bytes | None:
    """Return the message that a payload is, None where the payload may be a forwarded one.

    RFC 8551 §3.1 has it shown as the message. The two look the same, so it must be from the same
    mailbox under the same Subject, or the Subject outside must be none, and its root must be no
    cryptographic layer (RFC 9788 §4.10.1).
    """
    protected = unwrap(entity)
    if protected is None or protected.mode != _MESSAGE:
        return None
    inner, outside = protected.originator, originator(outer)
    subject = outer.text("Subject")
    is_ours = subject == protected.subject or is_obscured(subject)
    if inner.problem or not same_mailbox(inner.address, outside.address) or not is_ours:
        return None
    wrapper = parse_entity(entity)
    if not wrapper.is_message:
        return None
    message = wrapper.message()
    is_layer = root_type(entity, message.start, message.end) in LAYER_TYPES
    return None if is_layer else message.octets


def _unwrap_message(head: bytes) -> Protected | None:
    headers = split(head).headers
    if headers.anomalies or headers.find("From") is None:
        return None
    return Protected(_MESSAGE, headers.drop(_is_structural))


def _is_structural(field: Field) -> bool:
    key = field.plain_key
    return key.startswith("content-") or key in {"mime-version", _HP_OUTER}


def protect(headers: Headers, content: Headers, mode: str) -> tuple[Headers, Headers]:
    """Return the outer header section and that of the payload.

    ``headers`` are the message's own fields, ``content`` its Content-* fields, ``mode`` is clear
    for a message that is only signed, cipher for one that will be encrypted. The outer section
    follows hcp_baseline: the Subject is obscured, Keywords and Comments are left out.
    RFC 9788 §3.2.1, §5.2.
    """
    assert mode in _MODES, mode
    inside = _with_mode(content, mode)
    for field in headers.fields:
        if field.key in _PROTECTED:
            inside = Headers(inside.octets + _seven_bit(field))
    if mode == "clear":
        return headers, inside
    outer = headers.drop(lambda field: field.key in _HIDDEN)
    if outer.find("Subject") is not None:
        outer = outer.replace_first("Subject", encode_text("Subject", OBSCURED_SUBJECT))
    for field in outer.fields:
        if field.key in _PROTECTED:
            copied = _seven_bit(field)
            inside = Headers(inside.octets + b"HP-Outer: " + copied if copied else inside.octets)
    return outer, inside


def _with_mode(content: Headers, mode: str) -> Headers:
    field = content.find("Content-Type")
    assert field is not None
    value = field.octets.rstrip(b"\r\n\t ;")
    return content.replace_first("Content-Type", b'%s;\r\n hp="%s"\r\n' % (value, mode.encode()))


def _seven_bit(field: Field) -> bytes:
    """Return the field in 7-bit form; nothing where it has none.

    A raw UTF-8 address cannot be written in ASCII, so such a field stays outside only.
    """
    octets = field.octets if field.octets.endswith(b"\r\n") else field.octets + b"\r\n"
    if is_seven_bit(octets):
        return octets
    if field.key in {"subject", *_HIDDEN}:
        return encode_text(field.name, decode_text(field.value))
    return b""


def is_obscured(subject: str) -> bool:
    """Tell whether an outer Subject is none of its own (RFC 9788 §3.2.1)."""
    return subject.strip() in _OBSCURED
