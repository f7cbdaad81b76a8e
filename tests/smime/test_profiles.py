"""The table of profiles, and what a partner may choose in it."""

import pytest

from app.cms.algorithms import CIPHERS
from app.smime.profiles import PROFILES, choose_cipher


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
        ("edi-energy", ("aes256-gcm", "aes256-cbc"), "aes256-cbc"),
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
