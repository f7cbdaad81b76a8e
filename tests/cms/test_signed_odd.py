"""SignedData that nobody should have written: each oddness is told or refused."""

import pytest

from app.cms import algorithms, der, schemes
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.cms.keys import identity_of
from app.cms.signed import Check, parse_signed, verify_signer
from app.cms.signing import content_info
from tests.cms.identities import CONTENT, identity, key, signer
from tests.cms.parts import SignedParts, only_signer, signed
from tests.testpki import ca
from tests.timing import own_time

GOOD = Check(digest_matches=True, signature_matches=True)


def test_parts_make_the_whole() -> None:
    cms = signed()
    assert SignedParts(cms).build() == cms


def test_nobody_may_have_signed() -> None:  # T44
    parts = SignedParts(signed())
    cms = content_info("signed", [*parts.before, parts.certificates, der.tlv(der.SET)])
    assert parse_signed(cms).signers == ()


def test_several_signers_are_all_there() -> None:  # T43
    parts = SignedParts(signed())
    assert len(parse_signed(parts.build(*[parts.signer_info()] * 2)).signers) == 2
    with pytest.raises(TooLarge):
        parse_signed(parts.build(*[parts.signer_info()] * 50))


@pytest.mark.parametrize("name", ["content-type", "message-digest"])
def test_a_missing_attribute_is_a_problem(name: str) -> None:  # T42
    parts = SignedParts(signed())
    parts.attributes = [
        one for one in parts.attributes if algorithms.ATTRIBUTE_DER[name] not in one
    ]
    assert only_signer(parts.build()).problems == (f"{name}-missing",)


@pytest.mark.parametrize(
    "name",
    ["content-type", "message-digest", "signing-time", "capabilities", "encryption-preference"],
)
def test_a_doubled_attribute_is_a_problem(name: str) -> None:  # T42
    parts = SignedParts(signed())
    parts.attributes += [one for one in parts.attributes if algorithms.ATTRIBUTE_DER[name] in one]
    assert f"{name}-doubled" in only_signer(parts.build()).problems


@pytest.mark.parametrize("values", [b"", b"\x05\x00", b"\x04\x01a\x04\x01b"])
def test_an_attribute_has_one_value_of_its_type(values: bytes) -> None:
    parts = SignedParts(signed())
    oid = algorithms.ATTRIBUTE_DER["message-digest"]
    parts.attributes = [one for one in parts.attributes if oid not in one]
    parts.attributes.append(der.tlv(der.SEQUENCE, oid, der.tlv(der.SET, values)))
    info = only_signer(parts.build())
    assert info.problems == ("message-digest-malformed",)
    assert not verify_signer(info, [CONTENT], identity().certificate).digest_matches


def test_unknown_attributes_say_nothing() -> None:
    parts = SignedParts(signed())
    unknown = der.tlv(der.SEQUENCE, bytes.fromhex("06032a0304"), der.tlv(der.SET, b"\x05\x00"))
    parts.attributes += [unknown, unknown]
    assert only_signer(parts.build()).problems == ()


def test_attributes_in_another_order_verify() -> None:
    parts = SignedParts(signed())
    parts.attributes.reverse()
    assert verify_signer(only_signer(parts.build()), [CONTENT], identity().certificate) == GOOD


def test_a_signature_over_the_content_itself_says_so() -> None:  # T42
    for kind in ("rsa2048", "p256", "ed25519"):
        parts = SignedParts(signed(kind=kind))
        signature = schemes.sign(key(kind), signer(kind).signature, CONTENT)
        parts.attributes = []
        parts.tail[1] = der.tlv(der.OCTET_STRING, signature)
        info = only_signer(parts.build())
        assert info.problems == ("signed-attributes-missing",)
        assert verify_signer(info, [CONTENT], identity(kind).certificate) == GOOD
        assert not verify_signer(info, [b"other"], identity(kind).certificate).signature_matches


def test_the_attributes_are_no_content() -> None:  # T42
    info = only_signer(signed())
    parts = SignedParts(signed())
    parts.attributes = []
    assert info.signed_attrs is not None
    bare = only_signer(parts.build())
    check = verify_signer(bare, [info.signed_attrs], identity().certificate)
    # The signature is over these octets, as content without attributes: only the problem tells.
    assert check.signature_matches
    assert bare.problems == ("signed-attributes-missing",)


def test_a_digest_that_is_not_declared_is_a_problem() -> None:
    parts = SignedParts(signed())
    parts.before[1] = der.tlv(der.SET)
    assert only_signer(parts.build()).problems == ("digest-undeclared",)


def test_two_digests_in_one_signer_are_unsupported() -> None:
    parts = SignedParts(signed())
    parts.head[2] = algorithms.identifier(algorithms.DIGESTS["sha512"].oid)
    info = only_signer(parts.build())
    assert "algorithm-unsupported" in info.problems
    assert verify_signer(info, [CONTENT], identity().certificate).problem


@pytest.mark.parametrize("place", [0, 1])
def test_unknown_algorithms_are_named(place: int) -> None:
    parts = SignedParts(signed())
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
    parts = SignedParts(signed(kind="rsa2048"))
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
    parts = SignedParts(signed())
    ski = identity_of(identity().certificate).ski
    parts.head[0] = der.integer(3)
    parts.head[1] = der.tlv(0x80, ski)
    info = only_signer(parts.build())
    assert (info.issuer_der, info.serial, info.ski) == (b"", 0, ski)
    assert info.names(identity().certificate)
    assert not info.names(identity("rsa2048").certificate)
    assert verify_signer(info, [CONTENT], identity().certificate) == GOOD


def test_unsigned_attributes_say_nothing() -> None:
    parts = SignedParts(signed())
    cms = parts.build(parts.signer_info(der.tlv(der.CONTEXT_1, b"\x05\x00")))
    assert only_signer(cms).problems == ()


def test_other_kinds_of_certificates_are_left_out() -> None:
    parts = SignedParts(signed())
    attribute_certificate = der.tlv(der.CONTEXT_2, b"\x05\x00")
    inner = der.read_one(parts.certificates, der.CONTEXT_0)
    parts.certificates = der.tlv(der.CONTEXT_0, inner.value, attribute_certificate)
    assert len(parse_signed(parts.build()).certificates) == 2


def test_too_many_attributes_are_too_large() -> None:  # T107
    parts = SignedParts(signed())
    parts.attributes *= 100
    with pytest.raises(TooLarge):
        parse_signed(parts.build())


def test_a_bag_of_large_certificates_takes_no_time() -> None:  # T106
    parts = SignedParts(signed())
    large = der.tlv(der.SEQUENCE, b"\x05\x00" * 199_000)
    parts.certificates = der.tlv(der.CONTEXT_0, *[large] * 50)
    with own_time() as own:
        data = parse_signed(parts.build())
        for certificate in data.certificates:
            with pytest.raises(TooLarge):
                data.signers[0].names(certificate)
    assert own.seconds < 2


def test_content_of_another_type_is_unsupported() -> None:
    parts = SignedParts(signed())
    encap = der.tlv(
        der.SEQUENCE,
        algorithms.CONTENT_TYPE_DER["data"],
        der.tlv(der.CONTEXT_0, der.tlv(der.SEQUENCE)),
    )
    parts.before[2] = encap
    with pytest.raises(UnsupportedCms):
        parse_signed(parts.build())


def test_the_content_type_is_named() -> None:
    parts = SignedParts(signed())
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


def test_what_is_no_certificate_is_malformed() -> None:
    parts = SignedParts(signed())
    parts.certificates = der.tlv(der.CONTEXT_0, b"\x05\x00")
    with pytest.raises(MalformedCms):
        parse_signed(parts.build())


def test_digest_algorithms_are_counted() -> None:  # T107
    parts = SignedParts(signed())
    parts.before[1] = der.tlv(der.SET, algorithms.identifier("1.2.3") * 51)
    with pytest.raises(TooLarge):
        parse_signed(parts.build())


def test_an_unknown_digest_under_rsa_is_a_problem() -> None:
    parts = SignedParts(signed(kind="rsa2048"))
    parts.head[2] = algorithms.identifier("1.2.840.113549.2.4")  # MD4
    info = only_signer(parts.build())
    assert "algorithm-unsupported" in info.problems
    check = verify_signer(info, [CONTENT], identity("rsa2048").certificate)
    assert (check.digest_matches, check.signature_matches) == (False, False)
    assert check.problem


def test_another_kind_of_object_is_malformed() -> None:
    with pytest.raises(MalformedCms):
        parse_signed(content_info("enveloped", []))
