"""A vector before it is written, and the people who appear in all of them."""

from dataclasses import dataclass
from datetime import datetime
from functools import cache

from tests.forgery.makers import ALICE, BOB, Workshop, authority, issued
from tests.testpki import AT, TestIdentity

# Any status but the four that a reader would take for "it is from whom it says".
NOT_BELIEVED = "not believed"
BELIEVED = frozenset({"valid", "valid-domain"})

TEXT = b"Content-Type: text/plain; charset=us-ascii\r\n\r\n"
BODY = b"Please pay 100 to account 1.\r\n"
ENTITY = TEXT + BODY


@dataclass(frozen=True)
class Case:
    """A message with what its maker knows about it; the rest is recorded and looked at."""

    name: str
    about: str
    octets: bytes
    signature: str = "none"
    decryption: str = "none"
    cipher: str = ""
    body: bytes | None = BODY
    # What lies under all layers; None where the forger leaves that open.
    openssl: str = ""
    # "verify" or the name of the key to "decrypt" with, where openssl can judge too.
    at: datetime = AT


@cache
def bob(kind: str = "rsa2048") -> TestIdentity:
    return authority().issue(BOB, key=kind) if kind != "rsa2048" else issued(BOB, kind)


@cache
def alice(kind: str) -> TestIdentity:
    return issued(ALICE, kind)


CLEAR = Workshop("p256", "", "clear")
OPAQUE = Workshop("p256", "", "opaque")
