"""Attacks on the CMS structure: what is signed, by how many, over what (T41-T45, T56, T65, T67)."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from asn1crypto import algos, core
from asn1crypto import cms as asn1
from cryptography import x509

from tests.forgery.makers import (
    ALICE,
    EVIL,
    GOOD,
    Workshop,
    authority,
    cms_part,
    edited,
    head,
    opaque,
    sign_octets,
    signer_infos,
    with_certificates,
    with_signers,
)
from tests.testpki import AT, TestIdentity, ca, dn, private_key

Named = Iterator[tuple[str, bytes]]


def two_contents(shop: Workshop) -> Named:
    """T41, JF C1: another content is embedded beside, or instead of, what is shown."""
    embedded = shop.cms(GOOD, detached=False)
    if shop.form == "clear":
        yield "c1-other-econtent", shop.mail(head(), EVIL, embedded)
        yield "c1-same-econtent", shop.mail(head(), GOOD, embedded)
        yield "c1-empty-econtent", shop.mail(head(), b"", embedded)
    else:
        yield "c1-no-econtent", opaque(head(), shop.cms(GOOD, detached=True))
        yield (
            "c1-empty-econtent",
            opaque(head(), with_signers(embedded, signer_infos(embedded), content=b"")),
        )


def attributes_as_content(shop: Workshop) -> Named:
    """T42, JF C1 refinement: what was signed as attributes is offered as the content."""
    honest = shop.cms(GOOD)
    signer = signer_infos(honest)[0]
    attributes = signer["signed_attrs"].untag().dump(force=True)
    bare = without_attributes(signer)
    content = None if shop.form == "clear" else attributes
    cms = with_signers(honest, [bare], content=content)
    yield "c1-attributes-as-content", shop.mail(head(), attributes, cms)
    # The same without signed attributes, over an honest content: no client makes that either.
    plain = shop.cms(EVIL)
    signer = signer_infos(plain)[0]
    digest = signer["digest_algorithm"]["algorithm"].native
    fresh = without_attributes(signer)
    fresh["signature"] = sign_octets(shop.mallory, EVIL, digest, shop.scheme)
    yield "c1-mallory-without-attributes", shop.mail(head(), EVIL, with_signers(plain, [fresh]))


def without_attributes(signer: Any) -> Any:
    """Return a SignerInfo without signed attributes, its signature as it was."""
    kept = ("version", "sid", "digest_algorithm", "signature_algorithm", "signature")
    return asn1.SignerInfo({name: signer[name] for name in kept})


def several_signers(shop: Workshop) -> Named:
    """T43, JF C2: more than one SignerInfo, one of them good."""
    honest = signer_infos(shop.cms(EVIL, shop.mallory))[0]
    stolen = signer_infos(shop.cms(GOOD))[0]
    good = signer_infos(shop.cms(EVIL))[0]
    base = with_certificates(
        shop.cms(EVIL), (shop.alice.certificate, shop.mallory.certificate, *shop.alice.chain)
    )
    for name, signers in (
        ("c2-stolen-first", [stolen, honest]),
        ("c2-stolen-last", [honest, stolen]),
        ("c2-same-twice", [good, good]),
        ("c2-good-and-stolen", [good, stolen]),
        ("c2-good-and-mallory", [good, honest]),
        ("c2-three", [honest, stolen, good]),
    ):
        yield name, shop.mail(head(), EVIL, with_signers(base, signers))


def nobody(shop: Workshop) -> Named:
    """T44, JF C3: nobody signed."""
    honest = shop.cms(EVIL)
    empty = with_signers(honest, [])
    yield "c3-no-signer", shop.mail(head(), EVIL, empty)
    yield "c3-no-signer-no-certificate", shop.mail(head(), EVIL, with_certificates(empty, ()))

    def no_digests(signed: Any) -> None:
        signed["signer_infos"] = asn1.SignerInfos([])
        signed["digest_algorithms"] = asn1.DigestAlgorithms([])

    yield "c3-no-digest", shop.mail(head(), EVIL, edited(honest, no_digests))
    if shop.form == "opaque":
        yield "c3-certs-only-label", opaque(head(), empty, b"certs-only")


def strangers(shop: Workshop) -> Iterator[tuple[str, TestIdentity]]:
    """T45, T53, T54, T55, T57: certificates of Alice's address that prove nothing."""
    kind = shop.kind
    own = ca("Alice", key="p256")
    unknown = ca("Unknown Root")
    twin_root = ca("Forge Root", private=private_key("p256", "twin root"))
    twin = ca("Forge Issuing", twin_root, private=private_key("p256", "twin issuing"))
    leaf = authority().issue("leaf@evil.example", key="p256")
    below_leaf = ca(dn("leaf"), private=leaf.key)
    yield "c4-self-signed", self_signed(ALICE, kind)
    yield "c4-unknown-ca", unknown.issue(ALICE, key=kind)
    yield "c4-own-ca", own.issue(ALICE, key=kind)
    yield "c4-twin-of-our-ca", twin.issue(ALICE, key=kind)
    yield "c4-issued-by-a-leaf", below_leaf.issue(ALICE, key=kind)
    yield "c4-expired", authority().issue(ALICE, key=kind, not_after=AT - timedelta(days=1))
    yield "c4-not-yet", authority().issue(ALICE, key=kind, not_before=AT + timedelta(days=1))
    yield "c4-server-usage", authority().issue(ALICE, key=kind, extended=("server_auth",))
    yield "c4-code-usage", authority().issue(ALICE, key=kind, extended=("code_signing",))
    usage = "key_encipherment" if kind == "rsa2048" else "key_agreement"
    yield "c4-encryption-only", authority().issue(ALICE, key=kind, usage=(usage,))
    yield "c4-is-a-ca", ca(dn("alice", email=ALICE), authority(), key=kind).identity
    confined = ca("Confined", authority(), permitted=("elsewhere.example",))
    yield "c4-name-constraints", confined.issue(ALICE, key=kind)
    critical = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
    yield "c4-critical", authority().issue(ALICE, key=kind, extensions=((critical, True),))


def self_signed(address: str, kind: str) -> TestIdentity:
    """Return a self-signed certificate for an address."""
    private = private_key(kind, "forger of " + address)
    maker = ca(dn(address.partition("@")[0]), private=private)
    made = maker.issue(address, private=private, subject=maker.name, key=kind)
    return TestIdentity(made.certificate, made.private_pkcs8, (), made.root, private)


def unproven(shop: Workshop) -> Named:
    """T45: Alice's address in a certificate that is not believed."""
    for name, identity in strangers(shop):
        cms = shop.cms(EVIL, identity)
        yield name, shop.mail(head(), EVIL, cms)
        # The true certificates beside, so that a careless path builder finds a way.
        bag = (shop.alice.certificate, identity.certificate, *identity.chain, *shop.alice.chain)
        yield name + "-with-bag", shop.mail(head(), EVIL, with_certificates(cms, bag))


def same_number(shop: Workshop) -> Named:
    """T67: a certificate that bears issuer and serial number of Alice's."""
    serial = shop.alice.x509.serial_number
    twin_root = ca("Forge Root", private=private_key("p256", "twin root"))
    twin = ca("Forge Issuing", twin_root, private=private_key("p256", "twin issuing"))
    private = private_key(shop.kind, "twin of alice")
    double = twin.issue(ALICE, key=shop.kind, private=private, serial=serial)
    cms = shop.cms(EVIL, double)
    yield "same-number", shop.mail(head(), EVIL, cms)
    for name, pair in (("first", (double, shop.alice)), ("last", (shop.alice, double))):
        bag = (*(each.certificate for each in pair), *shop.alice.chain)
        yield f"same-number-{name}", shop.mail(head(), EVIL, with_certificates(cms, bag))
    # Mallory signs, the message names and brings only Alice's certificate.
    stolen = signer_infos(shop.cms(EVIL))[0]
    forged = signer_infos(shop.cms(EVIL, shop.mallory))[0]
    forged["sid"] = stolen["sid"]
    swapped = with_signers(shop.cms(EVIL), [forged])
    yield "names-alice-signed-by-mallory", shop.mail(head(), EVIL, swapped)


def weak(shop: Workshop) -> Named:
    """T56: a signature that holds by means that nobody should believe."""
    if shop.kind == "ed25519":
        return
    for digest in ("sha1", "md5"):
        if shop.kind == "p256" and digest == "md5":
            continue
        yield f"weak-{digest}", shop.mail(head(), EVIL, resigned(shop, shop.alice, digest))
    if shop.kind == "rsa2048":
        small = authority().issue(ALICE, key="rsa1024")
        yield "weak-rsa1024", shop.mail(head(), EVIL, shop.cms(EVIL, small))


def resigned(shop: Workshop, who: TestIdentity, digest: str) -> bytes:
    """Return a SignedData over EVIL with a digest of the forger's choice."""

    def edit(signed: Any) -> None:
        algorithm = algos.DigestAlgorithm({"algorithm": digest})
        signed["digest_algorithms"] = asn1.DigestAlgorithms([algorithm])
        signer = signed["signer_infos"][0]
        signer["digest_algorithm"] = algorithm
        hashed = hashlib.new(digest, EVIL, usedforsecurity=False).digest()
        for attribute in signer["signed_attrs"]:
            if attribute["type"].native == "message_digest":
                attribute["values"] = [core.OctetString(hashed)]
        name = "ecdsa" if shop.kind == "p256" else "rsassa_pkcs1v15"
        name = f"{digest}_{'ecdsa' if name == 'ecdsa' else 'rsa'}"
        signer["signature_algorithm"] = algos.SignedDigestAlgorithm({"algorithm": name})
        octets = signer["signed_attrs"].untag().dump(force=True)
        signer["signature"] = sign_octets(who, octets, digest)

    return edited(shop.cms(EVIL, who), edit)


def lies(shop: Workshop) -> Named:
    """T65: the label says one thing, the CMS is another."""
    honest = shop.cms(EVIL, shop.mallory, detached=False)
    for label in (b"enveloped-data", b"authEnveloped-data", b"certs-only", b"compressed-data"):
        yield f"label-{label.decode()}", opaque(head(), honest, label)
    yield "signature-as-pkcs7-mime", opaque(head(), shop.cms(GOOD, detached=True))
    inner = cms_part(shop.cms(GOOD, detached=False))
    yield "mallory-around-alice", shop.signed(head(), inner, shop.mallory)
