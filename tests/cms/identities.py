"""Who signs and who reads in the tests of CMS: one identity for each kind of key, made once."""

from functools import cache

from app.cms.keys import PrivateKey, load_private_key
from app.cms.signed import Signer
from tests.testpki import TestCA, TestIdentity, ca

CONTENT = b"Content-Type: text/plain\r\n\r\nA few words.\r\n"
SIGNING_KEYS = (
    "rsa2048",
    "p256",
    "p384",
    "p521",
    "brainpool256",
    "brainpool384",
    "brainpool512",
    "ed25519",
    "mldsa44",
    "mldsa65",
    "mldsa87",
)
READING_KEYS = (
    "rsa2048",
    "p256",
    "p384",
    "p521",
    "brainpool256",
    "brainpool384",
    "brainpool512",
    "x25519",
    "mlkem768",
    "mlkem1024",
)
CIPHERS = (
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "aes128-gcm",
    "aes192-gcm",
    "aes256-gcm",
    "chacha20-poly1305",
)


@cache
def _issuing() -> TestCA:
    return ca("Issuing", parent=ca("Root"))


@cache
def _issue(kind: str, address: str) -> TestIdentity:
    return _issuing().issue(address, key=kind)


def identity(kind: str = "p256", address: str = "alice@example.org") -> TestIdentity:
    """Return an identity whose issuer stands below the root; always the same one."""
    return _issue(kind, address)


@cache
def key(kind: str = "p256", address: str = "alice@example.org") -> PrivateKey:
    """Return the private key of an identity."""
    return load_private_key(identity(kind, address).private_pkcs8)


@cache
def signer(kind: str = "p256", scheme: str = "") -> Signer:
    """Return somebody who signs with such a key."""
    who = identity(kind)
    return Signer(who.certificate, key(kind), who.chain, scheme)
