from datetime import UTC, datetime

import pytest

from app.cms.errors import UnsupportedCms
from app.cms.keys import load_private_key
from app.cms.signed import Check, build_signed, micalg, parse_signed, verify_signer
from app.cms.signing import Signer
from tests.cms.identities import CONTENT, SIGNING_KEYS, identity, key, signer
from tests.cms.parts import only_signer, signed
from tests.testpki import AT, ca

GOOD = Check(digest_matches=True, signature_matches=True)
SCHEMES = [
    *((kind, "") for kind in SIGNING_KEYS),
    ("rsa2048", "rsa-sha384"),
    ("rsa2048", "rsa-sha512"),
    ("rsa2048", "rsa-pss-sha256"),
    ("rsa2048", "rsa-pss-sha384"),
    ("rsa2048", "rsa-pss-sha512"),
    ("p256", "ecdsa-sha512"),
]


@pytest.mark.parametrize(("kind", "scheme"), SCHEMES)
@pytest.mark.parametrize("detached", [True, False])
def test_what_is_signed_verifies(kind: str, scheme: str, detached: bool) -> None:
    data = parse_signed(signed(detached=detached, kind=kind, scheme=scheme))
    (info,) = data.signers
    assert data.content == (None if detached else CONTENT)
    assert info.problems == ()
    assert info.weak == ""
    assert info.scheme == (scheme or signer(kind).signature.name)
    assert verify_signer(info, [CONTENT], identity(kind).certificate) == GOOD


@pytest.mark.parametrize(("kind", "scheme"), SCHEMES)
def test_other_content_and_another_key_do_not_verify(kind: str, scheme: str) -> None:
    info = only_signer(signed(kind=kind, scheme=scheme))
    altered = verify_signer(info, [CONTENT, b"\r\n"], identity(kind).certificate)
    assert (altered.digest_matches, altered.signature_matches) == (False, True)
    other = verify_signer(info, [CONTENT], identity(kind, "eve@example.org").certificate)
    assert (other.digest_matches, other.signature_matches) == (True, False)


def test_a_key_of_another_kind_has_signed_nothing() -> None:
    info = only_signer(signed(kind="rsa2048"))
    for kind in ("p256", "ed25519", "mldsa44", "x25519", "mlkem768"):
        assert not verify_signer(info, [CONTENT], identity(kind).certificate).signature_matches


def test_content_comes_in_pieces() -> None:
    pieces: list[bytes | memoryview] = [CONTENT[:7], memoryview(CONTENT)[7:20], CONTENT[20:]]
    cms = build_signed(signer(), pieces, detached=False, at=AT)
    assert parse_signed(cms).content == CONTENT
    assert verify_signer(only_signer(cms), pieces, identity().certificate) == GOOD


def test_attributes_are_those_of_the_signature_form() -> None:
    who = identity("rsa2048")
    found = only_signer(signed(kind="rsa2048")).attributes
    assert found.content_type == "data"
    assert found.signing_time == AT
    assert found.capabilities[:2] == ("aes256-gcm", "aes128-gcm")
    assert "aes128-cbc" in found.capabilities
    assert found.encryption_preference == (
        who.x509.issuer.public_bytes(),
        who.x509.serial_number,
    )
    assert found.signing_certificate is not None
    assert found.signing_certificate[0] == "sha256"


def test_a_key_that_only_signs_is_no_preference() -> None:
    who = ca("Usage").issue("alice@example.org", usage=("digital_signature",))
    cms = build_signed(Signer(who.certificate, key()), [CONTENT], detached=True, at=AT)
    assert only_signer(cms).attributes.encryption_preference is None
    assert only_signer(signed(kind="ed25519")).attributes.encryption_preference is None


def test_the_bag_holds_the_chain_without_its_root() -> None:
    who = identity()
    assert set(parse_signed(signed()).certificates) == {who.certificate, *who.chain}
    assert who.root not in parse_signed(signed()).certificates


def test_a_certificate_is_in_the_bag_once() -> None:
    who = identity()
    again = Signer(who.certificate, key(), (who.certificate, *who.chain))
    data = parse_signed(build_signed(again, [CONTENT], detached=True, at=AT))
    assert len(data.certificates) == 2


@pytest.mark.parametrize(
    ("kind", "scheme", "name"),
    [
        ("rsa2048", "", "sha-256"),
        ("rsa2048", "rsa-pss-sha384", "sha-384"),
        ("p521", "", "sha-512"),
        ("ed25519", "", "sha-512"),
    ],
)
def test_micalg_is_the_digest(kind: str, scheme: str, name: str) -> None:
    assert micalg(signer(kind, scheme)) == name


def test_signing_time_is_utc_time_until_2049() -> None:
    for at in (datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)):
        cms = build_signed(signer(), [CONTENT], detached=True, at=at)
        assert only_signer(cms).attributes.signing_time == at


@pytest.mark.parametrize("scheme", ["rsa-sha1", "rsa-md5", "ecdsa-sha256", "rsa-pss-sha1", "x"])
def test_nothing_weak_or_impossible_is_signed(scheme: str) -> None:
    with pytest.raises(UnsupportedCms):
        Signer(identity("rsa2048").certificate, key("rsa2048"), (), scheme)


def test_a_key_that_cannot_sign_is_no_signer() -> None:
    with pytest.raises(UnsupportedCms):
        Signer(identity("x25519").certificate, key("x25519"))


def test_small_rsa_keys_are_named() -> None:
    who = ca("Small").issue("alice@example.org", key="rsa1024")
    cms = build_signed(
        Signer(who.certificate, load_private_key(who.private_pkcs8)),
        [CONTENT],
        detached=True,
        at=AT,
    )
    check = verify_signer(only_signer(cms), [CONTENT], who.certificate)
    assert check == Check(digest_matches=True, signature_matches=True, weak="rsa-1024")
