"""New messages out of old octets and new blocks.

The outer header section stays what it was, but for its Content fields: those describe the entity and
move with it. Nothing else of an inner header section ever gets out (T60). RFC 8551 §3.1, §3.2, §3.5;
RFC 2045 §4.
"""

from typing import Final

import pybase64

from app.mail.entity import parse_entity
from app.mail.headers import Field, Headers, join

_COLUMNS: Final = 76  # RFC 2045 §6.8


def wrap_base64(der: bytes) -> bytes:
    """Return octets as base64 in lines of 76 columns, each ended by CRLF."""
    return pybase64.encodebytes(der).replace(b"\n", b"\r\n")


def _is_content(field: Field) -> bool:
    return field.plain_key.startswith("content-")


def content_fields(headers: Headers) -> Headers:
    """Return the fields that describe the entity: Content-* and nothing else (RFC 2045 §3)."""
    return headers.drop(lambda field: not _is_content(field))


def other_fields(headers: Headers) -> Headers:
    """Return the fields that describe the message; MIME-Version is one of them."""
    return headers.drop(_is_content)


def _outer(headers: Headers) -> Headers:
    kept = other_fields(headers)
    octets = kept.octets
    if octets and not octets.endswith(b"\r\n"):
        kept = Headers(octets + b"\r\n")
    return kept if kept.find("MIME-Version") else Headers(kept.octets + b"MIME-Version: 1.0\r\n")


def multipart_signed(
    outer: Headers, entity: bytes, signature_der: bytes, micalg: str, boundary: bytes
) -> bytes:
    """Return the clear-signed message: the entity, and the signature beside it (RFC 8551 §3.5.3).

    The entity is signed as it stands here, without the CRLF before the next delimiter. The boundary
    must occur in no line of it.
    """
    assert b"--" + boundary not in entity
    return b"".join(
        (
            _outer(outer).octets,
            b'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n'
            b' micalg=%s;\r\n boundary="%s"\r\n\r\n--%s\r\n'
            % (micalg.encode("ascii"), boundary, boundary),
            entity,
            b"\r\n--%s\r\n"
            b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
            b"Content-Transfer-Encoding: base64\r\n"
            b'Content-Disposition: attachment; filename="smime.p7s"\r\n'
            b"\r\n" % boundary,
            wrap_base64(signature_der),
            b"\r\n--%s--\r\n" % boundary,
        )
    )


def pkcs7_mime(outer: Headers, der: bytes, smime_type: str, name: str) -> bytes:
    """Return the message whose whole body is a CMS object: smime_type of RFC 8551 §3.2.2, a file name."""
    return b"".join(
        (
            _outer(outer).octets,
            b'Content-Type: application/pkcs7-mime; smime-type=%s; name="%s"\r\n'
            b"Content-Transfer-Encoding: base64\r\n"
            b'Content-Disposition: attachment; filename="%s"\r\n'
            b"\r\n" % (smime_type.encode("ascii"), name.encode("ascii"), name.encode("ascii")),
            wrap_base64(der),
        )
    )


def unwrap(outer: Headers, entity: bytes) -> bytes:
    """Return the message that an entity was signed or encrypted as.

    It has the outer fields that do not describe the content, and of the entity only those that do:
    a From, Received or Authentication-Results in there is a stranger's (T60).
    """
    inner = parse_entity(entity)
    fields = Headers(_outer(outer).octets + content_fields(inner.headers).octets)
    return join(fields, entity[inner.body_at :])
