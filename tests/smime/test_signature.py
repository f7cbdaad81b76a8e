"""The exact answer to every odd structure, so that no check can go without a test noticing."""

from collections.abc import Callable
from typing import Any

import pytest
from asn1crypto import algos, core
from asn1crypto import cms as asn1

from app.cms import der
from app.cms.algorithms import CONTENT_TYPE_DER
from app.cms.content_info import open_content_info
from app.smime.finding import Status
from tests.forgery import structure
from tests.forgery.makers import (
    GOOD,
    Workshop,
    edited,
    head,
    sign_octets,
    signer_infos,
    text,
    with_certificates,
    with_signers,
)
from tests.smime.house import Trust, find
from tests.smime.test_forge import trust

CLEAR = Workshop("p256", "", "clear")
OPAQUE = Workshop("p256", "", "opaque")
BOTH = pytest.mark.parametrize("shop", [CLEAR, OPAQUE], ids=["clear", "opaque"])


def answer(octets: bytes, view: Trust | None = None) -> tuple[Status, str]:
    finding = find(octets, view or trust())
    return finding.status, finding.reasons[0].code if finding.reasons else ""


def named(family: Callable[[Workshop], Any], shop: Workshop, name: str) -> bytes:
    cases: dict[str, bytes] = dict(family(shop))
    return cases[name]


@BOTH
@pytest.mark.parametrize(
    ("family", "name", "status", "code"),
    [
        (structure.several_signers, "c2-same-twice", Status.UNSUPPORTED, "more-than-one-signer"),
        (structure.several_signers, "c2-stolen-last", Status.UNSUPPORTED, "more-than-one-signer"),
        (structure.nobody, "c3-no-signer", Status.INVALID, "nobody"),
        (
            structure.attributes_as_content,
            "c1-attributes-as-content",
            Status.INVALID,
            "attributes-as-content",
        ),
        (
            structure.attributes_as_content,
            "c1-mallory-without-attributes",
            Status.INVALID,
            "signature-differs",
        ),
        (structure.weak, "weak-sha1", Status.UNTRUSTED, "weak-algorithm"),
    ],
)
def test_forgery_gets_its_own_answer(
    shop: Workshop, family: Callable[[Workshop], Any], name: str, status: Status, code: str
) -> None:
    assert answer(named(family, shop, name)) == (status, code)


def test_second_content_is_named() -> None:  # T41
    octets = named(structure.two_contents, CLEAR, "c1-same-econtent")
    assert answer(octets) == (Status.INVALID, "content-in-clear-signed")


def test_opaque_without_content_is_named() -> None:  # T41
    octets = named(structure.two_contents, OPAQUE, "c1-no-econtent")
    assert answer(octets) == (Status.INVALID, "no-content")


def resigned(shop: Workshop, edit: Callable[[Any, Any], None]) -> bytes:
    """Return a message whose attributes or types were changed by the signer, and signed again."""

    def whole(signed: Any) -> None:
        signer = signed["signer_infos"][0]
        edit(signed, signer)
        # The order of a DER SET, which asn1crypto leaves to its user.
        ordered = sorted(signer["signed_attrs"], key=lambda each: each.dump())
        signer["signed_attrs"] = asn1.CMSAttributes(ordered)
        octets = signer["signed_attrs"].untag().dump(force=True)
        signer["signature"] = sign_octets(shop.alice, octets, "sha256")

    return shop.mail(head(), GOOD, edited(shop.cms(GOOD), whole))


def attribute(signer: Any, name: str) -> Any:
    return next(each for each in signer["signed_attrs"] if each["type"].native == name)


def without(name: str) -> Callable[[Any, Any], None]:
    def edit(_: Any, signer: Any) -> None:
        kept = [each for each in signer["signed_attrs"] if each["type"].native != name]
        signer["signed_attrs"] = asn1.CMSAttributes(kept)

    return edit


def doubled(name: str) -> Callable[[Any, Any], None]:
    def edit(_: Any, signer: Any) -> None:
        kept = list(signer["signed_attrs"])
        signer["signed_attrs"] = asn1.CMSAttributes([*kept, attribute(signer, name)])

    return edit


def two_values(name: str) -> Callable[[Any, Any], None]:
    def edit(_: Any, signer: Any) -> None:
        found = attribute(signer, name)
        found["values"] = [*found["values"], found["values"][0]]

    return edit


def other_type(_: Any, signer: Any) -> None:
    attribute(signer, "content_type")["values"] = [asn1.ContentType("1.2.840.113549.1.9.16.1.4")]


def both_types(signed: Any, signer: Any) -> None:
    signed["encap_content_info"]["content_type"] = asn1.ContentType("enveloped_data")
    attribute(signer, "content_type")["values"] = [asn1.ContentType("enveloped_data")]


def outer_type(signed: Any, _: Any) -> None:
    signed["encap_content_info"]["content_type"] = asn1.ContentType("enveloped_data")


def other_digest(_: Any, signer: Any) -> None:
    attribute(signer, "message_digest")["values"] = [core.OctetString(bytes(32))]


def no_digests(signed: Any, _: Any) -> None:
    signed["digest_algorithms"] = asn1.DigestAlgorithms([])


def nothing(_: Any, __: Any) -> None:
    """Sign again and change nothing: the control."""


def unknown_attribute(_: Any, signer: Any) -> None:
    fresh = asn1.CMSAttribute({"type": "1.2.3.4.5", "values": [core.Null()]})
    signer["signed_attrs"] = asn1.CMSAttributes([*signer["signed_attrs"], fresh])


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (nothing, (Status.VALID, "")),
        (without("content_type"), (Status.INVALID, "attributes")),
        (without("message_digest"), (Status.INVALID, "attributes")),
        (doubled("content_type"), (Status.INVALID, "attributes")),
        (doubled("message_digest"), (Status.INVALID, "attributes")),
        (doubled("signing_time"), (Status.INVALID, "attributes")),
        (two_values("message_digest"), (Status.INVALID, "attributes")),
        (without("signing_time"), (Status.VALID, "")),
        (unknown_attribute, (Status.VALID, "")),
        (other_type, (Status.INVALID, "content-type")),
        (other_digest, (Status.INVALID, "digest-differs")),
        (no_digests, (Status.INVALID, "attributes")),
    ],
    ids=[
        *("control", "no-type", "no-digest", "two-types", "two-digests", "two-times"),
        *("two-values", "no-time", "unknown", "other-type", "other-digest", "undeclared"),
    ],
)
@BOTH
def test_signed_attributes_must_be_as_they_must_be(
    shop: Workshop, edit: Callable[[Any, Any], None], expected: tuple[Status, str]
) -> None:
    # RFC 5652 §11, RFC 8551 §2.5
    assert answer(resigned(shop, edit)) == expected


@pytest.mark.parametrize("edit", [both_types, outer_type])
@BOTH
def test_content_of_another_type_is_no_message(
    shop: Workshop, edit: Callable[[Any, Any], None]
) -> None:
    # RFC 8551 §2.4.1, RFC 5652 §11.1
    assert answer(resigned(shop, edit)) == (Status.INVALID, "content-type")


@BOTH
def test_good_signature_without_attributes_is_not_believed(shop: Workshop) -> None:  # T42
    cms = shop.cms(GOOD)
    bare = structure.without_attributes(signer_infos(cms)[0])
    bare["signature"] = sign_octets(shop.alice, GOOD, "sha256")
    octets = shop.mail(head(), GOOD, with_signers(cms, [bare]))
    assert answer(octets) == (Status.UNSUPPORTED, "no-attributes")


@BOTH
def test_certificate_other_than_the_signed_one_is_named(shop: Workshop) -> None:
    # RFC 5035 §5.4: the same key, issuer and number in another certificate.
    twin = shop.alice.issuer
    assert twin is not None
    again = twin.issue(
        "alice@example.org", private=shop.alice.key, serial=shop.alice.x509.serial_number
    )
    bag = (again.certificate, *again.chain)
    octets = shop.mail(head(), GOOD, with_certificates(shop.cms(GOOD), bag))
    assert answer(octets) == (Status.INVALID, "other-certificate")


@BOTH
@pytest.mark.parametrize("first", [0, 1, 2])
def test_every_certificate_of_one_number_is_tried(shop: Workshop, first: int) -> None:
    # Trap 6 of the corpora, RFC 8551 §2.6
    issuer = shop.alice.issuer
    assert issuer is not None
    number = shop.alice.x509.serial_number
    others = [
        issuer.issue("alice@example.org", key=kind, serial=number) for kind in ("p384", "ed25519")
    ]
    bag = [each.certificate for each in others]
    bag.insert(first, shop.alice.certificate)
    cms = with_certificates(shop.cms(GOOD), (*bag, *shop.alice.chain))
    assert answer(shop.mail(head(), GOOD, cms)) == (Status.VALID, "")


@BOTH
def test_same_number_of_another_issuer_is_not_the_signer(shop: Workshop) -> None:
    from tests.testpki import ca

    number = shop.alice.x509.serial_number
    other = ca("Other").issue("alice@example.org", private=shop.alice.key, serial=number)
    cms = with_certificates(shop.cms(GOOD), (other.certificate,))
    assert answer(shop.mail(head(), GOOD, cms)) == (Status.UNSUPPORTED, "no-certificate")


def test_unreadable_certificate_beside_the_signer_does_no_harm() -> None:  # RFC 8550 §2.3
    body = open_content_info(CLEAR.cms(text()), "signed")
    before = [body.next().whole for _ in range(3)]
    bag = body.take(der.CONTEXT_0).value
    junk = b"\x30\x03\x02\x01\x05"
    rest = body.octets[body.at : body.end]
    signed = der.tlv(der.SEQUENCE, *before, der.tlv(der.CONTEXT_0, junk, bag), rest)
    cms = der.tlv(der.SEQUENCE, CONTENT_TYPE_DER["signed"], der.tlv(der.CONTEXT_0, signed))
    assert answer(CLEAR.mail(head(), text(), cms)) == (Status.VALID, "")


@BOTH
def test_unknown_algorithm_is_unsupported(shop: Workshop) -> None:
    def edit(signed: Any) -> None:
        signer = signed["signer_infos"][0]
        signer["signature_algorithm"] = algos.SignedDigestAlgorithm({"algorithm": "1.2.3.4"})

    octets = shop.mail(head(), GOOD, edited(shop.cms(GOOD), edit))
    assert answer(octets) == (Status.UNSUPPORTED, "algorithm")


@BOTH
def test_key_that_cannot_have_signed_is_no_match(shop: Workshop) -> None:
    # The certificate named has another kind of key than the signature.
    issuer = shop.alice.issuer
    assert issuer is not None
    number = shop.alice.x509.serial_number
    other = issuer.issue("alice@example.org", key="ed25519", serial=number)
    cms = with_certificates(shop.cms(GOOD), (other.certificate,))
    assert answer(shop.mail(head(), GOOD, cms))[0] is Status.INVALID
