"""How a vector is read from its files, and how the engine is asked about it."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from app.mail.headers import split
from app.model import keys as store
from app.model import trust
from app.smime.content import strip_signature
from app.smime.kinds import SIGNED, recognise
from tests.houses import House, only
from tests.testpki import AT

HERE = Path(__file__).parent
TOPICS = ("verify", "decrypt", "clients", "layers", "johnny", "chains")
BOB = "bob@example.net"

# Whose keys open the mail to Bob; each file in keys/ holds the key and the certificates above it.
BOBS = ("bob-rsa2048", "bob-p256", "bob-p384", "bob-brainpool256", "bob-x25519")


@dataclass(frozen=True)
class Vector:
    """One message, and what is to be said of it."""

    topic: str
    name: str
    octets: bytes
    expected: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.topic}/{self.name}"

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.expected["at"])


def vectors(*topics: str) -> Iterator[Vector]:
    """Give the vectors of these topics, or all."""
    for topic in topics or TOPICS:
        for path in sorted((HERE / topic).glob("*.eml")):
            expected = json.loads(path.with_suffix(".expect").read_text("utf-8"))
            yield Vector(topic, path.stem, path.read_bytes(), expected)


def household(folder: Path, keys: Sequence[bytes], anchor: bytes) -> House:
    """Return the house of Bob, who owns these keys and trusts this anchor."""
    house = House(folder, "example.net", "en")
    trust.add(house.database, anchor, AT)
    for octets in keys:
        store.import_keys(house.database, octets, None, AT)
    house.changed()
    return house


def answer(house: House, octets: bytes, at: datetime) -> dict[str, Any]:
    """Run a message through the machine for Bob and return what is said of it."""
    delivery = only(house.send(octets, BOB, at=at))
    finding, decryption = delivery.finding, delivery.decryption
    assert finding is not None
    assert decryption is not None
    opened = delivery.peeled.message if delivery.peeled else octets
    return {
        "signature": str(finding.status),
        "reasons": [reason.code for reason in finding.reasons],
        "signer": finding.signer,
        "algorithm": finding.algorithm,
        "decryption": decryption.status,
        "cipher": decryption.algorithm,
        "authenticated": decryption.authenticated,
        "decryption_reasons": [reason.code for reason in decryption.reasons],
        "subject": split(delivery.octets).headers.text("Subject"),
        "content": innermost(opened),
    }


def innermost(message: bytes) -> str:
    """Return the SHA-256 of the body under every signature that comes off."""
    for _ in range(8):
        layer = recognise(message)
        if layer.kind not in SIGNED:
            break
        inner = strip_signature(message, layer)
        if inner == message:
            break
        message = inner
    return digest(split(message).body)


def digest(body: bytes) -> str:
    """Return how octets are written down in an .expect."""
    return hashlib.sha256(body).hexdigest()
