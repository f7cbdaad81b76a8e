"""Taking a signature off a message, or turning it inside out, without touching what was signed.

RFC 8551 §3.5.2, §3.5.3.
"""

import hashlib

from app.cms import ber, der
from app.cms.algorithms import CONTENT_TYPE_DER, DIGESTS
from app.cms.content_info import open_content_info
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.cms.signed import SignedData, parse_signed
from app.mail.canonical import is_crlf, is_seven_bit
from app.mail.compose import multipart_signed, unwrap
from app.mail.headers import split
from app.smime.kinds import LAYER_TYPES, Kind, Layer, root_type
from app.smime.payload import RefusedPayload, accept


def signed_content(message: bytes, layer: Layer) -> bytes:
    """Return the entity inside a signed layer as it was sent; empty if there is none."""
    if layer.kind is Kind.CLEAR:
        return message[layer.signed_from : layer.signed_to]
    signed = _opaque(layer)
    return (signed.content if signed else None) or b""


def _opaque(layer: Layer) -> SignedData | None:
    """Return the SignedData of an opaque-signed layer; None for others and for broken ones."""
    if layer.kind is not Kind.OPAQUE:
        return None
    try:
        return layer.signed or parse_signed(layer.cms)
    except (MalformedCms, UnsupportedCms, TooLarge):
        return None


def may_hold_layer(message: bytes, layer: Layer) -> bool:
    """Tell whether the root of a signed content may be a cryptographic layer again.

    Only the first header section is looked at, so that this costs next to nothing.
    """
    if layer.kind is Kind.CLEAR:
        return root_type(message, layer.signed_from, layer.signed_to) in LAYER_TYPES
    content = signed_content(message, layer)
    return root_type(content, 0, len(content)) in LAYER_TYPES


def strip_signature(message: bytes, layer: Layer) -> bytes:
    """Return the message without its signature, the very same message where that cannot be done.

    Only the Content-* fields come from the inside (T60).
    """
    try:
        content = signed_content(message, layer)
        entity = accept(content, authenticated=True, is_scanned=layer.kind is Kind.CLEAR)
    except RefusedPayload:
        return message
    return unwrap(split(message).headers, entity)


def opaque_to_clear(message: bytes, layer: Layer) -> bytes | None:
    """Return an opaque-signed message as a clear-signed one with the same SignerInfo.

    None where the content would not survive transport: only 7-bit octets with CRLF keep the
    signature verifiable (RFC 8551 §3.1.3). The caller asks only for valid signatures.
    """
    signed = _opaque(layer)
    entity = (signed.content if signed else None) or b""
    if signed is None or not entity or not is_seven_bit(entity) or not is_crlf(entity):
        return None
    try:
        if accept(entity, authenticated=True) != entity:
            return None
        signature = _detach(layer.cms)
    except (MalformedCms, RefusedPayload):
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
