"""Header fields in seven bits, for the inside of what is signed.

Parts carry raw UTF-8 in file names, attached messages in any field. What has a form in ASCII gets
it: parameters that of RFC 2231, text and display names encoded words. Addresses with UTF-8 in them
have none; their fields stay as they are.
RFC 2047 §5, RFC 2231 §4, RFC 6532 §3.2.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from app.mail.errors import MalformedAddress
from app.mail.fields import Field, field_of
from app.mail.headers import Headers
from app.mail.limits import DECODE_OCTETS, LINE_OCTETS
from app.mail.mailboxes import Mailbox, parse_mailboxes
from app.mail.media import parse_disposition, parse_media_type
from app.mail.words import decode_text, encode_text, encoded_words, raw_text, without_controls

_ADDRESSES: Final = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "resent-")
    for name in ("from", "sender", "reply-to", "to", "cc", "bcc")
)
_STRUCTURED: Final = frozenset(
    [
        "received",
        "return-path",
        "message-id",
        "in-reply-to",
        "references",
        "date",
        "mime-version",
        "content-transfer-encoding",
        "content-id",
        "dkim-signature",
        "authentication-results",
    ],
)
_SECTION_COLUMNS: Final = 50


def seven_bit_headers(headers: Headers) -> Headers:
    """Return the section with CRLF line ends, without NUL, and in ASCII where that can be."""
    made = Headers(b"".join(map(_field, headers.fields)))
    return headers if made == headers else made


def _field(field: Field) -> bytes:
    if field.octets.startswith(b"From "):
        # Relays would write ">From". A mail store's line goes, a field loses the blank.
        field = field._replace(octets=b"From:" + field.value if field.key == "from" else b"")
    whole = _whole_lines(field.octets)
    if whole.isascii():
        return whole
    if len(whole) <= DECODE_OCTETS and field.name.isascii():
        whole = _encoded(field_of(whole)) or whole
    if field.key in _ADDRESSES:
        return whole
    # What is left is trace, or cannot be read by anybody.
    return whole.decode("ascii", "replace").replace("\ufffd", "?").encode("ascii")


def _encoded(field: Field) -> bytes:
    """Return the field in ASCII, nothing if it has no such form."""
    if field.key in {"content-type", "content-disposition"}:
        return _with_parameters(field)
    if field.key in _ADDRESSES:
        return _with_mailboxes(field)
    if not field.name or field.key in _STRUCTURED:
        return b""
    return encode_text(field.name, decode_text(field.value))


def _whole_lines(octets: bytes) -> bytes:
    """Return a field with CRLF at folds and end, and more folds where a line is too long.

    An empty line becomes nothing.
    """
    lines = octets.replace(b"\0", b"").replace(b"\r", b"\n").split(b"\n")
    return b"".join(_folded(line) + b"\r\n" for line in lines if line.strip(b" \t"))


def _folded(line: bytes) -> bytes:
    pieces = []
    while len(line) > LINE_OCTETS:
        blank = line.rfind(b" ", 1, LINE_OCTETS)
        if blank < 0 or not line[:blank].strip(b" \t"):
            break
        pieces.append(line[:blank])
        line = line[blank:]
    return b"\r\n".join((*pieces, line))


def _with_parameters(field: Field) -> bytes:
    if field.key == "content-type":
        media = parse_media_type(field.value)
        if media is None or media.anomalies:
            return b""
        return _parametrised(field.name, media.essence, media.parameters)
    return _parametrised(field.name, *parse_disposition(field.value))


def _parametrised(name: str, value: str, parameters: Mapping[str, str]) -> bytes:
    lines = [f"{name}: {value}"]
    for key, text in parameters.items():
        lines.extend(_parameter(key, text))
    field = ";\r\n ".join(lines) + "\r\n"
    return field.encode() if field.isascii() else b""


def _parameter(key: str, text: str) -> list[str]:
    if text.isascii() and text.isprintable():
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return [f'{key}="{escaped}"']
    coded = "utf-8''" + quote(text, safe="")
    if len(coded) <= _SECTION_COLUMNS:
        return [f"{key}*={coded}"]
    sections = (coded[at : at + _SECTION_COLUMNS] for at in range(0, len(coded), _SECTION_COLUMNS))
    return [f"{key}*{number}*={section}" for number, section in enumerate(sections)]


def _with_mailboxes(field: Field) -> bytes:
    try:
        mailboxes = parse_mailboxes(raw_text(field.unfolded).encode())
    except MalformedAddress:
        return b""
    if not mailboxes or not all(box.address.isascii() and not box.group for box in mailboxes):
        return b""
    return f"{field.name}: ".encode() + b",\r\n ".join(map(_mailbox, mailboxes)) + b"\r\n"


def _mailbox(mailbox: Mailbox) -> bytes:
    address = f"<{mailbox.address}>".encode()
    if not mailbox.display:
        return address
    text = without_controls(mailbox.display)
    if text.isascii():
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"\r\n '.encode() + address
    return encoded_words(" ", text).strip() + b"\r\n " + address
