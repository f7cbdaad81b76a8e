"""Sealed keys open with their master key and their context, and with nothing else (T129)."""

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pki.errors import CannotUnseal
from app.pki.sealing import MasterKey, new_master_key, seal

MASTER = MasterKey.load(new_master_key())
SEALED = seal(MASTER.public, b"a private key", context=b"key 7 of alice@example.org")


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=60))
def test_what_is_sealed_opens_again(plaintext: bytes, context: bytes) -> None:
    sealed = seal(MASTER.public, plaintext, context=context)
    assert MASTER.open(sealed, context=context) == plaintext


def test_two_seals_of_one_key_are_not_alike() -> None:
    assert seal(MASTER.public, b"x", context=b"") != seal(MASTER.public, b"x", context=b"")


def test_row_cannot_take_the_place_of_another() -> None:
    for context in (b"key 8 of alice@example.org", b"key 7 of mallory@example.org", b""):
        with pytest.raises(CannotUnseal):
            MASTER.open(SEALED, context=context)


def test_another_master_key_opens_nothing() -> None:
    with pytest.raises(CannotUnseal):
        MasterKey.load(new_master_key()).open(SEALED, context=b"key 7 of alice@example.org")


@pytest.mark.parametrize("place", range(len(SEALED)))
def test_no_octet_can_be_changed(place: int) -> None:
    changed = bytearray(SEALED)
    changed[place] ^= 1
    with pytest.raises(CannotUnseal):
        MASTER.open(bytes(changed), context=b"key 7 of alice@example.org")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_octets_raise_but_cannot_unseal(octets: bytes) -> None:
    for sealed in (octets, b"\x01" + octets):
        with pytest.raises(CannotUnseal):
            MASTER.open(sealed, context=b"")


def test_plaintext_does_not_show() -> None:
    assert b"private" not in SEALED
    assert "X25519" not in repr(MASTER)


OTHER = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


@pytest.mark.parametrize(
    "octets",
    [b"", b"hello", new_master_key()[:60], OTHER],
    ids=["nothing", "words", "cut-off", "other-kind"],
)
def test_file_that_is_no_master_key_is_refused(octets: bytes) -> None:
    with pytest.raises(CannotUnseal):
        MasterKey.load(octets)


@pytest.mark.parametrize("public", [b"", b"x" * 31, b"x" * 33])
def test_public_half_that_is_none_is_refused(public: bytes) -> None:
    with pytest.raises(CannotUnseal):
        seal(public, b"x", context=b"")


def test_public_half_is_thirty_two_octets() -> None:
    assert len(MASTER.public) == 32
