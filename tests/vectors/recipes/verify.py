"""One message for each answer to "is it signed?", in each form and scheme."""

from collections.abc import Iterator

from tests.forgery.framing import multipart, signed_part
from tests.forgery.makers import (
    SCHEMES,
    Workshop,
    authority,
    edited,
    head,
    issued,
    text,
    with_certificates,
    with_signers,
)
from tests.forgery.structure import resigned
from tests.testpki import ca
from tests.vectors.recipes.case import BODY, ENTITY, Case

_CAROL = b"Carol <carol@example.org>"
_MORE = (
    ("rsa2048", "rsa-sha512"),
    ("rsa2048", "rsa-pss-sha384"),
    ("rsa2048", "rsa-pss-sha512"),
    ("rsa3072", ""),
    ("p384", ""),
    ("p521", ""),
    ("brainpool256", ""),
)


def cases() -> Iterator[Case]:
    for kind, scheme in SCHEMES:
        for form in ("clear", "opaque"):
            label = f"{scheme or kind}-{form}"
            shop = Workshop(kind, scheme, form)
            octets = shop.signed(head(), ENTITY)
            # OpenSSL 3.0 has no Ed25519 in CMS.
            other = "" if kind == "ed25519" else "verify"
            yield Case(f"valid-{label}", "Signed by Alice.", octets, "valid", openssl=other)
    for kind, scheme in _MORE:
        octets = Workshop(kind, scheme, "clear").signed(head(), ENTITY)
        about = "A scheme that few clients use."
        yield Case(f"valid-{scheme or kind}", about, octets, "valid", openssl="verify")
    for form, kind in (("clear", "p256"), ("opaque", "rsa2048")):
        yield from _other(Workshop(kind, "", form))
    yield Case("none", "Nobody signed.", head() + ENTITY)


def _other(shop: Workshop) -> Iterator[Case]:
    form, cms = shop.form, shop.cms(ENTITY)
    yield Case(
        f"valid-other-{form}",
        "Signed by Alice, From is Carol.",
        shop.signed(head(_CAROL), ENTITY),
        "valid-other",
        openssl="verify",
    )
    stranger = ca("Unknown Root").issue("alice@example.org", key=shop.kind)
    yield Case(
        f"untrusted-{form}",
        "Signed under a root that nobody trusts.",
        shop.signed(head(), ENTITY, stranger),
        "untrusted",
        openssl="reject",
    )
    evil = cms.replace(b"pay 100", b"pay 900") if form == "opaque" else cms
    altered = ENTITY.replace(b"100", b"900")
    yield Case(
        f"invalid-content-{form}",
        "One digit of the content was changed.",
        shop.mail(head(), altered, evil),
        "invalid",
        body=BODY.replace(b"100", b"900"),
        openssl="reject",
    )
    flipped = cms[:-1] + bytes((cms[-1] ^ 1,))
    yield Case(
        f"invalid-signature-{form}",
        "One bit of the signature was changed.",
        shop.mail(head(), ENTITY, flipped),
        "invalid",
        openssl="reject",
    )
    part = multipart("mixed", text(b"Above.\r\n"), signed_part(shop))
    yield Case(
        f"partial-{form}",
        "A signed part beside an unsigned one.",
        head() + part,
        "partial",
        body=None,
    )
    yield Case(
        f"unsupported-no-certificate-{form}",
        "The signer's certificate is not in the message and not known.",
        shop.mail(head(), ENTITY, with_certificates(cms, ())),
        "unsupported",
        openssl="reject",
    )
    yield Case(
        f"unsupported-digest-{form}",
        "The digest algorithm has a number that nobody knows.",
        shop.mail(head(), ENTITY, _unknown_digest(cms)),
        "unsupported",
        openssl="reject",
    )
    yield Case(
        f"untrusted-sha1-{form}",
        "A correct signature over SHA-1, which proves nothing any more.",
        shop.mail(
            head(), text(b"Please pay 9999 to account 666.\r\n"), resigned(shop, shop.alice, "sha1")
        ),
        "untrusted",
        body=b"Please pay 9999 to account 666.\r\n",
    )
    yield Case(
        f"invalid-nobody-{form}",
        "A SignedData in which nobody signs.",
        shop.mail(head(), ENTITY, with_signers(cms, [])),
        "invalid",
        openssl="reject",
    )
    bag = (authority().certificate, issued("mallory@evil.example", shop.kind).certificate)
    yield Case(
        f"valid-bag-{form}",
        "The signer's certificate stands last among others.",
        shop.mail(head(), ENTITY, with_certificates(cms, (*bag, shop.alice.certificate))),
        "valid",
        openssl="verify",
    )


def _unknown_digest(cms: bytes) -> bytes:
    def edit(signed: object) -> None:
        signer = signed["signer_infos"][0]  # type: ignore[index]
        signer["digest_algorithm"] = {"algorithm": "1.3.6.1.4.1.32473.1"}

    return edited(cms, edit)
