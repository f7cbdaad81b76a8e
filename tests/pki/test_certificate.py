"""What a certificate says for itself: addresses, usage, strength, dates."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cms.certs_only import build_certs_only
from app.pki.certificate import Certificate, load_certificates
from app.pki.errors import MalformedCertificate
from app.pki.reasons import (
    EXPIRED,
    IS_CA,
    MALFORMED,
    NOT_FOR_ENCRYPTION,
    NOT_FOR_MAIL,
    NOT_FOR_SIGNING,
    NOT_YET_VALID,
    UNKNOWN_CRITICAL,
    UNSUPPORTED_KEY,
    WEAK_KEY,
    code_of,
)
from tests.testpki import AT, ca, dn, key_usage, pem

ROOT = ca("Certificate Root")


def codes(reasons: tuple[str, ...]) -> list[str]:
    return [code_of(each) for each in reasons]


def issue(*words: object, **more: object) -> Certificate:
    return Certificate.from_der(ROOT.issue(*words, **more).certificate)  # type: ignore[arg-type]


def test_plain_values_are_read() -> None:
    identity = ROOT.issue("Alice@Example.ORG", key="rsa2048", serial=4711)
    certificate = Certificate.from_der(identity.certificate)
    assert certificate.subject == "CN=Alice"
    assert certificate.issuer == "CN=Certificate Root"
    assert certificate.serial == 4711
    assert certificate.addresses == ("alice@example.org",)
    assert certificate.key_kind == "rsa-2048"
    assert certificate.key_usage == frozenset(("digital_signature", "key_encipherment"))
    assert not certificate.is_ca
    assert not certificate.is_self_signed
    assert certificate.aki == Certificate.from_der(ROOT.certificate).ski
    assert certificate.not_before == datetime(2024, 1, 1, tzinfo=UTC)


def test_root_is_a_self_signed_authority() -> None:
    root = Certificate.from_der(ROOT.certificate)
    assert root.is_ca
    assert root.is_self_signed


def test_same_octets_are_the_same_certificate() -> None:
    first, second = issue("a@example.org"), issue("b@example.org")
    assert Certificate.from_der(first.der) is first
    assert first != second
    assert len({first, second, Certificate.from_der(second.der)}) == 2


KINDS = [
    # kind of the test key, key_kind, may sign, may be encrypted to
    ("rsa2048", "rsa-2048", True, True),
    ("rsa2048-e3", "rsa-2048", True, True),
    ("rsa3072", "rsa-3072", True, True),
    ("p256", "ec-p256", True, True),
    ("p384", "ec-p384", True, True),
    ("p521", "ec-p521", True, True),
    ("brainpool256", "ec-brainpoolp256r1", True, True),
    ("brainpool512", "ec-brainpoolp512r1", True, True),
    ("ed25519", "ed25519", True, False),
    ("ed448", "ed448", True, False),
    ("mldsa44", "ml-dsa-44", True, False),
    ("mldsa65", "ml-dsa-65", True, False),
    ("mldsa87", "ml-dsa-87", True, False),
    ("x25519", "x25519", False, True),
    ("x448", "x448", False, True),
    ("mlkem768", "ml-kem-768", False, True),
    ("mlkem1024", "ml-kem-1024", False, True),
]


@pytest.mark.parametrize(("kind", "expected", "signs", "encrypts"), KINDS)
def test_each_kind_of_key_does_what_it_can(
    kind: str, expected: str, signs: bool, encrypts: bool
) -> None:
    certificate = issue("kinds@example.org", key=kind)
    assert certificate.key_kind == expected
    assert (codes(certificate.signing_problems(AT)) == []) is signs
    assert (codes(certificate.encryption_problems(AT)) == []) is encrypts


WEAK = [("rsa1024", "rsa-1024"), ("p192", "ec-secp192r1")]  # T56


@pytest.mark.parametrize(("kind", "expected"), WEAK)
def test_weak_key_is_named_and_refused(kind: str, expected: str) -> None:
    certificate = issue("weak@example.org", key=kind)
    assert certificate.key_kind == expected
    assert codes(certificate.signing_problems(AT)) == [WEAK_KEY]
    assert codes(certificate.encryption_problems(AT)) == [WEAK_KEY]


# (keyUsage, extKeyUsage, problems for signing, problems for encryption) with an RSA key: T53.
RSA_USAGES = [
    (None, None, [], []),
    (None, ["email_protection"], [], []),
    (None, ["any_extended_key_usage"], [], []),
    (None, ["server_auth"], [NOT_FOR_MAIL], [NOT_FOR_MAIL]),
    (None, ["code_signing", "client_auth"], [NOT_FOR_MAIL], [NOT_FOR_MAIL]),
    (None, ["server_auth", "email_protection"], [], []),
    (["digital_signature"], None, [], [NOT_FOR_ENCRYPTION]),
    (["content_commitment"], None, [], [NOT_FOR_ENCRYPTION]),
    (["key_encipherment"], None, [NOT_FOR_SIGNING], []),
    (["data_encipherment"], None, [NOT_FOR_SIGNING], [NOT_FOR_ENCRYPTION]),
    (["key_agreement"], None, [NOT_FOR_SIGNING], [NOT_FOR_ENCRYPTION]),
    (["digital_signature", "key_encipherment"], None, [], []),
    (["crl_sign"], None, [NOT_FOR_SIGNING], [NOT_FOR_ENCRYPTION]),
]


@pytest.mark.parametrize(("usage", "extended", "signing", "encryption"), RSA_USAGES)
def test_usage_of_an_rsa_certificate(
    usage: list[str] | None, extended: list[str] | None, signing: list[str], encryption: list[str]
) -> None:
    certificate = issue("usage@example.org", key="rsa2048", usage=usage, extended=extended)
    assert codes(certificate.signing_problems(AT)) == signing
    assert codes(certificate.encryption_problems(AT)) == encryption


def test_curve_needs_key_agreement_and_not_key_encipherment() -> None:
    # behaviour.md, Usable for encryption: CA/B S/MIME BR 7.1.2.3.
    agreement = issue("ec@example.org", usage=["digital_signature", "key_agreement"])
    encipherment = issue("ec@example.org", usage=["digital_signature", "key_encipherment"])
    assert agreement.encryption_problems(AT) == ()
    assert codes(encipherment.encryption_problems(AT)) == [NOT_FOR_ENCRYPTION]


def test_authority_neither_signs_nor_gets_mail() -> None:  # T53
    root = Certificate.from_der(ROOT.certificate)
    assert IS_CA in codes(root.signing_problems(AT))
    assert IS_CA in codes(root.encryption_problems(AT))


DATES = [
    (timedelta(seconds=-1), [NOT_YET_VALID]),
    (timedelta(0), []),
    (timedelta(days=10), []),
    (timedelta(days=10, microseconds=999_999), []),
    (timedelta(days=10, seconds=1), [EXPIRED]),
]


@pytest.mark.parametrize(("after", "expected"), DATES)
def test_both_ends_of_the_validity_are_included(after: timedelta, expected: list[str]) -> None:
    certificate = issue("dates@example.org", not_before=AT, days=10)  # T57
    assert codes(certificate.signing_problems(AT + after)) == expected


def test_unknown_critical_extension_is_a_problem() -> None:  # T54
    unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\0")
    assert issue("c@example.org", extensions=[(unknown, False)]).signing_problems(AT) == ()
    certificate = issue("c@example.org", extensions=[(unknown, True)])
    assert certificate.signing_problems(AT) == (f"{UNKNOWN_CRITICAL}: 1.3.6.1.4.1.99999.1",)


ANOMALIES = [
    (x509.SubjectKeyIdentifier(b"12345678"), True),
    (key_usage(("digital_signature", "key_cert_sign")), True),
    (x509.NameConstraints([x509.RFC822Name("example.org")], None), True),
]


@pytest.mark.parametrize(("extension", "critical"), ANOMALIES, ids=lambda each: type(each).__name__)
def test_what_the_profile_forbids_is_refused(extension: x509.ExtensionType, critical: bool) -> None:
    certificate = issue("odd@example.org", extensions=[(extension, critical)])
    assert MALFORMED in codes(certificate.signing_problems(AT))
    assert certificate.addresses == ("odd@example.org",)


def test_curve_that_is_spelled_out_is_unsupported() -> None:  # T109, CVE-2020-0601
    from app.pki import spki

    named = issue("curve@example.org").spki
    oid = bytes.fromhex("06082a8648ce3d030107")
    assert oid in named
    # The explicit parameters of P-256, which OpenSSL would take for the named curve.
    explicit = bytes.fromhex(
        "3081f7020101302c06072a8648ce3d0101022100ffffffff00000001000000000000000000000000ff"
        "ffffffffffffffffffffff305b0420ffffffff00000001000000000000000000000000ffffffffffff"
        "fffffffffffc04205ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b03"
        "1500c49d360886e704936a6678e1139d26b7819f7e900441046b17d1f2e12c4247f8bce6e563a440f2"
        "77037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececb"
        "b6406837bf51f5022100ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc6325"
        "51020101"
    )
    algorithm = bytes.fromhex("06072a8648ce3d0201") + explicit
    body = b"\x30\x82" + len(algorithm).to_bytes(2, "big") + algorithm + named[-68:]
    kind, problem = spki.describe(b"\x30\x82" + len(body).to_bytes(2, "big") + body)
    assert kind == spki.UNSUPPORTED
    assert problem


def test_unloadable_key_is_unsupported_and_its_certificate_still_parses() -> None:
    certificate = issue("point@example.org")
    point = certificate.spki[-64:]
    broken = certificate.der.replace(point, bytes(64))
    parsed = Certificate.from_der(broken)
    assert parsed.key_kind == "unsupported"
    assert codes(parsed.signing_problems(AT))[0] == UNSUPPORTED_KEY
    assert parsed.addresses == ("point@example.org",)


def test_capabilities_of_the_certificate_are_read() -> None:  # RFC 4262
    octets = bytes.fromhex("300d300b060960864801650304012a")
    extension = x509.UnrecognizedExtension(ObjectIdentifier("1.2.840.113549.1.9.15"), octets)
    assert issue("c@example.org", extensions=[(extension, False)]).capabilities == ("aes256-cbc",)
    assert issue("c@example.org").capabilities == ()


def test_files_of_certificates_are_read() -> None:
    one, two = ROOT.issue("one@example.org"), ROOT.issue("two@example.org")
    both = (Certificate.from_der(one.certificate), Certificate.from_der(two.certificate))
    bundle = build_certs_only([one.certificate, two.certificate])
    assert load_certificates(one.certificate) == both[:1]
    assert load_certificates(b"Bag attributes\n" + one.pem + b"text\r\n" + two.pem) == both
    assert load_certificates(one.pem.replace(b"\n", b"\r\n")) == both[:1]
    assert load_certificates(one.pem + one.key_pem + one.pem) == both[:1]
    assert set(load_certificates(bundle)) == set(both)
    assert set(load_certificates(pem(bundle, "PKCS7"))) == set(both)
    assert Certificate.from_pem(one.pem) == both[0]


NO_CERTIFICATES = [
    b"",
    b"hello",
    b"0",
    b"\x30\x82\xff\xff",
    b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
    b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
    b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
    b"-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n",
    pem(b"\x30\x80\0\0"),
    bytes(300_000),
]


@pytest.mark.parametrize("octets", NO_CERTIFICATES)
def test_file_without_a_certificate_is_refused_in_one_line(octets: bytes) -> None:
    with pytest.raises(MalformedCertificate) as caught:
        load_certificates(octets)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_signature_that_is_not_whole_octets_is_refused() -> None:
    place = ROOT.certificate.rindex(b"\x30", 0, -60) - 1
    assert ROOT.certificate[place] == 0
    changed = ROOT.certificate[:place] + b"\1" + ROOT.certificate[place + 1 :]
    assert MALFORMED in codes(Certificate.from_der(changed).signing_problems(AT))


def test_trailing_octets_are_refused() -> None:
    with pytest.raises(MalformedCertificate):
        Certificate.from_der(ROOT.certificate + b"\0")


def test_name_with_control_characters_is_shown_on_one_line() -> None:
    certificate = issue("n@example.org", subject=dn("evil\r\nX-Injected: yes\u202e"))
    assert certificate.subject.isprintable()
    assert "\n" not in certificate.subject


def test_thousand_addresses_are_read_quickly() -> None:  # T52
    addresses = [f"user{number}@example.org" for number in range(1000)]
    assert len(issue(addresses).addresses) == 1000


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_no_octets_raise_but_malformed_certificate(octets: bytes) -> None:
    for candidate in (octets, b"\x30" + bytes([len(octets) % 128]) + octets):
        with suppress(MalformedCertificate):
            load_certificates(candidate)


SAMPLE = ROOT.issue(["fuzz@example.org", "ü@example.org"]).certificate


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=4
    )
)
def test_no_changed_certificate_raises_but_malformed_certificate(
    changes: list[tuple[int, int]],
) -> None:
    octets = bytearray(SAMPLE)
    for place, value in changes:
        octets[place] = value
    try:
        certificate = Certificate.from_der(bytes(octets))
    except MalformedCertificate:
        return
    certificate.signing_problems(AT)
    certificate.encryption_problems(AT)
