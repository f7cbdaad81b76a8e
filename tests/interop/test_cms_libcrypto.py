"""Ed25519 and ML-DSA against a newer OpenSSL, ML-KEM against its primitive.

The CMS of that OpenSSL has no KEMRecipientInfo yet. So the object around the primitive is read and
written here a second time, from the text of RFC 9629 and RFC 9936 with asn1crypto, HMAC and AES:
less than another implementation of the whole, but nothing of it is shared with what it checks.
"""

import hashlib
import hmac
from typing import ClassVar

import pytest
from asn1crypto import cms, core, x509
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.cms.enveloped import build_enveloped
from app.cms.signed import Check, build_signed, parse_signed, verify_signer
from tests.cms.identities import CONTENT, identity, signer
from tests.cms.parts import opened
from tests.interop import libcrypto
from tests.testpki import AT

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(libcrypto.find() is None, reason="psycopg-binary brings no newer OpenSSL"),
]
GOOD = Check(digest_matches=True, signature_matches=True)
KINDS = ["ed25519", "mldsa44", "mldsa65", "mldsa87", "rsa2048", "p256"]
# RFC 8419 §3.1, RFC 9882 §3.3 ask for SHA-512; others may come with it.
DIGESTS = ["sha512", "sha384", "sha256"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("detached", [True, False])
def test_libcrypto_verifies_what_we_sign(kind: str, detached: bool) -> None:
    octets = build_signed(signer(kind), [CONTENT], detached=detached, at=AT)
    given = CONTENT if detached else None
    assert libcrypto.verify(octets, identity(kind).certificate, given) == CONTENT


@pytest.mark.parametrize("kind", KINDS)
def test_libcrypto_refuses_other_content(kind: str) -> None:
    octets = build_signed(signer(kind), [CONTENT], detached=True, at=AT)
    assert libcrypto.verify(octets, identity(kind).certificate, CONTENT + b"more") is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("digest", DIGESTS)
@pytest.mark.parametrize("form", [0, libcrypto.DETACHED])
def test_we_verify_what_libcrypto_signs(kind: str, digest: str, form: int) -> None:
    who = identity(kind)
    octets = libcrypto.sign(who.certificate, who.private_pkcs8, CONTENT, digest, form=form)
    data = parse_signed(octets)
    (info,) = data.signers
    assert data.content == (None if form else CONTENT)
    assert (info.digest, info.problems, info.weak) == (digest, (), "")
    assert verify_signer(info, [CONTENT], who.certificate) == GOOD
    assert not verify_signer(info, [CONTENT + b"more"], who.certificate).digest_matches


KEMS = {"mlkem768": "2.16.840.1.101.3.4.4.2", "mlkem1024": "2.16.840.1.101.3.4.4.3"}
KEM_RECIPIENT = "1.2.840.113549.1.9.16.13.3"  # RFC 9629 §3
HKDF_SHA256 = "1.2.840.113549.1.9.16.3.28"  # RFC 8619 §3
AES256_GCM = "2.16.840.1.101.3.4.1.46"  # RFC 5084 §3.2
AES256_WRAP = "2.16.840.1.101.3.4.1.45"  # RFC 3565 §2.3.2


class _Algorithm(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar = [
        ("algorithm", core.ObjectIdentifier),
        ("parameters", core.Any, {"optional": True}),
    ]


class _KemRecipientInfo(core.Sequence):  # type: ignore[misc]
    # RFC 9629 §3
    _fields: ClassVar = [
        ("version", core.Integer),
        ("rid", cms.RecipientIdentifier),
        ("kem", _Algorithm),
        ("kemct", core.OctetString),
        ("kdf", _Algorithm),
        ("kekLength", core.Integer),
        ("ukm", core.OctetString, {"explicit": 0, "optional": True}),
        ("wrap", _Algorithm),
        ("encryptedKey", core.OctetString),
    ]


class _OtherInfo(core.Sequence):  # type: ignore[misc]
    # CMSORIforKEMOtherInfo, RFC 9629 §5
    _fields: ClassVar = [
        ("wrap", _Algorithm),
        ("kekLength", core.Integer),
        ("ukm", core.OctetString, {"explicit": 0, "optional": True}),
    ]


class _OtherRecipientInfo(core.Sequence):  # type: ignore[misc]
    # RFC 5652 §6.2.5
    _fields: ClassVar = [("oriType", core.ObjectIdentifier), ("oriValue", _KemRecipientInfo)]


class _Infos(core.SetOf):  # type: ignore[misc]
    _child_spec = core.Any


class _EncryptedContent(core.Sequence):  # type: ignore[misc]
    # RFC 5652 §6.1
    _fields: ClassVar = [
        ("contentType", core.ObjectIdentifier),
        ("algorithm", _Algorithm),
        ("encryptedContent", core.OctetString, {"implicit": 0}),
    ]


class _AuthEnveloped(core.Sequence):  # type: ignore[misc]
    # RFC 5083 §2.1; of the choices of RecipientInfo only this one.
    _fields: ClassVar = [
        ("version", core.Integer),
        ("recipientInfos", _Infos),
        ("content", _EncryptedContent),
        ("mac", core.OctetString),
    ]


class _GcmParameters(core.Sequence):  # type: ignore[misc]
    # RFC 5084 §3.2
    _fields: ClassVar = [("nonce", core.OctetString), ("icvlen", core.Integer)]


class _ContentInfo(core.Sequence):  # type: ignore[misc]
    _fields: ClassVar = [
        ("contentType", core.ObjectIdentifier),
        ("content", _AuthEnveloped, {"explicit": 0}),
    ]


def _hkdf(secret: bytes, info: bytes, size: int) -> bytes:
    # RFC 5869 §2.2, §2.3; no salt is as many zeros as the digest has octets.
    extracted = hmac.digest(bytes(32), secret, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)[:size]


def _block(key: bytes, octets: bytes, *, decrypt: bool) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.ECB())  # the block of RFC 3394
    context = cipher.decryptor() if decrypt else cipher.encryptor()
    return context.update(octets) + context.finalize()


def _wrap(kek: bytes, key: bytes) -> bytes:
    # RFC 3394 §2.2.1
    front, rest = b"\xa6" * 8, [key[at : at + 8] for at in range(0, len(key), 8)]
    for step in range(6 * len(rest)):
        at = step % len(rest)
        out = _block(kek, front + rest[at], decrypt=False)
        front = (int.from_bytes(out[:8], "big") ^ (step + 1)).to_bytes(8, "big")
        rest[at] = out[8:]
    return front + b"".join(rest)


def _unwrap(kek: bytes, wrapped: bytes) -> bytes:
    # RFC 3394 §2.2.2
    front, rest = wrapped[:8], [wrapped[at : at + 8] for at in range(8, len(wrapped), 8)]
    for step in reversed(range(6 * len(rest))):
        at = step % len(rest)
        turned = (int.from_bytes(front, "big") ^ (step + 1)).to_bytes(8, "big")
        out = _block(kek, turned + rest[at], decrypt=True)
        front, rest[at] = out[:8], out[8:]
    assert front == b"\xa6" * 8
    return b"".join(rest)


def _kek(secret: bytes, ukm: bytes | None) -> bytes:
    # RFC 9629 §5; the wrap has no parameters (RFC 3565 §2.3.2).
    info = {"wrap": {"algorithm": AES256_WRAP}, "kekLength": 32}
    return _hkdf(secret, _OtherInfo(info | ({"ukm": ukm} if ukm else {})).dump(), 32)


@pytest.mark.parametrize("kind", KEMS)
def test_the_primitive_and_the_text_of_the_standard_open_what_we_seal(kind: str) -> None:
    who = identity(kind)
    octets = build_enveloped([CONTENT], [who.certificate], cipher="aes256-gcm")
    body = _ContentInfo.load(octets, strict=True)["content"]
    (other,) = body["recipientInfos"]
    found = _OtherRecipientInfo.load(b"\x30" + other.dump()[1:], strict=True)
    info = found["oriValue"]
    assert found["oriType"].dotted == KEM_RECIPIENT
    assert info["kem"].dump() == _Algorithm({"algorithm": KEMS[kind]}).dump()
    assert (info["kdf"]["algorithm"].dotted, info["kekLength"].native) == (HKDF_SHA256, 32)
    assert info["wrap"].dump() == _Algorithm({"algorithm": AES256_WRAP}).dump()
    secret = libcrypto.decapsulate(who.private_pkcs8, info["kemct"].native)
    key = _unwrap(_kek(secret, info["ukm"].native), info["encryptedKey"].native)
    algorithm = body["content"]["algorithm"]
    assert algorithm["algorithm"].dotted == AES256_GCM
    nonce = algorithm["parameters"].parse(_GcmParameters)["nonce"].native
    sealed = body["content"]["encryptedContent"].native + body["mac"].native
    assert AESGCM(key).decrypt(nonce, sealed, None) == CONTENT


@pytest.mark.parametrize("ukm", [None, b"user keying material"])
@pytest.mark.parametrize("kind", KEMS)
def test_we_open_what_the_primitive_and_the_text_of_the_standard_seal(
    kind: str, ukm: bytes | None
) -> None:
    who = identity(kind)
    certificate = x509.Certificate.load(who.certificate)
    secret, ciphertext = libcrypto.encapsulate(who.certificate)
    key, nonce = bytes(range(32)), bytes(range(12))
    rid = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    info = {
        "version": 0,
        "rid": cms.RecipientIdentifier("issuer_and_serial_number", rid),
        "kem": {"algorithm": KEMS[kind]},
        "kemct": ciphertext,
        "kdf": {"algorithm": HKDF_SHA256},
        "kekLength": 32,
        "wrap": {"algorithm": AES256_WRAP},
        "encryptedKey": _wrap(_kek(secret, ukm), key),
    }
    value = _KemRecipientInfo(info | ({"ukm": ukm} if ukm else {}))
    other = _OtherRecipientInfo({"oriType": KEM_RECIPIENT, "oriValue": value}).dump()
    sealed = AESGCM(key).encrypt(nonce, CONTENT, None)
    parameters = core.Any(_GcmParameters({"nonce": nonce, "icvlen": 16}))
    body = {
        "version": 0,
        "recipientInfos": [core.Any(core.Asn1Value.load(b"\xa4" + other[1:]))],
        "content": {
            "contentType": "1.2.840.113549.1.7.1",
            "algorithm": {"algorithm": AES256_GCM, "parameters": parameters},
            "encryptedContent": sealed[:-16],
        },
        "mac": sealed[-16:],
    }
    octets = _ContentInfo({"contentType": "1.2.840.113549.1.9.16.1.23", "content": body}).dump()
    assert opened(octets, kind) == CONTENT
