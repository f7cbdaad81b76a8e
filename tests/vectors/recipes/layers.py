"""Layers in layers: signed, encrypted, compressed, and header protection."""

import zlib
from collections.abc import Iterator

from app.cms import algorithms, der
from app.cms.enveloped import build_enveloped
from app.cms.signing import content_info
from app.mail.headers import Headers, join, split
from app.smime.protect import protect
from tests.forgery.makers import Workshop, clear, cms_part, head, opaque
from tests.vectors.recipes.case import BODY, CLEAR, ENTITY, OPAQUE, Case, alice, bob

_ALICE_RSA = Workshop("rsa2048", "", "opaque")


def cases() -> Iterator[Case]:
    yield from _signed_and_encrypted()
    yield from _only_outside()
    yield from _compressed()
    yield from _header_protection()


def _part(shop: Workshop, entity: bytes) -> bytes:
    """Return a signed entity, in a boundary of its own."""
    if shop.form == "opaque":
        return opaque(b"", shop.cms(entity))
    boundary = b"=_%d" % (entity.count(b"multipart/signed") + 1)
    return clear(b"", entity, shop.cms(entity), boundary)


def _sealed(entity: bytes, cipher: str = "aes256-gcm") -> bytes:
    label = b"authEnveloped-data" if "gcm" in cipher else b"enveloped-data"
    cms = build_enveloped([entity], [bob().certificate], cipher=cipher, rsa="oaep-sha256")
    return cms_part(cms, label)


def _signed_and_encrypted() -> Iterator[Case]:
    for shop in (CLEAR, OPAQUE):
        for cipher in ("aes256-gcm", "aes128-cbc"):
            yield _opened(
                f"encrypted-signed-{shop.form}-{cipher}",
                "Signed, then encrypted.",
                _sealed(_part(shop, ENTITY), cipher),
                "valid",
                cipher,
            )
        triple = _part(shop, _sealed(_part(shop, ENTITY)))
        about = "Signed, encrypted, and signed again (RFC 2634)."
        yield _opened(f"triple-{shop.form}", about, triple, "valid")
        twice = _part(shop, _part(shop, ENTITY))
        about = "Signed twice, one around the other."
        yield Case(f"signed-signed-{shop.form}", about, head() + twice, "valid")
    inner = clear(b"", ENTITY, CLEAR.cms(ENTITY, CLEAR.mallory), b"=_mallory")
    about = "Alice signed around what Mallory signed."
    yield Case("signed-by-two", about, head() + _part(CLEAR, inner), "valid-other")
    altered = _part(OPAQUE, _sealed(_part(CLEAR, ENTITY).replace(b"pay 100", b"pay 900")))
    body = BODY.replace(b"100", b"900")
    about = "The outer signature is good, the inner one is broken."
    yield _opened("triple-inner-broken", about, altered, "invalid", body=body)
    about = "Encrypted twice to Bob."
    yield _opened("encrypted-encrypted", about, _sealed(_sealed(_part(CLEAR, ENTITY))), "valid")


def _only_outside() -> Iterator[Case]:
    for shop in (CLEAR, OPAQUE):
        outside = _part(shop, _sealed(ENTITY))
        about = "A signature around ciphertext only: it does not say who wrote what is inside."
        yield _opened(f"signed-encrypted-{shop.form}", about, outside, "partial")
    lost = build_enveloped([ENTITY], [alice("rsa2048").certificate], cipher="aes256-gcm")
    part = _part(CLEAR, cms_part(lost, b"authEnveloped-data"))
    about = "Signed around ciphertext for somebody else."
    yield Case("signed-no-key", about, head() + part, "partial", "no-key", "aes256-gcm", None)


def _opened(
    name: str,
    about: str,
    part: bytes,
    signature: str,
    cipher: str = "aes256-gcm",
    *,
    body: bytes = BODY,
) -> Case:
    return Case(name, about, head() + part, signature, "decrypted", cipher, body)


def _squeezed(entity: bytes) -> bytes:
    encap = der.tlv(
        der.SEQUENCE,
        algorithms.CONTENT_TYPE_DER["data"],
        der.tlv(der.CONTEXT_0, der.tlv(der.OCTET_STRING, zlib.compress(entity, 9))),
    )
    body = [der.integer(0), algorithms.identifier(algorithms.ZLIB), encap]
    return cms_part(content_info("compressed", body), b"compressed-data")


def _compressed() -> Iterator[Case]:
    about = "Compressed only."
    yield Case("compressed", about, head() + _squeezed(ENTITY), "none")
    inside = _squeezed(_part(CLEAR, ENTITY))
    yield Case("compressed-signed", "Signed, then compressed.", head() + inside, "valid")
    outside = head() + _part(CLEAR, _squeezed(ENTITY))
    about = "Compressed, then signed; the signature stays around it."
    yield Case("signed-compressed", about, outside, "valid", body=None, openssl="verify")
    about = "Signed, compressed, encrypted."
    yield _opened("encrypted-compressed-signed", about, _sealed(inside), "valid")
    about = "Compressed twice; opened once."
    yield Case("compressed-twice", about, head() + _squeezed(_squeezed(ENTITY)), "none", body=None)


def _header_protection() -> Iterator[Case]:
    for mode in ("clear", "cipher"):
        fields = head().replace(b"MIME-Version: 1.0\r\n", b"").replace(b"Payment", b"The payment")
        content = split(ENTITY).headers
        outer, inside = protect(Headers(fields), content, mode)
        entity = join(inside, BODY)
        outside = outer.octets + b"MIME-Version: 1.0\r\n"
        if mode == "clear":
            for shop in (CLEAR, OPAQUE):
                about = "The header section is signed, too (RFC 9788, hp=clear)."
                octets = outside + _part(shop, entity)
                yield Case(f"hp-clear-{shop.form}", about, octets, "valid", openssl="verify")
            lying = octets.replace(b"The payment", b"Act now", 1)
            about = "The outer Subject is not the protected one."
            yield Case("hp-clear-other-subject", about, lying, "valid", openssl="verify")
            continue
        for name, part, status in (
            ("hp-cipher-signed", _part(CLEAR, entity), "valid"),
            ("hp-cipher-opaque", _part(_ALICE_RSA, entity), "valid"),
            ("hp-cipher-unsigned", entity, "none"),
        ):
            about = "The Subject is encrypted, too (RFC 9788, hp=cipher)."
            octets = outside + _sealed(part)
            yield Case(name, about, octets, status, "decrypted", "aes256-gcm")
