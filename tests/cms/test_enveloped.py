from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cms import algorithms, content, der
from app.cms.enveloped import build_enveloped, open_enveloped, parse_enveloped
from app.cms.errors import (
    CannotDecrypt,
    MalformedCms,
    NotForThisKey,
    TooLarge,
    UnsupportedCms,
)
from app.cms.keys import identity_of
from app.cms.signing import content_info
from app.mail.limits import RECIPIENT_INFOS
from tests.cms.identities import CIPHERS, CONTENT, READING_KEYS, identity, key
from tests.testpki import ca

LIMIT = 1_000_000
AEADS = [name for name in CIPHERS if not name.endswith("cbc")]


def enveloped(
    kind: str = "p256", cipher: str = "aes256-gcm", rsa: str = "pkcs1v15", content: bytes = CONTENT
) -> bytes:
    return build_enveloped([content], [identity(kind).certificate], cipher=cipher, rsa=rsa)


def opened(cms: bytes, kind: str = "p256", *, limit: int = LIMIT, legacy: str = "none") -> bytes:
    return open_enveloped(
        parse_enveloped(cms),
        key(kind),
        identity(kind).certificate,
        limit_octets=limit,
        legacy=legacy,
    )


@pytest.mark.parametrize("kind", READING_KEYS)
@pytest.mark.parametrize("cipher", CIPHERS)
def test_what_is_sealed_opens(kind: str, cipher: str) -> None:
    cms = enveloped(kind, cipher)
    found = parse_enveloped(cms)
    assert found.cipher == cipher
    assert found.kind == ("enveloped" if cipher.endswith("cbc") else "auth-enveloped")
    assert (found.weak, found.problem, found.content_type) == ("", "", "data")
    assert opened(cms, kind) == CONTENT


@pytest.mark.parametrize(
    "rsa", ["pkcs1v15", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"]
)
def test_every_key_transport_opens(rsa: str) -> None:
    cms = enveloped("rsa2048", rsa=rsa)
    assert parse_enveloped(cms).recipients[0].scheme == rsa
    assert opened(cms, "rsa2048") == CONTENT


SCHEMES = [
    ("rsa2048", "aes256-gcm", "ktri", "pkcs1v15"),
    ("p256", "aes128-cbc", "kari", "ecdh-sha256+aes128-wrap"),
    ("p256", "aes192-cbc", "kari", "ecdh-sha256+aes192-wrap"),
    ("p384", "aes256-gcm", "kari", "ecdh-sha384+aes256-wrap"),
    ("p521", "aes256-gcm", "kari", "ecdh-sha512+aes256-wrap"),
    ("brainpool512", "chacha20-poly1305", "kari", "ecdh-sha512+aes256-wrap"),
    ("x25519", "aes128-gcm", "kari", "ecdh-hkdf-sha256+aes128-wrap"),
    ("mlkem768", "aes256-gcm", "kemri", "ml-kem-768"),
    ("mlkem1024", "aes256-gcm", "kemri", "ml-kem-1024"),
]


@pytest.mark.parametrize(("kind", "cipher", "info", "scheme"), SCHEMES)
def test_the_wrap_is_as_strong_as_the_cipher(
    kind: str, cipher: str, info: str, scheme: str
) -> None:
    (recipient,) = parse_enveloped(enveloped(kind, cipher)).recipients
    assert (recipient.kind, recipient.scheme) == (info, scheme)
    assert recipient.serial == identity(kind).x509.serial_number


VERSIONS = [
    (["rsa2048"], 0),
    (["rsa2048", "p256"], 2),
    (["x25519"], 2),
    (["rsa2048", "mlkem768"], 3),
]


@pytest.mark.parametrize(("kinds", "version"), VERSIONS)
def test_the_newest_recipient_info_decides_the_version(kinds: Sequence[str], version: int) -> None:
    certificates = [identity(kind).certificate for kind in kinds]
    cms = build_enveloped([CONTENT], certificates, cipher="aes128-cbc")
    body = der.read_one(cms, der.SEQUENCE)
    body.identifier()
    assert body.take(der.CONTEXT_0).take(der.SEQUENCE).integer() == version


def test_everybody_it_is_for_opens_it() -> None:
    certificates = [identity(kind).certificate for kind in READING_KEYS]
    cms = build_enveloped([CONTENT], certificates, cipher="aes256-gcm")
    for kind in READING_KEYS:
        assert opened(cms, kind) == CONTENT


def test_nobody_else_opens_it() -> None:
    with pytest.raises(NotForThisKey):
        opened(enveloped("p256"), "p384")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=100), max_size=5), st.sampled_from(CIPHERS))
def test_content_comes_in_pieces(pieces: list[bytes], cipher: str) -> None:
    views = [memoryview(piece) for piece in pieces]
    cms = build_enveloped(views, [identity().certificate], cipher=cipher)
    assert opened(cms) == b"".join(pieces)


@pytest.mark.parametrize("name", ["3des", "rc2", "des", "", "aes256"])
def test_nothing_weak_is_written(name: str) -> None:  # T99
    with pytest.raises(UnsupportedCms):
        enveloped(cipher=name)


@pytest.mark.parametrize("rsa", ["oaep-md5", "oaep", "pkcs1", ""])
def test_unknown_key_transports_are_not_written(rsa: str) -> None:
    with pytest.raises(UnsupportedCms):
        enveloped("rsa2048", rsa=rsa)


@pytest.mark.parametrize("kind", ["ed25519", "mldsa44"])
def test_keys_that_only_sign_are_not_encrypted_to(kind: str) -> None:
    with pytest.raises(UnsupportedCms):
        enveloped(kind)


def test_nothing_is_encrypted_to_nobody() -> None:
    with pytest.raises(UnsupportedCms):
        build_enveloped([CONTENT], [], cipher="aes256-gcm")


def test_a_key_too_small_for_oaep_is_unsupported() -> None:
    who = ca("Small").issue("alice@example.org", key="rsa1024")
    with pytest.raises(UnsupportedCms):
        build_enveloped([CONTENT], [who.certificate], cipher="aes256-gcm", rsa="oaep-sha512")


class Parts:
    """An enveloped object taken apart, to put it together wrongly."""

    def __init__(self, cms: bytes) -> None:
        info = der.read_one(cms, der.SEQUENCE)
        self.kind = algorithms.CONTENT_TYPES[info.identifier()]
        body = info.take(der.CONTEXT_0).take(der.SEQUENCE)
        self.version = body.next().whole
        self.infos = list(self._elements(body.take(der.SET)))
        encrypted = body.take(der.SEQUENCE)
        self.content_type = encrypted.next().whole
        self.algorithm = encrypted.next().whole
        self.ciphertext = encrypted.next().value
        self.tail = list(self._elements(body))

    @staticmethod
    def _elements(reader: der.Reader) -> Iterator[bytes]:
        while reader.peek() >= 0:
            yield reader.next().whole

    def build(self) -> bytes:
        encrypted = der.tlv(
            der.SEQUENCE, self.content_type, self.algorithm, der.tlv(0x80, self.ciphertext)
        )
        infos = der.tlv(der.SET, *self.infos)
        return content_info(self.kind, [self.version, infos, encrypted, *self.tail])


def test_parts_make_the_whole() -> None:
    for cipher in ("aes128-cbc", "aes256-gcm"):
        cms = enveloped(cipher=cipher)
        assert Parts(cms).build() == cms


def test_a_recipient_is_found_by_his_key_identifier() -> None:
    cms = enveloped("rsa2048")
    parts = Parts(cms)
    known = identity_of(identity("rsa2048").certificate)
    info = der.read_one(parts.infos[0], der.SEQUENCE)
    _, name, *rest = Parts._elements(info)
    assert identity("rsa2048").x509.issuer.public_bytes() in name
    parts.infos = [der.tlv(der.SEQUENCE, der.integer(2), der.tlv(0x80, known.ski), *rest)]
    (recipient,) = parse_enveloped(parts.build()).recipients
    assert recipient.ski == known.ski
    assert opened(parts.build(), "rsa2048") == CONTENT
    with pytest.raises(NotForThisKey):
        opened(parts.build(), "p256")


def test_a_recipient_key_identifier_is_read() -> None:
    parts = Parts(enveloped("p256"))
    info = der.read_one(parts.infos[0], der.CONTEXT_1)
    *before, keys = Parts._elements(info)
    encrypted = list(Parts._elements(der.read_one(keys, der.SEQUENCE).take(der.SEQUENCE)))[1]
    ski = der.tlv(der.OCTET_STRING, identity_of(identity("p256").certificate).ski)
    date = der.tlv(der.GENERALIZED_TIME, b"20260101000000Z")
    one = der.tlv(der.SEQUENCE, der.tlv(der.CONTEXT_0, ski, date), encrypted)
    parts.infos = [der.tlv(der.CONTEXT_1, *before, der.tlv(der.SEQUENCE, one))]
    assert opened(parts.build()) == CONTENT


def test_recipients_without_a_certificate_are_passed_over() -> None:
    parts = Parts(enveloped("p256"))
    parts.infos += [der.tlv(0xA2, b"\x05\x00"), der.tlv(0xA3, b"\x05\x00")]
    other = der.tlv(der.CONTEXT_4, bytes.fromhex("06032a0304"), b"\x05\x00")
    parts.infos.append(other)
    kinds = [one.kind for one in parse_enveloped(parts.build()).recipients]
    assert kinds == ["kari", "other", "other", "other"]
    assert opened(parts.build()) == CONTENT


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_recipients_are_counted(excess: int) -> None:  # T107
    parts = Parts(enveloped("rsa2048"))
    parts.infos *= RECIPIENT_INFOS + excess
    if excess <= 0:
        assert len(parse_enveloped(parts.build()).recipients) == RECIPIENT_INFOS + excess
    else:
        with pytest.raises(TooLarge):
            parse_enveloped(parts.build())


def test_the_keys_of_one_agreement_are_counted_too() -> None:  # T107
    parts = Parts(enveloped("p256"))
    info = der.read_one(parts.infos[0], der.CONTEXT_1)
    *before, keys = Parts._elements(info)
    many = der.read_one(keys, der.SEQUENCE).value * (RECIPIENT_INFOS + 1)
    parts.infos = [der.tlv(der.CONTEXT_1, *before, der.tlv(der.SEQUENCE, many))]
    with pytest.raises(TooLarge):
        parse_enveloped(parts.build())


def _gcm(nonce: bytes, tag_octets: int | None) -> bytes:
    parameters = [der.tlv(der.OCTET_STRING, nonce)]
    if tag_octets is not None:
        parameters.append(der.integer(tag_octets))
    oid = algorithms.CIPHERS["aes256-gcm"].oid
    return algorithms.identifier(oid, der.tlv(der.SEQUENCE, *parameters))


PARAMETERS = [
    ("no tag to speak of", _gcm(bytes(12), 0)),
    ("a tag of 4 octets", _gcm(bytes(12), 4)),
    ("a tag of 11 octets", _gcm(bytes(12), 11)),
    ("a tag of 17 octets", _gcm(bytes(12), 17)),
    ("a negative tag", _gcm(bytes(12), -1)),
    ("no nonce", _gcm(b"", 16)),
    ("a short nonce", _gcm(bytes(8), 16)),
    ("a long nonce", _gcm(bytes(1000), 16)),
    ("another cipher", algorithms.identifier("1.2.3")),
    (
        "a cipher without its tag",
        algorithms.identifier(
            algorithms.CIPHERS["aes256-cbc"].oid, der.tlv(der.OCTET_STRING, bytes(16))
        ),
    ),
]


@pytest.mark.parametrize(("why", "algorithm"), PARAMETERS, ids=[row[0] for row in PARAMETERS])
def test_aead_parameters_are_checked_before_any_key(why: str, algorithm: bytes) -> None:  # T80
    parts = Parts(enveloped(cipher="aes256-gcm"))
    parts.algorithm = algorithm
    assert parse_enveloped(parts.build()).problem
    with pytest.raises(UnsupportedCms):
        opened(parts.build())


@pytest.mark.parametrize("octets", [0, 4, 11, 15, 17, 32])
def test_a_tag_has_the_length_it_says(octets: int) -> None:  # T80
    parts = Parts(enveloped(cipher="aes256-gcm"))
    parts.tail = [der.tlv(der.OCTET_STRING, bytes(octets))]
    with pytest.raises(MalformedCms):
        parse_enveloped(parts.build())


@pytest.mark.parametrize("octets", [12, 13, 14, 15, 16])
def test_shorter_tags_within_the_standard_open(octets: int) -> None:
    parts = Parts(enveloped(cipher="aes256-gcm"))
    nonce = der.read_one(parts.algorithm, der.SEQUENCE)
    nonce.identifier()
    iv = nonce.take(der.SEQUENCE).take(der.OCTET_STRING).value
    tag = der.read_one(parts.tail[0], der.OCTET_STRING).value[:octets]
    parts.algorithm = _gcm(iv, None if octets == 12 else octets)
    parts.tail = [der.tlv(der.OCTET_STRING, tag)]
    assert opened(parts.build()) == CONTENT


@pytest.mark.parametrize("cipher", AEADS)
def test_an_aead_in_enveloped_data_is_refused(cipher: str) -> None:  # T80
    parts = Parts(enveloped(cipher=cipher))
    parts.kind, parts.tail = "enveloped", []
    with pytest.raises(UnsupportedCms):
        opened(parts.build())


@pytest.mark.parametrize("cipher", AEADS)
def test_a_changed_octet_of_an_aead_never_opens(cipher: str) -> None:
    parts = Parts(enveloped(cipher=cipher))
    for place in range(len(parts.ciphertext)):
        changed = bytearray(parts.ciphertext)
        changed[place] ^= 1
        parts.ciphertext = bytes(changed)
        with pytest.raises(CannotDecrypt):
            opened(parts.build())
        changed[place] ^= 1
        parts.ciphertext = bytes(changed)


@pytest.mark.parametrize("excess", [-1, 0, 1])
@pytest.mark.parametrize("cipher", ["aes128-cbc", "aes128-gcm"])
def test_the_limit_holds_exactly(excess: int, cipher: str) -> None:
    cms = enveloped(cipher=cipher)
    limit = len(CONTENT) - excess
    if excess <= 0:
        assert opened(cms, limit=limit) == CONTENT
    else:
        with pytest.raises(TooLarge):
            opened(cms, limit=limit)


def test_more_than_the_limit_is_not_even_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    cms = enveloped(content=bytes(100_000))
    monkeypatch.delattr(content, "decrypt")
    with pytest.raises(TooLarge):
        opened(cms, limit=1000)


@pytest.mark.parametrize("cut", range(0, 300, 7))
def test_an_object_that_is_cut_short_is_malformed(cut: int) -> None:
    cms = enveloped("rsa2048")
    with pytest.raises(MalformedCms):
        parse_enveloped(cms[: len(cms) * cut // 300])


def test_other_kinds_are_malformed() -> None:
    with pytest.raises(MalformedCms):
        parse_enveloped(content_info("signed", []))
