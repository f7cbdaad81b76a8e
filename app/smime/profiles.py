"""How to encrypt and sign for whom: the named profiles, one row each.

A partner's capabilities choose within the profile; they never reach below its floor, because the
list of ciphers of a row is all that can be chosen (T99). RFC 8551 §2.7.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.cms.signed import Signer


@dataclass(frozen=True, slots=True)
class Profile:
    """One row of the table."""

    name: str
    ciphers: tuple[str, ...]
    # What may be chosen, the best first; the floor is the last.
    unknown: str
    # For a partner whose capabilities are not known.
    rsa: str
    # How the content-encryption key goes to an RSA key.
    rsa_signature: str
    # The signature scheme where the signer's key is an RSA one.
    note: str
    one_certificate: bool = False
    # A message is encrypted to the newest certificate of a partner alone.


_CBC = ("aes256-cbc", "aes192-cbc", "aes128-cbc")
_GCM = ("aes256-gcm", "aes128-gcm")

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            "compat",
            (*_GCM, "chacha20-poly1305", *_CBC),
            # DEVIATION: RFC 8551 §2.7.1.2 says AES-256-GCM for an unknown partner; classic Outlook
            # could not open it in 2025.
            "aes256-cbc",
            "pkcs1v15",
            "rsa-sha256",
            "what every client of today opens",
        ),
        Profile(
            "smime4",
            (*_GCM, "chacha20-poly1305"),
            "aes256-gcm",
            "oaep-sha256",
            "rsa-sha256",
            "RFC 8551 with its SHOULDs: authenticated encryption, OAEP",
        ),
        Profile(
            "bsi",
            (*_GCM, *_CBC),
            "aes256-gcm",
            "oaep-sha256",
            "rsa-pss-sha256",
            "BSI TR-03116-4: OAEP and PSS, AES",
        ),
        Profile(
            "edi-energy",
            # The rules allowed AES-CBC until 1 October 2025; a partner who is late gets a route
            # with another profile.
            ("aes128-gcm",),
            "aes128-gcm",
            "oaep-sha256",
            "rsa-pss-sha256",
            "EDI@Energy: AES-128-GCM, RSAES-OAEP, RSASSA-PSS",
            one_certificate=True,
        ),
    )
}


def get_profile(name: str) -> Profile:
    """Return the profile of a name; raises KeyError, because policy admits known names only."""
    return PROFILES[name]


def choose_cipher(profile: str, capabilities: Sequence[str] | None) -> str:
    """Return the content cipher for a partner.

    The first of the partner's capabilities that the profile knows; without any, or where nothing
    fits, the profile's own choice: capabilities can raise, never lower. RFC 8551 §2.7.1.1.
    """
    row = get_profile(profile)
    for capability in capabilities or ():
        if capability in row.ciphers:
            return capability
    return row.unknown


@lru_cache(maxsize=1024)
def signer_for(profile: str, signer: Signer) -> Signer:
    """Return the signer with the signature scheme of the profile; the same one for keys not RSA."""
    scheme = get_profile(profile).rsa_signature
    if signer.signature.family not in {"rsa", "rsa-pss"} or signer.signature.name == scheme:
        return signer
    return Signer(signer.certificate, signer.key, signer.chain, scheme)
