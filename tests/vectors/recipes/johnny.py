"""One forgery of each class of "Johnny, you are fired!", of EFAIL, and of our own list of threats.

From tests/forgery, where there are thousands; none of them may be believed, none may be opened.
"""

from collections.abc import Iterator

from tests import forge
from tests.forgery import identity
from tests.forgery.makers import Workshop
from tests.vectors.recipes.case import CLEAR, NOT_BELIEVED, OPAQUE, Case

# The names of tests/forgery, and what the forger hopes for.
_CLEAR = {
    "c1-other-econtent": "Another content inside the SignedData than in the message.",
    "c1-attributes-as-content": "The signed attributes of Alice are shown as her content.",
    "c2-stolen-first": "A SignerInfo of Alice over something else, beside an honest one.",
    "c3-no-signer": "A SignedData without signers.",
    "c4-self-signed": "Alice's address in a certificate that signed itself.",
    "c4-twin-of-our-ca-with-bag": "A certification authority of the same name as ours.",
    "m1-mixed-before": "Unsigned text above a true signature of Alice.",
    "m2-html-hides": "HTML that hides the signed part.",
    "m3-cid": "The signed part is loaded like an image.",
    "m4-attachment": "A signed message as an attachment.",
    "m-signed-evil-first": "A multipart/signed of three parts.",
    "m-protocol-empty": "A multipart/signed that does not say by which protocol.",
    "boundary-bare-lf": "A delimiter with a bare LF.",
    "boundary-twice": "Two boundaries in one Content-Type.",
    "tampered-charset": "The charset of the signed part was changed.",
    "tampered-crlf": "One line end more before the delimiter.",
    "i1-from": "Mallory signed, From is Alice.",
    "i2-address-as-name": "Mallory signed; the display name is Alice's address.",
    "i2-full-width-at": "The same with an @ that only looks like one.",
    "i3-two-mailboxes": "From names both.",
    "i3-from-twice": "Two From fields.",
    "i3-from-after-bare-lf": "A second From after a bare LF.",
    "i3-resent-from": "From is Alice, Mallory resent it.",
    "t38-nul": "A NUL in the header section over a true signature.",
    "t60-inner-alice": "The protected header section says Alice, Mallory signed.",
    "same-number": "A certificate with issuer and serial number of Alice's.",
    "mallory-around-alice": "Mallory's signature around Alice's.",
    "names-alice-signed-by-mallory": "The SignerInfo names Alice's certificate, Mallory signed.",
    "t97-alice-in-bag": "Alice's certificate stands beside Mallory's.",
    "t59-replay-other-from": "A letter of Alice's under the From of Carol.",
    "m4-deep": "A signed part deep inside others.",
    "t51-common-name": "Alice's address is the common name of Mallory's certificate.",
    "t51-dn-beside-san": "The same in the emailAddress of the DN, beside another address.",
}
_OPAQUE = {
    "c1-no-econtent": "A detached signature with nothing that is signed.",
    "c2-good-and-mallory": "Two signers, one is Mallory.",
    "c3-certs-only-label": "Nobody signed, and it says so.",
    "tampered-amount": "One digit changed.",
    "tampered-cut": "The end is missing.",
    "label-enveloped-data": "Says that it is encrypted, and is signed by Mallory.",
    "i2-comment": "From is a comment.",
}
_WEAK = {
    "weak-md5": "A signature over MD5.",
    "weak-rsa1024": "An RSA key of 1024 bits.",
}
_COVERT = {
    "covert-m1-mixed-before": "An old ciphertext for Bob below new text.",
    "covert-m2-image-around": "The same inside the address of an image (EFAIL).",
    "covert-m4-forwarded": "The same in a forwarded message.",
}
_LOOKALIKES = {
    "cyrillic-a": ("\u0430lice@example.org", "The first letter of Alice is a Cyrillic one."),
    "nul": ("alice@example.org\x00.evil.example", "A NUL after Alice's address."),
    "comma": ("mallory@evil.example,alice@example.org", "Two addresses in one name."),
}


def cases() -> Iterator[Case]:
    yield from _chosen(CLEAR, _CLEAR)
    yield from _chosen(OPAQUE, _OPAQUE)
    yield from _chosen(Workshop("rsa2048", "", "opaque"), _WEAK)
    yield from _lookalikes()
    made = {case.name: case.octets for case in forge.covert()}
    for name, about in _COVERT.items():
        yield Case(name, about, made[name], NOT_BELIEVED, body=None)


def _lookalikes() -> Iterator[Case]:
    """T50: addresses in a certificate that are not Alice's, however they look."""
    made = dict(identity.certificates(CLEAR))
    numbers = {address: number for number, address in enumerate(identity.odd_addresses())}
    for name, (address, about) in _LOOKALIKES.items():
        octets = made[f"t50-{numbers[address]}"]
        yield Case(f"t50-{name}", about, octets, NOT_BELIEVED, body=None)


def _chosen(shop: Workshop, wanted: dict[str, str]) -> Iterator[Case]:
    made = {name: octets for family in forge.FAMILIES for name, octets in family(shop)}
    for name, about in wanted.items():
        label = f"{name.removesuffix('-' + shop.form)}-{shop.form}"
        yield Case(label, about, made[name], NOT_BELIEVED, body=None)
