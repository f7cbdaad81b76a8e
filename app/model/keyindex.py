"""How certificates are found by what a message names: issuer and serial, or key identifier."""

import hashlib
from typing import Final

_CHARACTERS: Final = 32
"""128 bits: an index of a million rows stays small. What is found is compared again."""


def issuer_serial(issuer_der: bytes, serial: int) -> str:
    """Return the index of an issuer and a serial number (RFC 5652 §10.2.4), in hexadecimal."""
    return hashlib.sha256(issuer_der + b"\n" + str(serial).encode()).hexdigest()[:_CHARACTERS]


def key_identifier(ski: bytes) -> str:
    """Return the index of a subject key identifier (RFC 5280 §4.2.1.2), "" for none."""
    return hashlib.sha256(ski).hexdigest()[:_CHARACTERS] if ski else ""
