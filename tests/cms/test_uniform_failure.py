"""All failures after a key was used look alike (T76-T80)."""

import os
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.cms import algorithms, content, der, recipients, transport
from app.cms.enveloped import build_enveloped, parse_enveloped
from app.cms.errors import CannotDecrypt
from tests.cms.identities import CIPHERS, CONTENT, READING_KEYS, identity, key
from tests.cms.parts import EnvelopedParts, elements, enveloped, opened


def _transport(encrypted_key: bytes, rsa_transport: str = "pkcs1v15") -> Callable[[bytes], bytes]:
    """Return a change of an object: another encryptedKey for the RSA identity."""

    def change(cms: bytes) -> bytes:
        parts = EnvelopedParts(cms)
        info = der.read_one(parts.infos[0], der.SEQUENCE)
        version, name, _, _ = elements(info)
        algorithm = transport.encode_transport(rsa_transport)[1]
        octets = der.tlv(der.OCTET_STRING, encrypted_key)
        parts.infos = [der.tlv(der.SEQUENCE, version, name, algorithm, octets)]
        return parts.build()

    return change


def _raw(block: bytes) -> bytes:
    """Return a block under the RSA identity's public key, without any padding of ours."""
    public = key("rsa2048").public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    numbers = public.public_numbers()
    return pow(int.from_bytes(block, "big"), numbers.e, numbers.n).to_bytes(256, "big")


def _padded(message: bytes) -> bytes:
    return b"\x00\x02" + b"\x55" * (253 - len(message)) + b"\x00" + message


def _oaep(message: bytes) -> bytes:
    public = key("rsa2048").public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    hashing = algorithms.DIGESTS["sha256"].hash
    return public.encrypt(message, padding.OAEP(padding.MGF1(hashing), hashing, None))


BLEICHENBACHER: list[tuple[str, Callable[[], bytes]]] = [  # T76
    ("a key of another length", lambda: _raw(_padded(bytes(16)))),
    ("an empty key", lambda: _raw(_padded(b""))),
    ("the longest key", lambda: _raw(_padded(bytes(245)))),
    ("another key", lambda: _raw(_padded(bytes(32)))),
    ("a signature's padding", lambda: _raw(b"\x00\x01" + b"\xff" * 221 + b"\x00" + bytes(32))),
    ("no padding", lambda: _raw(b"\x00" + b"\x55" * 255)),
    ("no zero", lambda: _raw(b"\x00\x02" + b"\x55" * 254)),
    ("a zero too early", lambda: _raw(b"\x00\x02\x55\x00" + b"\x55" * 252)),
    ("a leading octet", lambda: _raw(b"\x01\x02" + b"\x55" * 221 + b"\x00" + bytes(32))),
    ("zero", lambda: bytes(256)),
    ("one", lambda: bytes(255) + b"\x01"),
    ("more than the modulus", lambda: b"\xff" * 256),
    ("too short", lambda: os.urandom(255)),
    ("too long", lambda: os.urandom(257)),
    ("nothing", lambda: b""),
    ("random", lambda: b"\x00" + os.urandom(255)),
]


@pytest.mark.parametrize("cipher", ["aes256-gcm", "chacha20-poly1305"])
@pytest.mark.parametrize(("why", "make"), BLEICHENBACHER, ids=[row[0] for row in BLEICHENBACHER])
def test_wrong_key_transport_fails_alike(
    why: str, make: Callable[[], bytes], cipher: str
) -> None:  # T76
    with pytest.raises(CannotDecrypt) as caught:
        opened(_transport(make())(enveloped("rsa2048", cipher)), "rsa2048")
    assert str(caught.value) == str(CannotDecrypt())
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


MANGER: list[tuple[str, Callable[[], bytes]]] = [  # T77
    ("a key of another length", lambda: _oaep(bytes(16))),
    ("another key", lambda: _oaep(bytes(32))),
    ("PKCS #1 v1.5", lambda: _raw(_padded(bytes(32)))),
    ("no padding", lambda: _raw(b"\x00" + b"\x55" * 255)),
    ("a leading octet", lambda: _raw(b"\x01" + b"\x55" * 255)),
    ("zero", lambda: bytes(256)),
    ("more than the modulus", lambda: b"\xff" * 256),
    ("too short", lambda: bytes(255)),
    ("nothing", lambda: b""),
]


@pytest.mark.parametrize(("why", "make"), MANGER, ids=[row[0] for row in MANGER])
def test_wrong_oaep_fails_alike(why: str, make: Callable[[], bytes]) -> None:  # T77
    with pytest.raises(CannotDecrypt):
        opened(_transport(make(), "oaep-sha256")(enveloped("rsa2048")), "rsa2048")


@pytest.mark.parametrize("kind", READING_KEYS)
def test_every_changed_recipient_info_fails_alike(kind: str) -> None:
    parts = EnvelopedParts(enveloped(kind))
    (info,) = parts.infos
    # The end of a RecipientInfo is the encryptedKey, whatever its kind.
    parts.infos = [info[:-1] + bytes((info[-1] ^ 1,))]
    with pytest.raises(CannotDecrypt):
        opened(parts.build(), kind)


@pytest.mark.parametrize("kind", ["p256", "x25519"])
@pytest.mark.parametrize("public", [b"", b"\x00", bytes(32), b"\x04" + bytes(64), b"\xff" * 65])
def test_points_that_are_none_fail_alike(kind: str, public: bytes) -> None:
    parts = EnvelopedParts(enveloped(kind))
    info = der.read_one(parts.infos[0], der.CONTEXT_1)
    version, originator, *rest = elements(info)
    inner = der.read_one(originator, der.CONTEXT_0).take(der.CONTEXT_1)
    algorithm = inner.next().whole
    bits = der.tlv(der.BIT_STRING, b"\x00" + public)
    forged = der.tlv(der.CONTEXT_0, der.tlv(der.CONTEXT_1, algorithm, bits))
    parts.infos = [der.tlv(der.CONTEXT_1, version, forged, *rest)]
    with pytest.raises(CannotDecrypt):
        opened(parts.build(), kind)


def test_a_point_of_another_curve_fails_alike() -> None:
    parts, other = EnvelopedParts(enveloped("p256")), EnvelopedParts(enveloped("p384"))
    info = der.read_one(parts.infos[0], der.CONTEXT_1)
    version, _, *rest = elements(info)
    originator = list(elements(der.read_one(other.infos[0], der.CONTEXT_1)))[1]
    parts.infos = [der.tlv(der.CONTEXT_1, version, originator, *rest)]
    with pytest.raises(CannotDecrypt):
        opened(parts.build())


@pytest.mark.parametrize("kind", READING_KEYS)
def test_two_recipient_infos_for_one_certificate_fail_alike(kind: str) -> None:  # T78
    parts = EnvelopedParts(enveloped(kind))
    parts.infos *= 2
    with pytest.raises(CannotDecrypt):
        opened(parts.build(), kind)


CBC: list[tuple[str, Callable[[bytes], bytes]]] = [  # T79
    ("no block", lambda octets: octets[:0]),
    ("half a block", lambda octets: octets[:-8]),
    ("one octet more", lambda octets: octets + b"\x00"),
    ("a changed last block", lambda octets: octets[:-1] + bytes((octets[-1] ^ 1,))),
    (
        "a changed block before",
        lambda octets: octets[:-17] + bytes((octets[-17] ^ 0xFF,)) + octets[-16:],
    ),
]


@pytest.mark.parametrize(("why", "change"), CBC, ids=[row[0] for row in CBC])
def test_a_wrong_padding_fails_alike(why: str, change: Callable[[bytes], bytes]) -> None:  # T79
    parts = EnvelopedParts(enveloped(cipher="aes256-cbc"))
    parts.ciphertext = change(parts.ciphertext)
    with pytest.raises(CannotDecrypt):
        opened(parts.build())


@pytest.mark.parametrize("cipher", [name for name in CIPHERS if name.endswith("gcm")])
def test_an_aead_rewrapped_as_cbc_gives_nothing_of_it(cipher: str) -> None:  # T80
    parts = EnvelopedParts(enveloped(cipher=cipher, content=bytes(1000)))
    cbc = algorithms.CIPHERS[cipher.replace("gcm", "cbc")]
    parts.kind, parts.tail = "enveloped", []
    parts.ciphertext = parts.ciphertext[: len(parts.ciphertext) // 16 * 16]
    parts.algorithm = algorithms.identifier(cbc.oid, der.tlv(der.OCTET_STRING, bytes(16)))
    try:
        found = opened(parts.build())
    except CannotDecrypt:
        return
    # One time in 256 the padding happens to be right; what comes out then is noise.
    assert bytes(16) not in found


def test_the_content_is_decrypted_whatever_became_of_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # T76: the same path
    used: list[int] = []
    honest = content.decrypt

    def watch(
        algorithm: content.ContentAlgorithm, cek: bytes, *args: object, **rest: object
    ) -> bytes:
        used.append(len(cek))
        return honest(algorithm, cek, *args, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(content, "decrypt", watch)
    for _, make in BLEICHENBACHER:
        with pytest.raises(CannotDecrypt):
            opened(_transport(make())(enveloped("rsa2048")), "rsa2048")
    assert used == [32] * len(BLEICHENBACHER)


def test_a_substitute_key_is_never_the_same() -> None:  # T76, RFC 3218
    parts = EnvelopedParts(enveloped("rsa2048"))
    cms = _transport(b"")(parts.build())
    (recipient,) = parse_enveloped(cms).recipients
    keys = {recipients.unlock_key(recipient, key("rsa2048"), 32) for _ in range(50)}
    assert len(keys) == 50


def test_a_wrong_padding_is_rejected_implicitly() -> None:  # R28
    private = key("rsa2048")
    assert isinstance(private, rsa.RSAPrivateKey)
    assert transport.rejects_implicitly(private)
    assert transport.self_test()


def test_a_library_that_tells_is_found_out() -> None:  # R28
    private = key("rsa2048")

    class Telling:
        key_size = 2048

        def public_key(self) -> object:
            return private.public_key()

        def decrypt(self, _ciphertext: bytes, _how: object) -> bytes:
            raise ValueError

    assert not transport.rejects_implicitly(Telling())  # type: ignore[arg-type]


def test_several_certificates_are_tried_by_name_only() -> None:
    certificates = [identity("rsa2048").certificate, identity("p256").certificate]
    cms = build_enveloped([CONTENT], certificates, cipher="aes256-gcm")
    parts = EnvelopedParts(cms)
    for place, info in enumerate(parts.infos):
        broken = [*parts.infos]
        broken[place] = info[:-1] + bytes((info[-1] ^ 1,))
        outcomes = []
        parts_broken = EnvelopedParts(cms)
        parts_broken.infos = broken
        for kind in ("rsa2048", "p256"):
            try:
                outcomes.append(opened(parts_broken.build(), kind) == CONTENT)
            except CannotDecrypt:
                outcomes.append(False)
        assert sorted(outcomes) == [False, True]
