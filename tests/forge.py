"""Forged and genuine mail by the thousand, made with our own certification authority.

``forged`` rebuilds every class of "Johnny, you are fired!" (USENIX Security 2019) and many more
(T38-T70), in four schemes, clear and opaque, bare, encrypted, and triple-wrapped. ``genuine`` is
mail of real clients in the same variety. ``covert`` are EFAIL and covert content attacks. Nothing
is random but keys and nonces: a case is found again by its name.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from app.cms.keys import load_private_key
from app.pki.certificate import Certificate
from app.smime.decrypt import DecryptionKey
from app.smime.encrypt import encrypt
from app.smime.sign import sign
from tests.forgery import framing, identity, shapes, structure
from tests.forgery.makers import BOB, SCHEMES, Workshop, head, issued, opaque, signer_of, text
from tests.testpki import AT

WRAPS = ("bare", "encrypted", "triple")
FORMS = ("clear", "opaque")

FAMILIES: tuple[Callable[[Workshop], Iterator[tuple[str, bytes]]], ...] = (
    structure.two_contents,
    structure.attributes_as_content,
    structure.several_signers,
    structure.nobody,
    structure.unproven,
    structure.same_number,
    structure.weak,
    structure.lies,
    framing.signed_frames,
    framing.broken_multiparts,
    framing.boundaries,
    framing.tampered,
    identity.shown,
    identity.anomalies,
    identity.protected,
    identity.certificates,
)


@dataclass(frozen=True)
class Case:
    """One message, and the name by which it is found again."""

    name: str
    octets: bytes


def workshops() -> Iterator[Workshop]:
    """Yield the eight workshops: four schemes, two forms."""
    for kind, scheme in SCHEMES:
        for form in FORMS:
            yield Workshop(kind, scheme, form)


def forged(*, every: int = 1, kind: str = "") -> Iterator[Case]:
    """Yield forged mail; ``every`` takes each n-th, ``kind`` one kind of key, always the same."""
    yield from _wrapped(_forged_bare, every, kind)


def genuine(*, every: int = 1, kind: str = "") -> Iterator[Case]:
    """Yield genuine mail by Alice; all of it must pass."""
    yield from _wrapped(shapes.genuine, every, kind)


def _forged_bare(shop: Workshop) -> Iterator[tuple[str, bytes]]:
    for family in FAMILIES:
        yield from family(shop)


def _wrapped(
    make: Callable[[Workshop], Iterator[tuple[str, bytes]]],
    every: int,
    kind: str,
) -> Iterator[Case]:
    number = 0
    for shop in workshops():
        if kind not in {"", shop.kind}:
            continue
        for name, octets in make(shop):
            for wrap in WRAPS:
                number += 1
                if number % every == 0:
                    label = f"{shop.kind}-{shop.scheme or 'plain'}-{shop.form}-{wrap}-{name}"
                    yield Case(label, _wrap(octets, shop, wrap))


def _wrap(octets: bytes, shop: Workshop, wrap: str) -> bytes:
    if wrap == "bare":
        return octets
    profile = "smime4" if shop.form == "clear" else "compat"
    sealed = encrypt(octets, [bob().certificate], profile=profile).octets
    if wrap == "encrypted":
        return sealed
    # The outermost signature is a good one by Alice, so that only the inside can be at fault.
    signer = signer_of(shop.alice, shop.scheme)
    return sign(sealed, signer, form=shop.form, at=AT, token=b"=_triple")


def covert() -> Iterator[Case]:
    """Yield mail in which an old ciphertext for Bob is framed; none of it may be opened."""
    plain = head() + text(b"the secret of an old message\r\n")
    sealed = encrypt(plain, [bob().certificate], profile="compat").octets
    part = sealed[sealed.index(b"Content-Type: application/pkcs7-mime") :]
    for name, entity in framing.frames(part):
        yield Case(f"covert-{name}", head() + entity)
    # The frame itself truly signed by Mallory, so that it looks like mail worth opening.
    for kind, scheme in SCHEMES:
        shop = Workshop(kind, scheme, "clear")
        for name, entity in framing.frames(part):
            sender = b"Mallory <mallory@evil.example>"
            yield Case(f"covert-{kind}-{name}", shop.signed(head(sender), entity, shop.mallory))
    yield Case("covert-label", opaque(head(), b"no cms at all", b"enveloped-data"))


@cache
def bob() -> DecryptionKey:
    """Return the key that reads what is sent to Bob."""
    identity_of_bob = issued(BOB, "rsa2048")
    return DecryptionKey(
        Certificate.from_der(identity_of_bob.certificate),
        load_private_key(identity_of_bob.private_pkcs8),
    )
