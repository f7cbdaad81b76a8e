"""Layers come off from the outside in, and each says what it is worth."""

import zlib
from collections.abc import Callable

import pytest
from asn1crypto import cms as asn1

from app.mail.address import originator
from app.mail.compose import pkcs7_mime
from app.mail.headers import join, split
from app.smime.encrypt import encrypt
from app.smime.finding import Finding, Status, worst
from app.smime.kinds import Kind
from app.smime.peel import Circumstances, Peeled, peel
from app.smime.sign import sign
from app.smime.verify import verify
from tests.smime.house import (
    AT,
    certificate_of,
    key_of,
    letter,
    person,
    signer_of,
    trust,
)

ALICE = signer_of(person("alice@example.org"))
MALLORY = signer_of(person("mallory@evil.example"))
BOB = person("bob@example.net")
CAROL = person("carol@example.net")

Step = Callable[[bytes], bytes]


def clear(octets: bytes) -> bytes:
    return sign(octets, ALICE, form="clear", at=AT, token=b"=_%d" % len(octets))


def opaque(octets: bytes) -> bytes:
    return sign(octets, ALICE, form="opaque", at=AT, token=b"")


def by_mallory(octets: bytes) -> bytes:
    return sign(octets, MALLORY, form="clear", at=AT, token=b"=_%d" % len(octets))


def sealed(octets: bytes) -> bytes:
    return encrypt(octets, [certificate_of(BOB)], profile="smime4").octets


def for_carol(octets: bytes) -> bytes:
    return encrypt(octets, [certificate_of(CAROL)], profile="smime4").octets


def compressed(octets: bytes) -> bytes:
    parts = split(octets)
    inside = b"".join(each.octets for each in parts.headers.fields if "ontent" in each.name)
    content = asn1.CompressedData(
        {
            "version": "v0",
            "compression_algorithm": {"algorithm": "zlib"},
            "encap_content_info": {
                "content_type": "data",
                "content": zlib.compress(inside + b"\r\n" + parts.body),
            },
        }
    )
    cms = asn1.ContentInfo({"content_type": "compressed_data", "content": content}).dump()
    return pkcs7_mime(parts.headers, cms, "compressed-data", "smime.p7z")


def beyond_limits(octets: bytes) -> bytes:
    parts = split(octets)
    return compressed(join(parts.headers, b"x" * 2_000_000))


def read(octets: bytes) -> tuple[Finding, Peeled]:
    view = trust()
    by = Circumstances(originator(split(octets).headers), view, AT)
    peeled = peel(octets, [key_of(BOB)], by)
    last = verify(peeled.message, peeled.layer, by.originator, view, at=AT)
    return worst((*peeled.outer, last)), peeled


@pytest.mark.parametrize(
    ("steps", "decryption", "signature"),
    [
        # from the inside out
        ((), "none", Status.NONE),
        ((clear,), "none", Status.VALID),
        ((clear, sealed), "decrypted", Status.VALID),
        ((opaque, sealed), "decrypted", Status.VALID),
        ((clear, sealed, clear), "decrypted", Status.VALID),
        ((opaque, sealed, opaque), "decrypted", Status.VALID),
        ((clear, sealed, sealed), "decrypted", Status.VALID),
        # T66: whoever signs the ciphertext did not write what is in it.
        ((sealed, clear), "decrypted", Status.PARTIAL),
        ((sealed, opaque), "decrypted", Status.PARTIAL),
        ((sealed, by_mallory), "decrypted", Status.PARTIAL),
        ((clear, sealed, by_mallory), "decrypted", Status.VALID_OTHER),
        ((by_mallory, sealed, clear), "decrypted", Status.VALID_OTHER),
        # What cannot be opened stays as it came; the signature around it is no mark for what the
        # reader's client finds in there.
        ((clear, for_carol), "no-key", Status.NONE),
        ((for_carol, clear), "no-key", Status.PARTIAL),
        ((clear, for_carol, clear), "no-key", Status.PARTIAL),
        ((for_carol, clear, opaque), "none", Status.PARTIAL),
        ((for_carol, clear, sealed), "decrypted", Status.PARTIAL),
        ((clear, for_carol, sealed), "decrypted", Status.NONE),
        # A client that opens both looks into a compressed layer, too.
        ((sealed, compressed, clear), "none", Status.PARTIAL),
        ((for_carol, compressed, opaque), "none", Status.PARTIAL),
        ((compressed, clear), "none", Status.VALID),
        ((clear, compressed, clear), "none", Status.VALID),
        ((clear, compressed), "none", Status.VALID),
        ((clear, compressed, sealed), "decrypted", Status.VALID),
        ((compressed, sealed), "decrypted", Status.NONE),
        # What is not looked into may hold ciphertext.
        ((beyond_limits, clear), "none", Status.PARTIAL),
    ],
    ids=lambda value: "-".join(step.__name__ for step in value) if isinstance(value, tuple) else "",
)
def test_layers_are_judged_together(
    steps: tuple[Step, ...], decryption: str, signature: Status
) -> None:
    octets = letter()
    for step in steps:
        octets = step(octets)
    finding, peeled = read(octets)
    assert peeled.decryption.status == decryption
    assert finding.status is signature
    assert split(peeled.message).headers.text("Subject") == "Test"


def test_two_compressed_layers_are_one_too_many() -> None:  # T105
    _, peeled = read(compressed(compressed(letter())))
    assert peeled.layer.kind is Kind.COMPRESSED


def test_more_layers_than_the_limit_stay() -> None:
    octets = letter()
    for _ in range(9):
        octets = sealed(octets)
    _, peeled = read(octets)
    assert peeled.layer.kind is Kind.AUTH_ENVELOPED
