"""What is learned from a signed message, and what never is."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from app.smime.finding import Finding, Status
from app.smime.harvest import Harvest, choose
from app.smime.reasons import Reason
from app.smime.sign import sign
from tests.forgery import structure
from tests.forgery.makers import Workshop, clear, head, text, with_certificates
from tests.smime.house import (
    AT,
    TOKEN,
    certificate_of,
    find,
    issuing,
    letter,
    person,
    signer_of,
    trust,
)
from tests.smime.test_forge import trust as forge_trust
from tests.smime.test_signature import attribute, resigned
from tests.testpki import TestIdentity

ALICE = person("alice@example.org", "rsa2048")


def learned(finding: Finding, managed: str = "example.net") -> Harvest | None:
    return choose(finding, managed=lambda address: address.endswith("@" + managed))


def message(identity: TestIdentity = ALICE) -> bytes:
    return sign(letter(), signer_of(identity), form="clear", at=AT, token=TOKEN)


def test_valid_signer_is_learned_for_from() -> None:
    found = learned(find(message()))
    assert found is not None
    assert found.certificate == certificate_of(ALICE)
    assert found.address == "alice@example.org"
    assert found.capabilities[0] == "aes256-gcm"
    assert found.signed_at == AT
    assert not found.needs_approval
    assert [each.is_ca for each in found.intermediates] == [True]


def test_nothing_is_learned_for_our_own_people() -> None:  # B2 step 2
    assert learned(find(message()), managed="example.org") is None


@pytest.mark.parametrize("status", [Status.INVALID, Status.PARTIAL, Status.REVOKED, Status.NONE])
def test_nothing_is_learned_from_bad_signatures(status: Status) -> None:  # B2 step 1
    from dataclasses import replace

    assert learned(replace(find(message()), status=status)) is None


def test_stranger_waits_for_approval() -> None:  # B5
    stranger = structure.self_signed("alice@example.org", "rsa2048")
    found = learned(find(message(stranger)))
    assert found is not None
    assert "self-signed" in {reason.code for reason in found.reasons}


def test_self_made_certificate_is_never_taken_by_itself() -> None:  # B2 step 7
    stranger = structure.self_signed("alice@example.org", "rsa2048")
    view = trust()
    view.pinned.add((certificate_of(stranger).fingerprint, "alice@example.org"))
    finding = find(message(stranger), view)
    assert finding.status is Status.VALID
    found = learned(finding)
    assert found is not None
    assert [reason.code for reason in found.reasons] == ["self-signed"]


def test_other_address_waits_for_approval() -> None:  # B2 step 3
    carol = person("carol@example.org", "rsa2048")
    found = learned(find(message(carol)))
    assert found is not None
    assert found.needs_approval
    assert found.other_addresses == ("carol@example.org",)


def test_bag_teaches_nothing() -> None:  # T97, CVE-2026-29140
    mallory = issuing().issue("mallory@evil.example")
    planted = structure.self_signed("alice@example.org", "rsa2048")
    cms = Workshop("p256", "", "clear").cms(text(), ALICE)
    bag = (planted.certificate, mallory.certificate, ALICE.certificate, *ALICE.chain)
    finding = find(clear(head(), text(), with_certificates(cms, bag)))
    found = learned(finding)
    assert found is not None
    assert found.certificate == certificate_of(ALICE)


def test_signing_key_that_cannot_encrypt_gives_way_to_its_companion() -> None:
    # RFC 8551 §2.5.3.1
    both = issuing().issue("alice@example.org", key="ed25519")
    companion = issuing().issue("alice@example.org", key="x25519", subject=both.x509.subject)
    shop = Workshop("ed25519", "", "clear")
    cms = with_certificates(
        shop.cms(text(), both), (both.certificate, companion.certificate, *both.chain)
    )
    found = learned(find(clear(head(), text(), cms)))
    assert found is not None
    assert found.certificate == certificate_of(companion)
    assert not found.needs_approval


def test_companion_without_a_path_is_no_companion() -> None:  # T97
    both = issuing().issue("alice@example.org", key="ed25519")
    planted = structure.self_signed("alice@example.org", "p256")
    cms = with_certificates(
        Workshop("ed25519", "", "clear").cms(text(), both),
        (both.certificate, planted.certificate, *both.chain),
    )
    found = learned(find(clear(head(), text(), cms)))
    assert found is not None
    assert found.certificate == certificate_of(both)
    assert found.needs_approval


def test_capabilities_of_a_far_future_are_not_dated() -> None:  # RFC 8551 §2.7.1
    when = AT + timedelta(days=3)
    octets = sign(letter(), signer_of(ALICE), form="clear", at=when, token=TOKEN)
    found = learned(find(octets))
    assert found is not None
    assert found.signed_at is None


def test_certificate_for_a_telephone_book_waits() -> None:  # T52
    many = issuing().issue(["alice@example.org", *(f"a{n}@example.org" for n in range(20))])
    finding = find(message(many))
    assert finding.status is Status.VALID
    found = learned(finding)
    assert found is not None
    assert "many-addresses" in {reason.code for reason in found.reasons}


def test_registered_domain_certificate_is_known_already() -> None:
    view = trust()
    view.domains["example.org"] = frozenset({certificate_of(ALICE).fingerprint})
    assert learned(find(message(), view)) is None


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("domain-signing-authority@example.org", True),
        ("mail@example.org", True),
        ("domain-confidentiality-authority@org.example", False),
        ("mail@example.com", False),
    ],
)
def test_domain_certificate_is_recognised_by_its_name(address: str, hint: bool) -> None:  # D4
    found = learned(find(message(issuing().issue(address))))
    assert found is not None
    assert (Reason("looks-like-domain-certificate", "example.org") in found.reasons) is hint


def preferring(wanted: TestIdentity, bag: Sequence[bytes]) -> bytes:
    """Return a message by Alice that asks for another certificate, with a bag of the forger's."""
    from asn1crypto import cms as asn1
    from asn1crypto import x509 as asn1x509

    shop = Workshop("p256", "", "clear")
    named = asn1x509.Certificate.load(wanted.certificate)

    def edit(signed: Any, signer: Any) -> None:
        pair = {"issuer": named.issuer, "serial_number": named.serial_number}
        value = asn1.SMIMEEncryptionKeyPreference(
            "issuer_and_serial_number", asn1.IssuerAndSerialNumber(pair)
        )
        attribute(signer, "encrypt_key_pref")["values"] = [value]
        signed["certificates"] = asn1.CertificateSet(
            [asn1.CertificateChoices("certificate", asn1x509.Certificate.load(d)) for d in bag]
        )

    return resigned(shop, edit)


def test_certificate_asked_for_is_learned() -> None:  # B2 step 4, RFC 8551 §2.5.3
    alice = Workshop("p256", "", "clear").alice
    issuer = alice.issuer
    assert issuer is not None
    wanted = issuer.issue("alice@example.org", key="rsa2048")
    octets = preferring(wanted, (alice.certificate, wanted.certificate, *alice.chain))
    found = learned(find(octets, forge_trust()))
    assert found is not None
    assert found.certificate == certificate_of(wanted)
    assert not found.needs_approval


def test_planted_certificate_of_the_same_number_is_not() -> None:  # T97
    from tests.testpki import ca, private_key

    alice = Workshop("p256", "", "clear").alice
    issuer = alice.issuer
    assert issuer is not None
    wanted = issuer.issue("alice@example.org", key="rsa2048")
    twin = ca(issuer.name, private=private_key("p256", "planter"))
    planted = twin.issue("alice@example.org", key="rsa2048", serial=wanted.x509.serial_number)
    octets = preferring(wanted, (alice.certificate, planted.certificate, *alice.chain))
    found = learned(find(octets, forge_trust()))
    assert found is not None
    assert found.certificate == certificate_of(alice)


def test_unknown_revocation_waits_for_approval() -> None:  # B5
    from tests.testpki import ca

    pointing = ca("Pointing", issuing().parent, url="http://pki.example/ca")
    found = learned(find(message(pointing.issue("alice@example.org", key="rsa2048"))))
    assert found is not None
    assert "revocation-unknown" in {reason.code for reason in found.reasons}


# B5: what is chosen instead of the signer's own is asked about itself
def test_unknown_revocation_of_the_one_asked_for_waits_too() -> None:
    from tests.testpki import ca

    alice = Workshop("p256", "", "clear").alice
    assert alice.issuer is not None
    pointing = ca("Pointing", alice.issuer.parent, url="http://pki.example/ca")
    wanted = pointing.issue("alice@example.org", key="rsa2048")
    bag = (alice.certificate, wanted.certificate, *alice.chain, *wanted.chain)
    found = learned(find(preferring(wanted, bag), forge_trust()))
    assert found is not None
    assert found.certificate == certificate_of(wanted)
    assert [reason.code for reason in found.reasons] == ["revocation-unknown"]


def test_unknown_revocation_of_a_companion_waits_too() -> None:
    from tests.testpki import ca

    both = issuing().issue("alice@example.org", key="ed25519")
    pointing = ca("Pointing", issuing().parent, url="http://pki.example/ca")
    companion = pointing.issue("alice@example.org", key="rsa2048", subject=both.x509.subject)
    cms = with_certificates(
        Workshop("ed25519", "", "clear").cms(text(), both),
        (both.certificate, companion.certificate, *both.chain, *companion.chain),
    )
    found = learned(find(clear(head(), text(), cms)))
    assert found is not None
    assert found.certificate == certificate_of(companion)
    assert [reason.code for reason in found.reasons] == ["revocation-unknown"]
