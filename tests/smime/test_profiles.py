"""The table of profiles, and what a partner may choose in it."""

import pytest

from app.cms.algorithms import CIPHERS
from app.smime.profiles import PROFILES, choose_cipher, signer_for
from tests.smime.house import person, signer_of


@pytest.mark.parametrize(
    ("profile", "capabilities", "cipher"),
    [
        ("compat", None, "aes256-cbc"),
        ("compat", (), "aes256-cbc"),
        ("compat", ("aes256-gcm", "aes256-cbc"), "aes256-gcm"),
        ("compat", ("aes128-cbc",), "aes128-cbc"),
        ("compat", ("sha256", "rsa", "aes128-gcm"), "aes128-gcm"),
        # T99: capabilities never reach below the floor.
        ("compat", ("rc2", "1.3.14.3.2.7", "3des"), "aes256-cbc"),
        ("compat", ("rc2", "aes128-cbc"), "aes128-cbc"),
        ("smime4", None, "aes256-gcm"),
        ("smime4", ("aes256-cbc", "aes128-cbc"), "aes256-gcm"),
        ("smime4", ("aes128-gcm",), "aes128-gcm"),
        ("bsi", None, "aes256-gcm"),
        ("edi-energy", None, "aes128-gcm"),
        ("edi-energy", ("aes256-gcm", "aes256-cbc"), "aes128-gcm"),  # T99
        ("edi-energy", ("aes256-cbc",), "aes128-gcm"),
    ],
)
def test_cipher_is_chosen_within_the_profile(
    profile: str, capabilities: tuple[str, ...] | None, cipher: str
) -> None:
    assert choose_cipher(profile, capabilities) == cipher


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda row: row.name)
def test_no_profile_knows_a_weak_cipher(profile: object) -> None:  # T99
    row = PROFILES[profile.name]  # type: ignore[attr-defined]
    assert row.unknown in row.ciphers
    for name in row.ciphers:
        assert not CIPHERS[name].weak


@pytest.mark.parametrize(
    ("profile", "kind", "scheme"),
    [
        ("compat", "rsa2048", "rsa-sha256"),
        ("smime4", "rsa2048", "rsa-sha256"),
        ("bsi", "rsa2048", "rsa-pss-sha256"),
        ("edi-energy", "rsa2048", "rsa-pss-sha256"),
        ("edi-energy", "p256", "ecdsa-sha256"),
        ("bsi", "ed25519", "ed25519"),
    ],
)
def test_rsa_signs_as_the_profile_says(profile: str, kind: str, scheme: str) -> None:
    signer = signer_of(person("alice@example.org", kind))
    assert signer_for(profile, signer).signature.name == scheme
    assert signer_for(profile, signer) is signer_for(profile, signer)
