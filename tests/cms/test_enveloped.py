from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cms import der
from app.cms.enveloped import build_enveloped, parse_enveloped
from app.cms.errors import (
    NotForThisKey,
    UnsupportedCms,
)
from tests.cms.identities import CIPHERS, CONTENT, READING_KEYS, identity
from tests.cms.parts import enveloped, opened
from tests.examples import examples
from tests.testpki import ca

AEADS = [name for name in CIPHERS if not name.endswith("cbc")]


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


@examples(60)
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


@pytest.mark.parametrize("octets", [0, 1, 65_535, 65_536, 65_537, 1_000_000])
@pytest.mark.parametrize("cipher", CIPHERS)
def test_content_of_every_size_opens(octets: int, cipher: str) -> None:
    content = bytes(octets)
    assert opened(enveloped(cipher=cipher, content=content)) == content


@pytest.mark.parametrize("cipher", CIPHERS)
def test_content_of_several_blocks_opens(cipher: str) -> None:
    # What is encrypted as it is written: pieces end in the middle of a block of the cipher.
    content = bytes(range(256)) * 12_000
    pieces: list[bytes | memoryview] = [content[:1_000_003], memoryview(content)[1_000_003:]]
    cms = build_enveloped(pieces, [identity().certificate], cipher=cipher)
    assert opened(cms, limit=len(content)) == content
