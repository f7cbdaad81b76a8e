"""Two readers of one object see one thing, and no input raises anything but the named errors.

Our reader and asn1crypto are held against each other on every object of the public test material,
on objects of our own, and on both with octets changed.
"""

import contextlib
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.cms import der, reference
from app.cms.ber import scan, to_der
from app.cms.certs_only import build_certs_only, parse_certs_only
from app.cms.compressed import open_compressed
from app.cms.enveloped import build_enveloped, open_enveloped, parse_enveloped
from app.cms.errors import (
    CannotDecrypt,
    MalformedCms,
    NotForThisKey,
    TooLarge,
    UnsupportedCms,
)
from app.cms.keys import identity_of, load_private_key, public_key_of
from app.cms.kind import content_kind
from app.cms.signed import build_signed, parse_signed, verify_signer
from tests.cms import corpus
from tests.cms.identities import CONTENT, READING_KEYS, SIGNING_KEYS, identity, key, signer
from tests.examples import examples
from tests.testpki import AT

T = TypeVar("T")
NAMED = (MalformedCms, UnsupportedCms, TooLarge, NotForThisKey, CannotDecrypt)


@cache
def seeds() -> tuple[bytes, ...]:
    """Return objects of our own of every kind."""
    found = [
        build_signed(signer(kind), [CONTENT], detached=kind != "p256", at=AT)
        for kind in SIGNING_KEYS
        if not kind.startswith("mldsa")
    ]
    found += [
        build_enveloped([CONTENT], [identity(kind).certificate], cipher=cipher)
        for kind in READING_KEYS
        for cipher in ("aes256-cbc", "aes256-gcm")
    ]
    found.append(build_certs_only([identity().certificate, *identity().chain]))
    return tuple(found)


def all_of_it(octets: bytes) -> None:
    """Do with the octets whatever the gateway does with octets from outside."""
    scan(octets)
    kind = content_kind(octets)
    if kind == "signed":
        found = parse_signed(octets)
        for info in found.signers:
            for certificate in (*found.certificates, identity().certificate):
                verify_signer(info, [found.content or CONTENT], certificate)
                info.names(certificate)
    elif kind in {"enveloped", "auth-enveloped"}:
        enveloped = parse_enveloped(octets)
        for one in READING_KEYS:
            certificate = identity(one).certificate
            try:
                open_enveloped(
                    *(enveloped, key(one), certificate), limit_octets=10_000, legacy="3des+rc2"
                )
            except NAMED:
                continue
    elif kind == "compressed":
        open_compressed(octets)


def hold_against_each_other(octets: bytes) -> None:
    """Raise AssertionError if our reader takes what asn1crypto reads otherwise."""
    with contextlib.suppress(*NAMED):
        signed, whole = parse_signed(octets), to_der(octets)
        _agree(reference.check_signed, whole, signed)
    with contextlib.suppress(*NAMED):
        enveloped, whole = parse_enveloped(octets), to_der(octets)
        _agree(reference.check_enveloped, whole, enveloped)


def _agree(check: Callable[[bytes, T], None], octets: bytes, found: T) -> None:
    try:
        check(octets, found)
    except MalformedCms as fault:
        raise AssertionError(str(fault), octets.hex()) from fault


@examples(300)
@given(st.binary(max_size=300))
@example(b"")
@example(b"\x30\x80")
@example(b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80")
def test_no_octets_raise_anything_but_the_named_errors(octets: bytes) -> None:
    functions: tuple[Callable[[bytes], object], ...] = (
        *(all_of_it, to_der, content_kind, parse_signed, parse_enveloped, open_compressed),
        *(parse_certs_only, identity_of, public_key_of, load_private_key),
        lambda octets: der.read_one(octets, der.SEQUENCE),
    )
    for function in functions:
        try:
            function(octets)
        except NAMED:
            continue


def changed(octets: bytes, chance: random.Random) -> bytes:
    """Return the octets with a few of them changed, cut out, doubled or exchanged."""
    found = bytearray(octets)
    for _ in range(chance.choice((1, 1, 1, 2, 5))):
        if not found:
            break
        place = chance.randrange(len(found))
        # The structure is at the ends more than in the middle of certificates.
        if chance.random() < 0.5:
            place = min(place, chance.randrange(80), len(found) - 1)
        match chance.randrange(6):
            case 0:
                found[place] = chance.randrange(256)
            case 1:
                found[place] ^= 1 << chance.randrange(8)
            case 2:
                del found[place : place + chance.choice((1, 2, 4, 16))]
            case 3:
                found[place:place] = found[place : place + chance.choice((1, 2, 4, 16))]
            case 4:
                found[place] = chance.choice((0x30, 0x31, 0x80, 0xA0, 0x24, 0x04, 0x02, 0x06, 0))
            case _:
                found[place:place] = chance.choice((b"\x00\x00", b"\x30\x80", b"\x05\x00"))
    return bytes(found)


@examples(600)
@given(st.integers(0, 2**32))
def test_changed_objects_raise_only_the_named_errors(seed: int) -> None:
    chance = random.Random(seed)
    octets = changed(chance.choice(seeds()), chance)
    with contextlib.suppress(*NAMED):
        all_of_it(octets)
    hold_against_each_other(octets)


@pytest.mark.parametrize("octets", range(30))
def test_our_own_objects_read_the_same_to_both(octets: int) -> None:
    if octets < len(seeds()):
        hold_against_each_other(seeds()[octets])


@pytest.mark.parametrize("entry", corpus.entries(), ids=lambda entry: entry["file"])
def test_the_public_material_reads_the_same_to_both(entry: dict[str, str]) -> None:
    path = Path(corpus.folder() / entry["file"])
    octets = corpus.sample(path).cms
    hold_against_each_other(octets)
    chance = random.Random(entry["file"])
    for _ in range(5):
        one = changed(octets, chance)
        hold_against_each_other(one)
        try:
            all_of_it(one)
        except NAMED:
            continue
