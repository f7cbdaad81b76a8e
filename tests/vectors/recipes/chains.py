"""Certification paths: complete, broken, confined, revoked."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from asn1crypto import cms as asn1
from asn1crypto import crl

from tests.forgery import structure
from tests.forgery.makers import ALICE, authority, edited, head, root, with_certificates
from tests.testpki import AT, TestCA, TestIdentity, ca, private_key
from tests.vectors.recipes.case import CLEAR, ENTITY, Case

_WORDS = {
    "c4-unknown-ca": "A root that nobody trusts.",
    "c4-issued-by-a-leaf": "Issued by an end entity.",
    "c4-not-yet": "The certificate begins tomorrow.",
    "c4-server-usage": "A certificate for servers only.",
    "c4-encryption-only": "A certificate for encryption only.",
    "c4-is-a-ca": "A certification authority that signs mail itself.",
    "c4-critical": "A critical extension that nobody knows.",
}


def cases() -> Iterator[Case]:
    alice = CLEAR.alice
    absent = ca("Absent Issuing", root()).issue(ALICE)
    bare = with_certificates(CLEAR.cms(ENTITY, absent), (absent.certificate,))
    long = _below(3)
    yield _case("complete", "The path is in the message.", alice, "valid")
    with_root = with_certificates(CLEAR.cms(ENTITY), (alice.root, *alice.chain, alice.certificate))
    yield _of("with-root", "The root is in the message, too, and comes first.", with_root, "valid")
    yield _of("intermediate-missing", "The issuing certificate is missing.", bare, "untrusted")
    yield _case("three-intermediates", "A longer path.", long, "valid")
    turned = (*reversed(long.chain), long.certificate)
    reversed_bag = with_certificates(CLEAR.cms(ENTITY, long), turned)
    yield _of("reversed", "The certificates stand in the reverse order.", reversed_bag, "valid")
    directly = root().issue(ALICE)
    yield _case("directly-below-root", "Issued by the root itself.", directly, "valid")
    yield from _times()
    yield from _constraints()
    yield from _revoked()
    for name, identity in structure.strangers(CLEAR):
        if name in _WORDS:
            label = name.removeprefix("c4-")
            yield _case(label, _WORDS[name], identity, "untrusted")


def _of(name: str, about: str, cms: bytes, signature: str, openssl: str = "") -> Case:
    octets = CLEAR.mail(head(), ENTITY, cms)
    judged = openssl or ("verify" if signature == "valid" else "reject")
    return Case(name, about, octets, signature, openssl=judged)


def _case(name: str, about: str, who: TestIdentity, signature: str, openssl: str = "") -> Case:
    # OpenSSL is asked about the path alone, not about what the key may be used for.
    may_differ = ("server-usage", "encryption-only", "is-a-ca")
    case = _of(name, about, CLEAR.cms(ENTITY, who), signature, openssl)
    return replace(case, openssl="") if name in may_differ else case


def _below(count: int) -> TestIdentity:
    issuer = root()
    for number in range(count):
        issuer = ca(f"Level {number}", issuer)
    return issuer.issue(ALICE)


def _times() -> Iterator[Case]:
    ending = authority().issue(ALICE, not_after=AT + timedelta(days=1))
    about = "The certificate ended between signing and receipt."
    expired = _case("expired", about, ending, "untrusted")
    yield replace(expired, at=AT + timedelta(days=2))
    about = "The same message, received two days before."
    yield replace(expired, name="not-yet-expired", about=about, signature="valid", openssl="verify")
    issuer = ca("Ended Issuing", root(), not_after=AT - timedelta(days=1))
    about = "The issuer's certificate ended yesterday."
    yield _case("issuer-expired", about, issuer.issue(ALICE), "untrusted")


def _constraints() -> Iterator[Case]:
    for name, about, issuer, status in (
        ("permitted", "Name constraints that permit Alice.",
         ca("Permitting", root(), permitted=("example.org",)), "valid"),
        ("not-permitted", "Name constraints that permit others only.",
         ca("Confined", root(), permitted=("elsewhere.example",)), "untrusted"),
        ("excluded", "Name constraints that exclude Alice's domain.",
         ca("Excluding", root(), excluded=("example.org",)), "untrusted"),
        ("path-too-long", "An authority below one that may have none.",
         ca("Too Deep", ca("Last Level", root(), path_length=0)), "untrusted"),
        ("no-basic-constraints", "An issuer that does not say that it is one.",
         ca("Unsaid", root(), is_ca=None), "untrusted"),
        ("issuer-may-not-sign", "An issuer whose key usage does not allow it.",
         ca("No Usage", root(), usage=("crl_sign",)), "untrusted"),
    ):  # fmt: skip
        yield _case(name, about, issuer.issue(ALICE), status)


def _revoked() -> Iterator[Case]:
    issuer = ca("Revoking", root())
    gone = issuer.issue(ALICE, revoked=AT - timedelta(days=3))
    good = issuer.issue(ALICE)
    about = "The certificate stands on the list in the message."
    yield _listed("revoked", about, issuer, gone, "revoked")
    about = "Another certificate stands on the list in the message."
    yield _listed("list-without-alice", about, issuer, good, "valid")
    forged = ca("Revoking", private=private_key("p256", "other revoking"))
    forged.revoked = dict.fromkeys([good.x509.serial_number], AT - timedelta(days=3))
    about = "A list that somebody else made in the issuer's name: it says nothing."
    yield _listed("list-by-another", about, forged, good, "valid")


def _listed(name: str, about: str, issuer: TestCA, who: TestIdentity, signature: str) -> Case:
    def add_list(signed: object) -> None:
        choice = asn1.RevocationInfoChoice("crl", crl.CertificateList.load(issuer.crl()))
        signed["crls"] = asn1.RevocationInfoChoices([choice])  # type: ignore[index]

    cms = edited(CLEAR.cms(ENTITY, who), add_list)
    case = _of(name, about, cms, signature)
    # OpenSSL looks at lists only if it is told to.
    return replace(case, openssl="verify")
