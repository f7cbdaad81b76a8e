"""Taking a signature off a message, or turning it inside out, without touching what was signed.

RFC 8551 §3.5.2, §3.5.3.
"""

import hashlib

from app.cms import ber, der
from app.cms.algorithms import CONTENT_TYPE_DER, DIGESTS
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.cms.signed import open_content_info, parse_signed
from app.mail.canonical import is_crlf, is_seven_bit
from app.mail.compose import multipart_signed, unwrap
from app.mail.headers import split
from app.smime.kinds import Kind, Layer
from app.smime.payload import RefusedPayload, accept


def signed_content(message: bytes, layer: Layer) -> bytes:
    """Return the entity inside a signed layer as it was sent; empty if there is none."""
    if layer.kind is Kind.CLEAR:
        return message[layer.signed_from : layer.signed_to]
    if layer.kind is not Kind.OPAQUE:
        return b""
    try:
        return parse_signed(layer.cms).content or b""
    except (MalformedCms, UnsupportedCms, TooLarge):
        return b""


def strip_signature(message: bytes, layer: Layer) -> bytes:
    """Return the message without its signature, the very same message where that cannot be done.

    Only the Content-* fields come from the inside (T60).
    """
    try:
        entity = accept(signed_content(message, layer), authenticated=True)
    except RefusedPayload:
        return message
    return unwrap(split(message).headers, entity)


def opaque_to_clear(message: bytes, layer: Layer) -> bytes | None:
    """Return an opaque-signed message as a clear-signed one with the same SignerInfo.

    None where the content would not survive transport: only 7-bit octets with CRLF keep the
    signature verifiable (RFC 8551 §3.1.3). The caller asks only for valid signatures.
    """
    if layer.kind is not Kind.OPAQUE:
        return None
    try:
        signed = parse_signed(layer.cms)
        entity = signed.content or b""
        if not entity or not is_seven_bit(entity) or not is_crlf(entity):
            return None
        if accept(entity, authenticated=True) != entity:
            return None
        signature = _detach(layer.cms)
    except (MalformedCms, UnsupportedCms, TooLarge, RefusedPayload):
        return None
    digest = signed.signers[0].digest if signed.signers else ""
    if digest not in DIGESTS:
        return None
    # The boundary needs no chance: nobody can write a content that holds its own hash.
    boundary = b"=_" + hashlib.sha256(entity).hexdigest()[:40].encode()
    outer = split(message).headers
    return multipart_signed(outer, entity, signature, DIGESTS[digest].micalg, boundary)


def _detach(cms: bytes) -> bytes:
    """Return the same SignedData without its eContent: certificates and SignerInfo stay octets."""
    body = open_content_info(ber.to_der(cms), "signed")
    version = body.take(der.INTEGER).whole
    digests = body.take(der.SET).whole
    content_type = body.take(der.SEQUENCE).take(der.OBJECT_IDENTIFIER).whole
    encap = der.tlv(der.SEQUENCE, content_type)
    rest = body.octets[body.at : body.end]
    signed = der.tlv(der.SEQUENCE, version, digests, encap, rest)
    return der.tlv(der.SEQUENCE, CONTENT_TYPE_DER["signed"], der.tlv(der.CONTEXT_0, signed))
