"""Genuine mail in the shapes of real clients: what a gate must let pass (N7).

A client is known by its order of fields, its media types, boundaries, line widths, preambles and
by the CMS it makes. The shapes were taken from messages of these clients; what they say is ours.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asn1crypto import cms as asn1
from asn1crypto import x509 as asn1x509
from cryptography.x509 import SubjectKeyIdentifier as SKI  # noqa: N817 - as everybody calls it

from app.mail.canonical import make_signable
from tests.forgery.makers import Workshop, edited, head

_PREAMBLE = b"This is a cryptographically signed message in MIME format.\r\n\r\n"


@dataclass(frozen=True)
class Shape:
    """How one client writes signed mail."""

    name: str
    sender: bytes
    subtype: bytes = b"pkcs7-signature"
    micalg: bytes = b"sha-256"
    boundary: bytes = b"----=_Part_0"
    columns: int = 76
    preamble: bytes = b""
    disposition: bytes = b"attachment"
    quoted_protocol: bool = True
    fields: bytes = b""
    # Between the message's own fields and Content-Type.
    streamed: bool = False
    # Constructed octet strings of indefinite length (OpenSSL -stream, Bouncy Castle).
    by_key: bool = False
    # The signer is named by subjectKeyIdentifier.
    with_root: bool = False
    upper_case: bool = False
    extra_blank: bool = False
    # An empty line between the entity and the delimiter belongs to the delimiter alone.


SHAPES = (
    Shape(
        "outlook",
        b'"Alice Example" <alice@example.org>',
        b"x-pkcs7-signature",
        b"2.16.840.1.101.3.4.2.1",
        b"----=_NextPart_000_0042_01DC1A2B.3C4D5E6F",
        preamble=b"This is a multipart message in MIME format.\r\n\r\n",
        fields=b"X-Mailer: Microsoft Outlook 16.0\r\nThread-Index: AdxABCDEFGHIJKLMNOP\r\n"
        b"Content-Language: de\r\n",
        by_key=True,
    ),
    Shape(
        "thunderbird",
        b"Alice Example <alice@example.org>",
        boundary=b"------------ms050709030204010402080907",
        columns=64,
        preamble=_PREAMBLE,
        fields=b"User-Agent: Mozilla Thunderbird\r\nContent-Language: en-US\r\n",
    ),
    Shape(
        "apple",
        b"=?utf-8?Q?Alice_B=C3=A4r?= <alice@example.org>",
        boundary=b"Apple-Mail=_5C1B7C66-1E5A-4E6F-8E1B-0A1B2C3D4E5F",
        preamble=b"\r\n",
        fields=b"Mime-Version: 1.0 (Mac OS X Mail 16.0 \\(3774.600.62\\))\r\n",
        columns=76,
        with_root=True,
    ),
    Shape(
        "gmail",
        b"Alice <ALICE@Example.ORG>",
        boundary=b"000000000000a1b2c305f0d1e2f3",
        disposition=b"attachment",
        fields=b"X-Received: by 2002:a05:6402:1234 with SMTP id x1\r\n",
        streamed=True,
    ),
    Shape(
        "openssl",
        b"alice@example.org",
        b"x-pkcs7-signature",
        boundary=b"----A1B2C3D4E5F60718293A4B5C6D7E8F90",
        columns=64,
        preamble=b"This is an S/MIME signed message\r\n\r\n",
        streamed=True,
    ),
    Shape(
        "mimekit",
        b"Alice <alice@example.org>",
        boundary=b"=-VaM3xXhq7bKcyZbX0Zk1Rw==",
        quoted_protocol=True,
        columns=72,
        disposition=b"attachment",
        upper_case=True,
    ),
)


def _text(body: bytes, charset: bytes = b"utf-8", encoding: bytes = b"8bit") -> bytes:
    return (
        b"Content-Type: text/plain; charset=%s\r\nContent-Transfer-Encoding: %s\r\n\r\n"
        % (charset, encoding)
        + body
    )


def _mixed(*parts: bytes, subtype: bytes = b"mixed", boundary: bytes = b"=_inner") -> bytes:
    return (
        b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (subtype, boundary)
        + b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts)
        + b"--%s--\r\n" % boundary
    )


_PDF = (
    b'Content-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
    b'Content-Disposition: attachment; filename="a.pdf"\r\n\r\n'
    + base64.encodebytes(bytes(range(256)) * 8).replace(b"\n", b"\r\n")
)
_HTML = (
    b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b'<p style=3D"color:red">Gr=C3=BC=C3=9Fe</p>=20\r\n<img src=3D"cid:1">\r\n'
)
_UMLAUTS = "Schöne Grüße aus Köln, 10 € und ein Häkchen ✓\r\n".encode()

# What people write. Each is an entity; some are 7-bit as they are, the others are made so.
BODIES: dict[str, bytes] = {
    "plain": _text(b"Hello Bob,\r\n\r\nsee you.\r\n", b"us-ascii", b"7bit"),
    "empty": _text(b"", b"us-ascii", b"7bit"),
    "no-last-line-end": _text(b"Hello", b"us-ascii", b"7bit"),
    "dots": _text(b".\r\n..\r\n...\r\n.hidden\r\n", b"us-ascii", b"7bit"),
    "eight-bit": _text(_UMLAUTS * 3),
    "latin-1": _text("Grüße aus Köln\r\n".encode("latin-1"), b"iso-8859-1"),
    "long-lines": _text(b"word " * 400 + b"\r\n"),
    "long-eight-bit": _text(_UMLAUTS.strip() * 60 + b"\r\n"),
    "from-lines": _text(b"From here on\r\n>From there\r\nFrom\r\n", b"us-ascii", b"7bit"),
    "white-space": _text(b"trailing \r\n\ttab\t\r\n-- \r\nAlice\r\n\r\n\r\n", b"us-ascii", b"7bit"),
    "quoted-printable": _HTML,
    "attachment": _mixed(_text(_UMLAUTS), _PDF),
    "alternative": _mixed(_text(_UMLAUTS), _HTML, subtype=b"alternative"),
    "related": _mixed(
        _mixed(_text(b"a\r\n"), _HTML, subtype=b"alternative", boundary=b"=_alt"),
        b"Content-ID: <1>\r\n" + _PDF,
        subtype=b"related",
    ),
    "forwarded": _mixed(
        _text(b"see below\r\n"),
        b"Content-Type: message/rfc822\r\n\r\n" + head() + _text(b"From me\r\n", encoding=b"7bit"),
    ),
    "binary": b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    + bytes(range(256)),
    "protected": b'Content-Type: text/plain; hp="clear"\r\nFrom: Alice <alice@example.org>\r\n'
    b"Subject: Payment\r\n\r\nHello\r\n",
}


def genuine(shop: Workshop) -> Iterator[tuple[str, bytes]]:
    """Yield mail by Alice in every shape, with every body, in the workshop's scheme and form."""
    for shape in SHAPES:
        for name, body in BODIES.items():
            entity = make_signable(body)
            if shape.name == "openssl" and name == "eight-bit":
                # QUIRK: OpenSSL signs 8-bit text as it stands.
                entity = body
            yield f"{shape.name}-{name}", write(shape, shop, entity)


def write(shape: Shape, shop: Workshop, entity: bytes) -> bytes:
    """Return a genuine message in the shape of a client."""
    cms = _cms(shape, shop, entity)
    fields = head(shape.sender, shape.fields)
    if b"Mime-Version" in shape.fields:
        fields = fields.replace(b"MIME-Version: 1.0\r\n", b"")
    lines = base64.b64encode(cms)
    width = shape.columns
    wrapped = b"".join(lines[at : at + width] + b"\r\n" for at in range(0, len(lines), width))
    if shop.form == "opaque":
        return fields + _opaque_fields(shape) + wrapped
    boundary, quote = shape.boundary, b'"' if shape.quoted_protocol else b""
    protocol = b"application/" + shape.subtype
    signed = b"MULTIPART/Signed" if shape.upper_case else b"multipart/signed"
    return b"".join(
        (
            fields,
            b"Content-Type: %s; protocol=%s%s%s;\r\n" % (signed, quote, protocol, quote),
            b'\tmicalg=%s; boundary="%s"\r\n\r\n' % (shape.micalg, boundary),
            shape.preamble,
            b"--%s\r\n" % boundary,
            entity,
            b"\r\n--%s\r\n" % boundary,
            b'Content-Type: %s; name="smime.p7s"\r\n' % protocol,
            b"Content-Transfer-Encoding: base64\r\n",
            b'Content-Disposition: %s; filename="smime.p7s"\r\n' % shape.disposition,
            b"Content-Description: S/MIME Cryptographic Signature\r\n\r\n",
            wrapped,
            b"\r\n--%s--\r\n" % boundary,
        )
    )


def _opaque_fields(shape: Shape) -> bytes:
    kind = b"x-pkcs7-mime" if shape.subtype.startswith(b"x-") else b"pkcs7-mime"
    return (
        b"Content-Type: application/%s; name=smime.p7m;\r\n    smime-type=signed-data\r\n"
        % kind
        + b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="smime.p7m"\r\n\r\n'
    )


def _cms(shape: Shape, shop: Workshop, entity: bytes) -> bytes:
    cms = shop.cms(entity)

    def edit(signed: Any) -> None:
        if shape.by_key:
            ski = shop.alice.x509.extensions.get_extension_for_class(SKI).value.digest
            signed["version"] = "v3"
            signer = signed["signer_infos"][0]
            signer["version"] = "v3"
            signer["sid"] = asn1.SignerIdentifier("subject_key_identifier", ski)
        if shape.with_root:
            signed["certificates"].append(
                asn1.CertificateChoices("certificate", asn1x509.Certificate.load(shop.alice.root))
            )

    if shape.by_key or shape.with_root:
        cms = edited(cms, edit)
    return streamed(cms, entity) if shape.streamed else cms


def streamed(cms: bytes, content: bytes) -> bytes:
    """Return the SignedData as a streaming writer makes it: indefinite lengths, chunks."""
    info = asn1.ContentInfo.load(cms)
    signed = info["content"]
    encap = signed["encap_content_info"]
    inner = encap["content_type"].dump()
    if encap["content"].native is not None:
        chunks = [content[at : at + 1000] for at in range(0, len(content), 1000)] or [b""]
        octets = b"".join(_tlv(0x04, chunk) for chunk in chunks)
        inner += b"\xa0\x80\x24\x80" + octets + b"\x00\x00\x00\x00"
    body = signed["version"].dump() + signed["digest_algorithms"].dump()
    body += b"\x30\x80" + inner + b"\x00\x00"
    body += signed["certificates"].dump() + signed["signer_infos"].dump()
    head_octets = b"\x30\x80" + info["content_type"].dump() + b"\xa0\x80\x30\x80"
    whole: bytes = head_octets + body + b"\x00\x00" * 3
    return whole


def _tlv(tag: int, octets: bytes) -> bytes:
    size = len(octets)
    if size < 0x80:
        return bytes((tag, size)) + octets
    count = (size.bit_length() + 7) // 8
    return bytes((tag, 0x80 | count)) + size.to_bytes(count, "big") + octets
