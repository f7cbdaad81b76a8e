"""Names in certificates: distinguished names as text, and the addresses that a certificate is for.

A certificate's address counts only if it is a plain addr-spec, octet for octet; white space, NUL,
quoted local parts and look-alikes of ``@`` make it odd, and an odd one is shown but never trimmed
into something else (CVE-2026-2748). RFC 8550 §3, RFC 5280 §4.2.1.6, RFC 9598 §3.
"""

import string
import unicodedata
from collections.abc import Iterator
from typing import Final

from cryptography.x509.oid import ExtensionOID, NameOID, OtherNameFormOID

from app.cms import der
from app.cms.errors import MalformedCms
from app.mail.address import strict_addr_spec
from app.pki.reasons import plain
from app.pki.tbs import Fields

# GeneralName (RFC 5280 §4.2.1.6): otherName [0], rfc822Name [1].
_OTHER_NAME: Final = 0xA0
_RFC822_NAME: Final = 0x81
_UTF8_STRING: Final = 0x0C
_BMP_STRING: Final = 0x1E
_UNIVERSAL_STRING: Final = 0x1C
# Numeric, Printable, Teletex, IA5, Visible and General String; QUIRK: Teletex holds Latin-1.
_OLD_STRINGS: Final = frozenset((0x12, 0x13, 0x14, 0x16, 0x1A, 0x1B))

_SMTP_UTF8_MAILBOX: Final = OtherNameFormOID.SMTP_UTF8_MAILBOX.dotted_string
_EMAIL_ADDRESS: Final = NameOID.EMAIL_ADDRESS.dotted_string

# ASCII only: what else case folding equates ("ß" and "ss") are two mailboxes here.
_ASCII_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

_LABELS: Final = {
    NameOID.COMMON_NAME.dotted_string: "CN",
    NameOID.ORGANIZATION_NAME.dotted_string: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME.dotted_string: "OU",
    NameOID.COUNTRY_NAME.dotted_string: "C",
    NameOID.LOCALITY_NAME.dotted_string: "L",
    NameOID.STATE_OR_PROVINCE_NAME.dotted_string: "ST",
    NameOID.DOMAIN_COMPONENT.dotted_string: "DC",
    NameOID.USER_ID.dotted_string: "UID",
    NameOID.SERIAL_NUMBER.dotted_string: "serialNumber",
    NameOID.SURNAME.dotted_string: "SN",
    NameOID.GIVEN_NAME.dotted_string: "GN",
    NameOID.PSEUDONYM.dotted_string: "pseudonym",
    NameOID.ORGANIZATION_IDENTIFIER.dotted_string: "organizationIdentifier",
    _EMAIL_ADDRESS: "emailAddress",
}
# A name is shown to people; a longer one is not a name any more.
_SHOWN_ATTRIBUTES: Final = 24


def attributes(name: bytes) -> Iterator[tuple[str, str]]:
    """Yield (dotted type, text) of every attribute of a Name in DER."""
    sequence = der.read_one(name, der.SEQUENCE)
    while sequence.peek() >= 0:
        relative = sequence.take(der.SET)
        while relative.peek() >= 0:
            pair = relative.take(der.SEQUENCE)
            yield der.dotted_identifier(pair.identifier()), _text(pair.next())


def _text(element: der.Reader) -> str:
    tag = element.octets[element.head]
    if tag == _UTF8_STRING:
        return element.value.decode("utf-8", "replace")
    if tag == _BMP_STRING:
        return element.value.decode("utf-16-be", "replace")
    if tag == _UNIVERSAL_STRING:
        return element.value.decode("utf-32-be", "replace")
    if tag in _OLD_STRINGS:
        return element.value.decode("latin-1")
    # No string: the octets stand for themselves, and never look like one.
    return f"#{element.whole.hex()}"


def as_text(name: bytes) -> str:
    """Return a Name for people, most special attribute first (RFC 4514 §2), on one line."""
    parts = []
    for identifier, text in attributes(name):
        escaped = text.replace("\\", "\\\\").replace(",", "\\,")
        parts.append(f"{_LABELS.get(identifier, identifier)}={escaped}")
        if len(parts) == _SHOWN_ATTRIBUTES:
            break
    return plain(",".join(reversed(parts)))


def comparable(name: bytes) -> tuple[object, ...]:
    """Return a Name in the form in which two spellings of it are equal.

    RFC 5280 §7.1: the order and the types count, the kind of string, case and inner white space do
    not. The octets of an attribute that is no string stand for themselves.
    """
    sequence = der.read_one(name, der.SEQUENCE)
    whole = []
    while sequence.peek() >= 0:
        relative = sequence.take(der.SET)
        pairs = []
        while relative.peek() >= 0:
            pair = relative.take(der.SEQUENCE)
            pairs.append((pair.identifier(), _folded(_text(pair.next()))))
        whole.append(tuple(sorted(pairs)))
    return tuple(whole)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def organisation(name: bytes) -> str:
    """Return the organisations of a Name in the form that compares, "" for none."""
    wanted = NameOID.ORGANIZATION_NAME.dotted_string
    return ", ".join(_folded(text) for identifier, text in attributes(name) if identifier == wanted)


def claimed(fields: Fields) -> Iterator[tuple[str, bytes]]:
    """Yield every address that the certificate claims as ("rfc822", …) or ("utf8", …), raw.

    The subject's emailAddress is a claim only if subjectAltName holds none (RFC 8550 §3).
    """
    found = False
    for kind, octets in _alternative(fields):
        found = True
        yield kind, octets
    if not found:
        for identifier, text in attributes(fields.subject):
            if identifier == _EMAIL_ADDRESS:
                yield "rfc822", text.encode("utf-8")


def _alternative(fields: Fields) -> Iterator[tuple[str, bytes]]:
    extension = fields.extensions.get(ExtensionOID.SUBJECT_ALTERNATIVE_NAME.dotted_string)
    if extension is None:
        return
    sequence = der.read_one(extension.value, der.SEQUENCE)
    while sequence.peek() >= 0:
        name = sequence.next()
        tag = name.octets[name.head]
        if tag == _RFC822_NAME:
            yield "rfc822", name.value
        elif tag == _OTHER_NAME and der.dotted_identifier(name.identifier()) == _SMTP_UTF8_MAILBOX:
            yield "utf8", _utf8_mailbox(name)


def _utf8_mailbox(name: der.Reader) -> bytes:
    try:
        return name.take(der.CONTEXT_0).take(_UTF8_STRING).value
    except MalformedCms:
        return b""


def addresses(fields: Fields) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return A(cert) normalised, and the odd addresses as text for people."""
    good: dict[str, None] = {}
    odd: dict[str, None] = {}
    for kind, octets in claimed(fields):
        address = strict(kind, octets)
        if address is None:
            odd[plain(octets.decode("utf-8", "backslashreplace"))] = None
        else:
            good[address] = None
    return tuple(good), tuple(odd)


def strict(kind: str, octets: bytes) -> str | None:
    """Return a claimed address if it is plain, in the form of A(cert), and None otherwise."""
    try:
        text = octets.decode("ascii" if kind == "rfc822" else "utf-8")
    except UnicodeDecodeError:
        return None
    local, _, domain = text.rpartition("@")
    # RFC 9598 §3: a SmtpUTF8Mailbox is only for a local part that needs it, and its domain is made
    # of A-labels; both leave a single way to write an address.
    if kind == "utf8" and (
        local.isascii() or not domain.isascii() or unicodedata.normalize("NFC", text) != text
    ):
        return None
    address = strict_addr_spec(text)
    return None if address is None else address.translate(_ASCII_LOWER)
