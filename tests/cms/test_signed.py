import time
from datetime import UTC, datetime

import pytest

from app.cms import algorithms, der, schemes
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.cms.keys import identity_of, load_private_key
from app.cms.signed import Check, SignerInfo, build_signed, micalg, parse_signed, verify_signer
from app.cms.signing import Signer, content_info
from tests.cms.identities import CONTENT, SIGNING_KEYS, identity, key, signer
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


def signed(*, detached: bool = False, kind: str = "p256", scheme: str = "") -> bytes:
    return build_signed(signer(kind, scheme), [CONTENT], detached=detached, at=AT)


def only_signer(cms: bytes) -> SignerInfo:
    (info,) = parse_signed(cms).signers
    return info


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


class Parts:
    """A SignedData taken apart, to put it together wrongly."""

    def __init__(self, cms: bytes) -> None:
        body = der.read_one(cms, der.SEQUENCE)
        body.identifier()
        data = body.take(der.CONTEXT_0).take(der.SEQUENCE)
        self.before = [data.next().whole for _ in range(3)]
        self.certificates = data.take(der.CONTEXT_0).whole
        info = data.take(der.SET).take(der.SEQUENCE)
        self.head = [info.next().whole for _ in range(3)]
        signed_attrs = info.take(der.CONTEXT_0)
        self.attributes = []
        while signed_attrs.peek() >= 0:
            self.attributes.append(signed_attrs.next().whole)
        self.tail = [info.next().whole for _ in range(2)]

    def signer_info(self, *more: bytes) -> bytes:
        attributes = der.tlv(der.CONTEXT_0, *self.attributes) if self.attributes else b""
        return der.tlv(der.SEQUENCE, *self.head, attributes, *self.tail, *more)

    def build(self, *signers: bytes) -> bytes:
        signers = signers or (self.signer_info(),)
        infos = der.tlv(der.SET, *signers)
        return content_info("signed", [*self.before, self.certificates, infos])


def test_parts_make_the_whole() -> None:
    cms = signed()
    assert Parts(cms).build() == cms


def test_nobody_may_have_signed() -> None:  # T44
    parts = Parts(signed())
    cms = content_info("signed", [*parts.before, parts.certificates, der.tlv(der.SET)])
    assert parse_signed(cms).signers == ()


def test_several_signers_are_all_there() -> None:  # T43
    parts = Parts(signed())
    assert len(parse_signed(parts.build(*[parts.signer_info()] * 2)).signers) == 2
    with pytest.raises(TooLarge):
        parse_signed(parts.build(*[parts.signer_info()] * 50))


@pytest.mark.parametrize("name", ["content-type", "message-digest"])
def test_a_missing_attribute_is_a_problem(name: str) -> None:  # T42
    parts = Parts(signed())
    parts.attributes = [
        one for one in parts.attributes if algorithms.ATTRIBUTE_DER[name] not in one
    ]
    assert only_signer(parts.build()).problems == (f"{name}-missing",)


@pytest.mark.parametrize(
    "name",
    ["content-type", "message-digest", "signing-time", "capabilities", "encryption-preference"],
)
def test_a_doubled_attribute_is_a_problem(name: str) -> None:  # T42
    parts = Parts(signed())
    parts.attributes += [one for one in parts.attributes if algorithms.ATTRIBUTE_DER[name] in one]
    assert f"{name}-doubled" in only_signer(parts.build()).problems


@pytest.mark.parametrize("values", [b"", b"\x05\x00", b"\x04\x01a\x04\x01b"])
def test_an_attribute_has_one_value_of_its_type(values: bytes) -> None:
    parts = Parts(signed())
    oid = algorithms.ATTRIBUTE_DER["message-digest"]
    parts.attributes = [one for one in parts.attributes if oid not in one]
    parts.attributes.append(der.tlv(der.SEQUENCE, oid, der.tlv(der.SET, values)))
    info = only_signer(parts.build())
    assert info.problems == ("message-digest-malformed",)
    assert not verify_signer(info, [CONTENT], identity().certificate).digest_matches


def test_unknown_attributes_say_nothing() -> None:
    parts = Parts(signed())
    unknown = der.tlv(der.SEQUENCE, bytes.fromhex("06032a0304"), der.tlv(der.SET, b"\x05\x00"))
    parts.attributes += [unknown, unknown]
    assert only_signer(parts.build()).problems == ()


def test_attributes_in_another_order_verify() -> None:
    parts = Parts(signed())
    parts.attributes.reverse()
    assert verify_signer(only_signer(parts.build()), [CONTENT], identity().certificate) == GOOD


def test_a_signature_over_the_content_itself_says_so() -> None:  # T42
    for kind in ("rsa2048", "p256", "ed25519"):
        parts = Parts(signed(kind=kind))
        signature = schemes.sign(key(kind), signer(kind).signature, CONTENT)
        parts.attributes = []
        parts.tail[1] = der.tlv(der.OCTET_STRING, signature)
        info = only_signer(parts.build())
        assert info.problems == ("signed-attributes-missing",)
        assert verify_signer(info, [CONTENT], identity(kind).certificate) == GOOD
        assert not verify_signer(info, [b"other"], identity(kind).certificate).signature_matches


def test_the_attributes_are_no_content() -> None:  # T42
    info = only_signer(signed())
    parts = Parts(signed())
    parts.attributes = []
    assert info.signed_attrs is not None
    bare = only_signer(parts.build())
    check = verify_signer(bare, [info.signed_attrs], identity().certificate)
    # The signature is over these octets, as content without attributes: only the problem tells.
    assert check.signature_matches
    assert bare.problems == ("signed-attributes-missing",)


def test_a_digest_that_is_not_declared_is_a_problem() -> None:
    parts = Parts(signed())
    parts.before[1] = der.tlv(der.SET)
    assert only_signer(parts.build()).problems == ("digest-undeclared",)


def test_two_digests_in_one_signer_are_unsupported() -> None:
    parts = Parts(signed())
    parts.head[2] = algorithms.identifier(algorithms.DIGESTS["sha512"].oid)
    info = only_signer(parts.build())
    assert "algorithm-unsupported" in info.problems
    assert verify_signer(info, [CONTENT], identity().certificate).problem


@pytest.mark.parametrize("place", [0, 1])
def test_unknown_algorithms_are_named(place: int) -> None:
    parts = Parts(signed())
    unknown = algorithms.identifier("1.2.3.4")
    if place:
        parts.tail[0] = unknown
    else:
        parts.head[2] = unknown
    info = only_signer(parts.build())
    assert "algorithm-unsupported" in info.problems
    assert "1.2.3.4" in {info.digest, info.scheme}
    assert verify_signer(info, [CONTENT], identity().certificate).problem


@pytest.mark.parametrize("digest", ["sha1", "md5"])
def test_weak_digests_are_named(digest: str) -> None:
    parts = Parts(signed(kind="rsa2048"))
    parts.head[2] = algorithms.identifier(algorithms.DIGESTS[digest].oid, algorithms.DER_NULL)
    info = only_signer(parts.build())
    assert info.weak == digest
    assert info.scheme == f"rsa-{digest}"


def test_another_certificate_of_the_same_key_is_a_problem() -> None:
    again = ca("Twin").issue("alice@example.org", private=identity().key)
    check = verify_signer(only_signer(signed()), [CONTENT], again.certificate)
    assert check.signature_matches
    assert check.problem == "signing-certificate-differs"


def test_a_signer_is_found_by_his_key_identifier() -> None:
    parts = Parts(signed())
    ski = identity_of(identity().certificate).ski
    parts.head[0] = der.integer(3)
    parts.head[1] = der.tlv(0x80, ski)
    info = only_signer(parts.build())
    assert (info.issuer_der, info.serial, info.ski) == (b"", 0, ski)
    assert info.names(identity().certificate)
    assert not info.names(identity("rsa2048").certificate)
    assert verify_signer(info, [CONTENT], identity().certificate) == GOOD


def test_unsigned_attributes_say_nothing() -> None:
    parts = Parts(signed())
    cms = parts.build(parts.signer_info(der.tlv(der.CONTEXT_1, b"\x05\x00")))
    assert only_signer(cms).problems == ()


def test_other_kinds_of_certificates_are_left_out() -> None:
    parts = Parts(signed())
    attribute_certificate = der.tlv(der.CONTEXT_2, b"\x05\x00")
    inner = der.read_one(parts.certificates, der.CONTEXT_0)
    parts.certificates = der.tlv(der.CONTEXT_0, inner.value, attribute_certificate)
    assert len(parse_signed(parts.build()).certificates) == 2


def test_too_many_attributes_are_too_large() -> None:  # T107
    parts = Parts(signed())
    parts.attributes *= 100
    with pytest.raises(TooLarge):
        parse_signed(parts.build())


def test_a_bag_of_large_certificates_takes_no_time() -> None:  # T106
    parts = Parts(signed())
    large = der.tlv(der.SEQUENCE, b"\x05\x00" * 199_000)
    parts.certificates = der.tlv(der.CONTEXT_0, *[large] * 50)
    start = time.process_time()
    data = parse_signed(parts.build())
    for certificate in data.certificates:
        with pytest.raises(TooLarge):
            data.signers[0].names(certificate)
    assert time.process_time() - start < 2


def test_content_of_another_type_is_unsupported() -> None:
    parts = Parts(signed())
    encap = der.tlv(
        der.SEQUENCE,
        algorithms.CONTENT_TYPE_DER["data"],
        der.tlv(der.CONTEXT_0, der.tlv(der.SEQUENCE)),
    )
    parts.before[2] = encap
    with pytest.raises(UnsupportedCms):
        parse_signed(parts.build())


def test_the_content_type_is_named() -> None:
    parts = Parts(signed())
    parts.before[2] = der.tlv(der.SEQUENCE, algorithms.CONTENT_TYPE_DER["enveloped"])
    assert parse_signed(parts.build()).content_type == "enveloped"


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_a_signed_data_that_is_cut_short_is_malformed(cut: int) -> None:
    cms = signed()
    with pytest.raises(MalformedCms):
        parse_signed(cms[: len(cms) * cut // 400])


def test_nothing_may_stand_behind_it() -> None:
    with pytest.raises(MalformedCms):
        parse_signed(signed() + b"\x00")
