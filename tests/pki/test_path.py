"""Certification paths: who is trusted, and why not (T45, T53-T57, T110)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from app.pki.certificate import Certificate
from app.pki.reasons import (
    MALFORMED,
    NO_PATH,
    NOT_A_CA,
    NOT_FOR_MAIL,
    PATH_LENGTH,
    POLICY,
    SELF_SIGNED,
    UNKNOWN_CRITICAL,
    WEAK_ALGORITHM,
)
from tests.pki.asking import ROOT, STRANGER, SUB, codes, path_of
from tests.pki.weak import sha1_certificate
from tests.testpki import (
    AT,
    TestCA,
    ca,
    dn,
    key_usage,
    private_key,
)


def test_path_leads_from_leaf_to_anchor() -> None:
    alice = SUB.issue("alice@example.org")
    result = path_of(alice, ROOT)
    assert result.status == "trusted"
    assert [each.der for each in result.path] == [
        alice.certificate,
        SUB.certificate,
        ROOT.certificate,
    ]
    assert result.reasons == ()
    assert result.revocation == "not-checked"


@pytest.mark.parametrize(
    "kind",
    ["rsa2048", "rsa2048-e3", "rsa3072", "p256", "p384", "p521", "brainpool256", "brainpool384",
     "brainpool512", "ed25519", "ed448", "mldsa44", "mldsa65", "mldsa87"],
)  # fmt: skip
def test_authority_may_have_any_strong_key(kind: str) -> None:
    root = ca(f"Kind {kind}", key=kind)
    sub = ca(f"Kind Sub {kind}", root, key=kind)
    assert path_of(sub.issue("alice@example.org"), root).status == "trusted"


def test_authority_may_sign_with_pss() -> None:
    root = ca("PSS", key="rsa2048", pss=True)
    sub = ca("PSS Sub", root, key="rsa2048", pss=True)
    assert path_of(sub.issue("a@example.org", pss=True), root).status == "trusted"


def test_certificates_may_come_in_any_order_with_strangers_among_them() -> None:  # RFC 8550 §2.3
    deep = ca("Deep", ca("Middle", SUB))
    alice = deep.issue("alice@example.org")
    pool = (STRANGER.certificate, *reversed(alice.chain), ROOT.certificate, alice.certificate)
    assert path_of(alice, ROOT, others=pool).status == "trusted"


NOT_TRUSTED = [
    ("unknown authority", lambda: (STRANGER.issue("a@example.org"), (ROOT,)), [NO_PATH]),
    ("missing intermediate", lambda: (replace(SUB.issue("a@b.org"), chain=()), (ROOT,)), [NO_PATH]),
    ("no anchors at all", lambda: (SUB.issue("a@example.org"), ()), [NO_PATH]),
    ("self-signed", lambda: (ca("Solo", is_ca=None, usage=None).identity, (ROOT,)), [SELF_SIGNED]),
]


@pytest.mark.parametrize(("name", "make", "expected"), NOT_TRUSTED)
def test_without_a_path_nothing_is_trusted(name: str, make: object, expected: list[str]) -> None:
    identity, roots = make()  # type: ignore[operator]
    result = path_of(identity, *roots)
    assert result.status == "untrusted"
    assert codes(result) == expected
    assert result.path == ()


def test_authority_that_would_lead_further_is_named() -> None:
    alice = SUB.issue("a@example.org")
    missing_sub, missing_root = path_of(alice, STRANGER, others=()), path_of(alice, STRANGER)
    assert missing_sub.reasons == (f"{NO_PATH}: CN=Path Sub",)
    assert missing_root.reasons == (f"{NO_PATH}: CN=Path Root",)
    with_root = path_of(alice, STRANGER, others=(SUB.certificate, ROOT.certificate))
    assert with_root.reasons == missing_root.reasons


def test_self_signed_leaf_is_not_trusted_for_being_an_anchor() -> None:  # T45
    solo = ca("Solo Anchor", is_ca=None, usage=None)
    assert path_of(solo.identity, solo).status == "untrusted"


def test_name_of_an_anchor_is_not_enough() -> None:
    # An attacker's authority with the name of a real one, in the message beside it.
    fake = ca("Path Root", private=private_key("p256", "fake"))
    assert (
        path_of(fake.issue("a@example.org"), ROOT, others=(fake.certificate,)).status == "untrusted"
    )


def test_leaf_is_no_authority() -> None:  # CVE-2002-0862 and its children
    alice = SUB.issue("alice@example.org", key="p256")
    rogue = TestCA(dn("alice"), alice.key, SUB, "")
    rogue.certificate = alice.certificate
    result = path_of(rogue.issue("victim@example.org"), ROOT)
    assert result.status == "untrusted"
    assert codes(result) == [NOT_A_CA]


BAD_AUTHORITIES = [
    ("no basicConstraints", {"is_ca": None, "usage": None}, NOT_A_CA),
    ("cA is false", {"is_ca": False, "usage": None}, NOT_A_CA),
    ("no keyCertSign", {"usage": ("crl_sign",)}, NOT_A_CA),
    ("cA is false with keyCertSign", {"is_ca": False}, MALFORMED),
    ("no name", {"name": x509.Name([])}, MALFORMED),
    ("SHA-1", {"digest": "sha1"}, WEAK_ALGORITHM),
    ("RSA 1024", {"key": "rsa1024"}, WEAK_ALGORITHM),
    ("P-192", {"key": "p192"}, WEAK_ALGORITHM),
    (
        "for servers only",
        {"extensions": [(x509.ExtendedKeyUsage([ObjectIdentifier("1.3.6.1.5.5.7.3.1")]), False)]},
        NOT_FOR_MAIL,
    ),
    (
        "unknown critical extension",
        {"extensions": [(x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\5\0"), True)]},
        UNKNOWN_CRITICAL,
    ),
    ("critical SKI", {"extensions": [(x509.SubjectKeyIdentifier(b"12345678"), True)]}, MALFORMED),
]


@pytest.mark.parametrize(("name", "words", "expected"), BAD_AUTHORITIES)
def test_path_through_a_bad_authority_fails(
    name: str, words: dict[str, object], expected: str
) -> None:
    named = {"name": f"Bad {name}", **words}
    if words.get("digest") == "sha1":
        sub = ca("Bad SHA-1", ROOT)
        alice = sub.issue("alice@example.org")
        weak = sha1_certificate(sub)
        result = path_of(alice, ROOT, others=(weak,))
    else:
        sub = ca(parent=ROOT, **named)  # type: ignore[arg-type]
        result = path_of(sub.issue("alice@example.org"), ROOT)
    assert result.status == "untrusted"
    assert codes(result) == [expected]


def test_signature_that_was_changed_leads_nowhere() -> None:
    alice = SUB.issue("alice@example.org")
    broken = bytearray(alice.certificate)
    broken[-1] ^= 1
    result = path_of(replace(alice, certificate=bytes(broken)), ROOT)
    assert codes(result) == [NO_PATH]


def test_the_two_signature_algorithms_must_agree() -> None:
    alice = SUB.issue("alice@example.org")
    sha256, sha384 = b"\x2a\x86\x48\xce\x3d\x04\x03\x02", b"\x2a\x86\x48\xce\x3d\x04\x03\x03"
    head, _, tail = alice.certificate.rpartition(sha256)
    changed = Certificate.from_der(head + sha384 + tail)
    assert changed.anomalies
    assert path_of(replace(alice, certificate=changed.der), ROOT).status == "untrusted"


def test_path_length_is_kept() -> None:  # T55
    short = ca("Short", ROOT, path_length=0)
    below = ca("Below", short)
    assert path_of(short.issue("a@example.org"), ROOT).status == "trusted"
    assert codes(path_of(below.issue("a@example.org"), ROOT)) == [PATH_LENGTH]


def test_path_length_of_the_anchor_is_kept() -> None:
    root = ca("Short Root", path_length=0)
    assert path_of(root.issue("a@example.org"), root).status == "trusted"
    assert codes(path_of(ca("Under", root).issue("a@example.org"), root)) == [PATH_LENGTH]


def test_six_certificates_are_the_longest_path() -> None:
    authority = ROOT
    for number in range(4):
        authority = ca(f"Long {number}", authority)
    assert len(path_of(authority.issue("a@example.org"), ROOT).path) == 6
    assert codes(path_of(ca("Long 5", authority).issue("a@example.org"), ROOT)) == [NO_PATH]


DATES = [
    ("leaf expired", {}, {"days": 10}, timedelta(days=11), "expired"),
    ("leaf not yet valid", {}, {}, timedelta(days=-1), "not-yet-valid"),
    ("authority expired", {"days": 5}, {"days": 10}, timedelta(days=7), "expired"),
    ("all valid", {"days": 5}, {"days": 10}, timedelta(days=5), "trusted"),
]


@pytest.mark.parametrize(("name", "above", "leaf", "after", "status"), DATES)
def test_dates_of_the_whole_path_count(
    name: str, above: dict[str, int], leaf: dict[str, int], after: timedelta, status: str
) -> None:  # T57
    end = AT + timedelta(days=above.get("days", 1000))
    sub = ca(f"Dated {name}", ROOT, not_after=end)
    alice = sub.issue("a@example.org", not_before=AT, **leaf)  # type: ignore[arg-type]
    assert path_of(alice, ROOT, at=AT + after).status == status


def test_expired_anchor_is_no_anchor_any_more() -> None:
    old = ca("Old Root", not_after=AT)
    assert path_of(old.issue("a@example.org"), old, at=AT + timedelta(days=1)).status == "expired"


def test_policy_that_is_required_and_absent_fails() -> None:
    required = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)
    sub = ca("Strict Policy", ROOT, extensions=[(required, True)])
    assert codes(path_of(sub.issue("a@example.org"), ROOT)) == [POLICY]


def test_anchor_without_certificate_signing_is_no_anchor() -> None:
    root = ca("CRL only", usage=("crl_sign",))
    assert codes(path_of(root.issue("a@example.org"), root)) == [NOT_A_CA]


def test_usage_bits_of_the_leaf_are_no_affair_of_the_path() -> None:
    bits = key_usage(("data_encipherment",))
    assert path_of(SUB.issue("a@example.org", extensions=[(bits, True)]), ROOT).status == "trusted"
