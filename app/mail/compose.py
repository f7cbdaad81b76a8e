"""New messages out of old octets and new blocks.

The outer header section stays what it was, but for its Content fields: those describe the entity
and move with it. Nothing else of an inner header section ever gets out (T60).
RFC 8551 §3.1, §3.2, §3.5; RFC 2045 §4.
"""

from app.mail.entity import parse_entity
from app.mail.headers import Headers
from app.mail.transfer import base64_blocks, wrap_base64

__all__ = [
    "content_fields",
    "multipart_signed",
    "other_fields",
    "pkcs7_mime",
    "unwrap",
    "wrap_base64",
]


def content_fields(headers: Headers) -> Headers:
    """Return the fields that describe the entity: Content-* and nothing else (RFC 2045 §3)."""
    return headers.divided[0]


def other_fields(headers: Headers) -> Headers:
    """Return the fields that describe the message; MIME-Version is one of them."""
    return headers.divided[1]


def _outer(headers: Headers) -> Headers:
    """Return the fields that stay outside, MIME-Version among them, ready for more below."""
    kept = other_fields(headers)
    # It is no content field: it is among those kept if it is there at all.
    if headers.find("MIME-Version"):
        return kept.ended()
    return kept.append("MIME-Version", b"1.0")


def multipart_signed(
    outer: Headers,
    entity: bytes,
    signature_der: bytes,
    micalg: str,
    boundary: bytes,
) -> bytes:
    """Return the clear-signed message: the entity and the signature beside it (RFC 8551 §3.5.3).

    The signature is over the entity as it is given, without the CRLF of the next delimiter. The
    boundary must be a token that occurs nowhere in it. Content fields of the outer section go.
    """
    assert b"--" + boundary not in entity, "the boundary must be a new one"
    before, after = around_signed(outer, signature_der, micalg, boundary)
    return b"".join((before, entity, after))


def around_signed(
    outer: Headers, signature_der: bytes, micalg: str, boundary: bytes
) -> tuple[bytes, bytes]:
    """Return what stands before and behind the entity of a clear-signed message."""
    before = (
        b'%sContent-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n'
        b' micalg=%s;\r\n boundary="%s"\r\n\r\n'
        b"--%s\r\n" % (_outer(outer).octets, micalg.encode("ascii"), boundary, boundary)
    )
    after = (
        b"\r\n--%s\r\n"
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\n'
        b"%s\r\n--%s--\r\n" % (boundary, wrap_base64(signature_der), boundary)
    )
    return before, after


def pkcs7_mime(outer: Headers, der: bytes, smime_type: str, name: str) -> bytes:
    """Return the message whose body is a CMS object, with its smime-type (RFC 8551 §3.2.2).

    The name is that of the file, smime.p7m, .p7c or .p7z (RFC 8551 §3.2.1).
    """
    kind, file = smime_type.encode("ascii"), name.encode("ascii")
    return b"".join(
        (
            _outer(outer).octets,
            b'Content-Type: application/pkcs7-mime; smime-type=%s;\r\n name="%s"\r\n'
            b"Content-Transfer-Encoding: base64\r\n"
            b'Content-Disposition: attachment; filename="%s"\r\n\r\n' % (kind, file, file),
            *base64_blocks(der),
        )
    )


def unwrap(outer: Headers, entity: bytes) -> bytes:
    """Return the message that an entity was signed or encrypted as.

    It has the outer fields that do not describe the content, and of the entity only those that do:
    a From, Received or Authentication-Results in there is a stranger's (T60).
    """
    inner = parse_entity(entity)
    content = content_fields(inner.headers).ended().octets
    return b"".join((_outer(outer).octets, content, b"\r\n", memoryview(entity)[inner.body_at :]))
