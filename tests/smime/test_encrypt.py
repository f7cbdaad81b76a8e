"""Which cipher a partner gets, and from whom we know it."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ObjectIdentifier

from app.cms.attributes import parse_capabilities
from app.cms.der import SEQUENCE, read_one
from app.pki.certificate import Certificate
from app.smime.encrypt import encrypt
from tests.smime.house import issuing, letter

# SMIMECapabilities with AES-128-GCM.
CARRIED = bytes.fromhex("300d300b0609608648016503040106")


def _certificate(capabilities: bytes) -> Certificate:
    identifier = ObjectIdentifier("1.2.840.113549.1.9.15")
    extension = x509.UnrecognizedExtension(identifier, capabilities)
    who = issuing().issue("bob@example.net", extensions=[(extension, False)])
    return Certificate.from_der(who.certificate)


@pytest.mark.parametrize(
    ("capabilities", "cipher"),
    [(None, "aes128-gcm"), ((), "aes128-gcm"), (("aes256-gcm",), "aes256-gcm")],
)
def test_the_certificate_says_what_its_holder_never_did(
    capabilities: tuple[str, ...] | None, cipher: str
) -> None:  # RFC 4262 §2
    certificate = _certificate(CARRIED)
    sealed = encrypt(letter(), [certificate], profile="compat", capabilities=capabilities)
    assert sealed.cipher == cipher


def test_the_certificate_cannot_ask_for_less_than_the_profile() -> None:  # T99
    rc2_only = bytes.fromhex("300c300a06082a864886f70d0302")
    assert parse_capabilities(read_one(rc2_only, SEQUENCE)) == ("rc2",)
    sealed = encrypt(letter(), [_certificate(rc2_only)], profile="compat")
    assert sealed.cipher == "aes256-cbc"
