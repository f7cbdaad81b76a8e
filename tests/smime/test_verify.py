"""Verdicts on single messages; the thousand forgeries stand in test_forge.py."""

from datetime import timedelta

import pytest

from app.cms.keys import load_private_key
from app.cms.signed import Signer
from app.mail.compose import pkcs7_mime
from app.mail.headers import Headers
from app.pki.certificate import Certificate
from app.pki.path import PathResult
from app.smime.finding import Status
from app.smime.sign import sign
from tests.forgery import structure
from tests.forgery.makers import Workshop, clear, edited, head, opaque, text, with_certificates
from tests.smime.house import (
    AT,
    TOKEN,
    Trust,
    anchors,
    certificate_of,
    find,
    issuing,
    letter,
    person,
    signer_of,
    trust,
)
from tests.testpki import TestIdentity, ca

ALICE = person("alice@example.org")


def signed(identity: TestIdentity = ALICE, octets: bytes = b"", form: str = "clear") -> bytes:
    return sign(octets or letter(), signer_of(identity), form=form, at=AT, token=TOKEN)


@pytest.mark.parametrize("form", ["clear", "opaque"])
@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        ("rsa2048", "rsa-sha256"),
        ("rsa2048", "rsa-sha512"),
        ("rsa2048", "rsa-pss-sha256"),
        ("rsa2048", "rsa-pss-sha384"),
        ("p256", "ecdsa-sha256"),
        ("p384", "ecdsa-sha384"),
        ("p521", "ecdsa-sha512"),
        ("brainpool256", "ecdsa-sha256"),
        ("ed25519", "ed25519"),
        ("mldsa65", "ml-dsa-65"),
    ],
)
def test_what_we_sign_is_valid(kind: str, scheme: str, form: str) -> None:
    alice = person("alice@example.org", kind)
    octets = sign(letter(), signer_of(alice, scheme), form=form, at=AT, token=TOKEN)
    finding = find(octets)
    assert (finding.status, finding.reasons) == (Status.VALID, ())
    assert finding.algorithm == scheme
    assert finding.signer == finding.from_address == "alice@example.org"
    assert finding.signed_at == AT


def test_plain_message_is_signed_by_nobody() -> None:
    assert find(letter()).status is Status.NONE


def test_signer_without_certificate_in_the_message_is_found_in_the_store() -> None:
    # RFC 8550 §2.3
    shop = Workshop("p256", "", "clear")
    cms = with_certificates(shop.cms(text(), ALICE), ())
    octets = clear(head(), text(), cms)
    assert find(octets).status is Status.UNSUPPORTED
    view = Trust(
        anchors(),
        intermediates=[Certificate.from_der(issuing().certificate)],
        known=(certificate_of(ALICE),),
    )
    assert find(octets, view).status is Status.VALID


def test_pinned_certificate_needs_no_path() -> None:
    stranger = structure.self_signed("alice@example.org", "p256")
    octets = signed(stranger)
    assert find(octets).status is Status.UNTRUSTED
    view = trust()
    view.pinned.add((certificate_of(stranger).fingerprint, "alice@example.org"))
    assert find(octets, view).status is Status.VALID


def test_pinned_to_another_address_is_not_pinned() -> None:  # T70
    stranger = structure.self_signed("alice@example.org", "p256")
    view = trust()
    view.pinned.add((certificate_of(stranger).fingerprint, "carol@example.org"))
    assert find(signed(stranger), view).status is Status.UNTRUSTED


def test_pinned_binding_counts_as_the_address() -> None:
    odd = issuing().issue("helpdesk@example.org")
    view = trust()
    assert find(signed(odd), view).status is Status.VALID_OTHER
    view.pinned.add((certificate_of(odd).fingerprint, "alice@example.org"))
    assert find(signed(odd), view).status is Status.VALID


@pytest.mark.parametrize("registered", ["example.org", "example.com", "sub.example.org"])
def test_domain_certificate_speaks_for_its_own_domain_only(registered: str) -> None:  # T69, D4
    gateway = structure.self_signed("domain-signing-authority@example.org", "p256")
    view = trust()
    view.domains[registered] = frozenset({certificate_of(gateway).fingerprint})
    finding = find(signed(gateway), view)
    if registered == "example.org":
        assert (finding.status, finding.domain) == (Status.VALID_DOMAIN, "example.org")
    else:
        assert (finding.status, finding.domain) == (Status.UNTRUSTED, "")


def test_expired_domain_certificate_is_not_believed() -> None:  # D4
    gateway = issuing().issue("x@example.org", not_after=AT - timedelta(days=1))
    view = trust()
    view.domains["example.org"] = frozenset({certificate_of(gateway).fingerprint})
    assert find(signed(gateway), view).status is Status.UNTRUSTED


def test_domain_certificate_does_not_heal_a_bad_from() -> None:  # D7
    gateway = issuing().issue("x@example.org")
    view = trust()
    view.domains["example.org"] = frozenset({certificate_of(gateway).fingerprint})
    octets = signed(gateway, letter(sender=b'"bob@example.net" <alice@example.org>'))
    assert find(octets, view).status is Status.VALID_OTHER


@pytest.mark.parametrize(
    ("sender", "status"),
    [
        (b"alice@example.org", Status.VALID),
        (b"ALICE@EXAMPLE.ORG", Status.VALID),
        (b'"Alice, the one" <alice@example.org>', Status.VALID),
        (b'"alice@example.org" <alice@example.org>', Status.VALID),
        (b"alice@sub.example.org", Status.VALID_OTHER),
        (b"carol@example.org", Status.VALID_OTHER),
    ],
)
def test_from_is_compared_with_the_certificate(sender: bytes, status: Status) -> None:  # T47
    assert find(signed(ALICE, letter(sender=sender))).status is status


@pytest.mark.parametrize(
    "sender",
    [
        "\u212aate@example.org",
        "kate@example.org.",
        "kate@example\u3002org",
        "k\u0430te@example.org",
    ],
)
def test_from_that_only_folds_to_the_address_is_another(sender: str) -> None:  # T50
    kate = issuing().issue("kate@example.org")
    assert find(signed(kate, letter(sender=b"kate@example.org"))).status is Status.VALID
    octets = signed(kate, letter(sender=sender.encode()))
    assert find(octets).status is not Status.VALID


def test_certificate_without_address_is_somebody_else() -> None:  # RFC 8550 §3
    finding = find(signed(issuing().issue(())))
    assert finding.status is Status.VALID_OTHER
    assert finding.has("no-address")


def test_odd_address_is_named_and_does_not_count() -> None:  # T50, CVE-2026-2748
    finding = find(signed(issuing().issue("alice@example.org ")))
    assert finding.status is Status.VALID_OTHER
    assert finding.has("odd-address")


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        (b"Sender: alice@example.org\r\n", Status.VALID, ""),
        (b"Sender: list@example.com\r\n", Status.VALID_OTHER, "sender-differs"),
        (b"Resent-From: eve@example.com\r\n", Status.VALID, ""),
    ],
)
def test_other_sender_is_not_a_pass(fields: bytes, status: Status, code: str) -> None:  # T49
    finding = find(signed(ALICE, letter(more=fields)))
    assert finding.status is status
    assert not code or finding.has(code)


def test_only_sender_matching_is_said() -> None:  # D7
    octets = letter(sender=b"boss@example.org", more=b"Sender: alice@example.org\r\n")
    finding = find(signed(ALICE, octets))
    assert finding.status is Status.VALID_OTHER
    assert finding.has("sender-matches")


def test_revoked_signer_is_revoked() -> None:  # T57, CRL from the message
    authority = ca("Revoking", issuing().parent)
    alice = authority.issue("alice@example.org", revoked=AT - timedelta(days=3))
    cms = Workshop("p256", "", "clear").cms(text(), alice)

    def add_list(content: object) -> None:
        from asn1crypto import cms as asn1
        from asn1crypto import crl

        choice = asn1.RevocationInfoChoice("crl", crl.CertificateList.load(authority.crl()))
        content["crls"] = asn1.RevocationInfoChoices([choice])  # type: ignore[index]

    assert find(clear(head(), text(), cms)).status is Status.VALID
    assert find(clear(head(), text(), edited(cms, add_list))).status is Status.REVOKED


@pytest.mark.parametrize(
    ("mode", "status", "result"),
    [
        ("soft", Status.VALID, "pass"),
        ("hard", Status.UNTRUSTED, "temperror"),
        ("require", Status.UNTRUSTED, "temperror"),
        ("off", Status.VALID, "pass"),
    ],
)
def test_unknown_revocation_is_as_the_policy_says(mode: str, status: Status, result: str) -> None:
    # T58
    pointing = ca("Pointing", issuing().parent, url="http://pki.example/ca")
    finding = find(signed(pointing.issue("alice@example.org")), revocation=mode)
    assert (finding.status, finding.result) == (status, result)
    assert (mode == "off") != finding.has("revocation-unknown")


@pytest.mark.parametrize(
    ("hours", "code"),
    [(0, ""), (-1, ""), (1, ""), (48, "signed-in-future"), (-24 * 60, "signed-long-ago")],
)
def test_signing_time_informs_and_does_not_decide(hours: int, code: str) -> None:  # T57, T59
    when = AT + timedelta(hours=hours)
    octets = sign(letter(), signer_of(ALICE), form="clear", at=when, token=TOKEN)
    finding = find(octets)
    assert finding.status is Status.VALID
    assert not code or finding.has(code)


def test_signing_time_before_the_certificate_is_still_good() -> None:  # trap 1 of the corpora
    fresh = issuing().issue("alice@example.org", not_before=AT - timedelta(seconds=10))
    when = AT - timedelta(seconds=42)
    octets = sign(letter(), signer_of(fresh), form="clear", at=when, token=TOKEN)
    finding = find(octets)
    assert finding.status is Status.VALID
    assert finding.has("signed-outside-validity")


@pytest.mark.parametrize("micalg", [b"md5", b"sha1", b"no-such", b"sha-512", b'""'])
def test_micalg_may_lie(micalg: bytes) -> None:  # RFC 8551 §3.5.3.2
    assert find(signed().replace(b"micalg=sha-256", b"micalg=" + micalg)).status is Status.VALID


def test_nested_signatures_are_all_judged() -> None:  # T66
    mallory = person("mallory@example.com")
    twice = sign(signed(), signer_of(ALICE), form="clear", at=AT, token=b"=_2")
    assert find(twice).status is Status.VALID
    assert find(twice).layer == 2
    around = sign(signed(), signer_of(mallory), form="opaque", at=AT, token=b"=_2")
    assert find(around).status is Status.VALID_OTHER
    inside = sign(signed(mallory), signer_of(ALICE), form="clear", at=AT, token=b"=_2")
    assert find(inside).status is Status.VALID_OTHER


def test_more_layers_than_the_limit_are_unsupported() -> None:
    octets = letter()
    for depth in range(9):
        octets = sign(octets, signer_of(ALICE), form="clear", at=AT, token=b"=_%d" % depth)
    assert find(octets).status is Status.UNSUPPORTED


def test_nested_content_that_cannot_stand_alone_is_judged_by_its_outside() -> None:
    # What is inside may not become a message (a NUL); the signature around it covers it all.
    shop = Workshop("p256", "", "opaque")
    entity = b"Content-Type: text/plain\r\n\r\na\x00b\r\n"
    inner = clear(b"", entity, shop.cms(entity, ALICE, detached=True))
    assert find(opaque(head(), shop.cms(inner, ALICE))).status is Status.VALID


def test_part_that_is_signed_is_partial() -> None:
    inner = signed()[signed().index(b"Content-Type") :]
    octets = (
        b"From: alice@example.org\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n"
        + inner
        + b"\r\n--o--\r\n"
    )
    assert find(octets).status is Status.PARTIAL


def test_broken_cms_is_invalid() -> None:
    finding = find(pkcs7_mime(Headers(b""), b"0\x03\x02\x01", "signed-data", "smime.p7m"))
    assert finding.status is Status.INVALID


def test_raw_octets_come_before_the_canonical_form() -> None:  # trap 7 of the corpora
    shop = Workshop("p256", "", "clear")
    for entity in (text(b"a\nb\r\nc\n"), text(b"a\r\nb\r\n")):
        octets = clear(head(), entity, shop.cms(entity, ALICE))
        assert find(octets).status is Status.VALID
    # Signed in canonical form, arrived with bare LF; signed with LF, arrived in canonical form.
    crlf, bare = text(b"a\r\nb\r\n"), text(b"a\r\nb\r\n").replace(b"\r\n", b"\n")
    mixed = text(b"a\nb\n")
    assert find(clear(head(), mixed, shop.cms(crlf, ALICE))).status is Status.VALID
    assert find(clear(head(), crlf, shop.cms(bare, ALICE))).status is Status.VALID


def test_few_further_certificates_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:  # T110
    authority, searched = ca("Anybody"), []
    alice = authority.issue("alice@example.org", usage=["digital_signature"])
    more = [authority.issue("alice@example.org").certificate for _ in range(40)]

    def search(leaf: Certificate, *_facts: object, **_more: object) -> PathResult:
        searched.append(leaf)
        return PathResult("untrusted")

    monkeypatch.setattr("app.smime.verify.validate", search)
    signer = Signer(alice.certificate, load_private_key(alice.private_pkcs8), tuple(more))
    found = find(sign(letter(), signer, form="clear", at=AT, token=TOKEN))
    assert found.status is Status.UNTRUSTED
    assert 0 < len(searched) <= 8
