"""Sealing of private keys for the database: HPKE to a master key that lives outside it.

Whoever has only the database, or only the public half, opens nothing (T129). What is sealed is
bound to its context, the key's id and owner, so that a row cannot be put in the place of another.
The master key's file is a PKCS#8 PEM text; its public half is all that an import needs. RFC 9180
§5.1.1 with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from app.pki.errors import CannotUnseal

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
# Says which suite and form was used, so that another can follow one day.
_VERSION: Final = b"\x01"
_LABEL: Final = b"sealmon key 1\0"


def new_master_key() -> bytes:
    """Return the content of a new master key file, to be kept readable by the gateway only."""
    return x25519.X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def seal(public: bytes, plaintext: bytes, *, context: bytes) -> bytes:
    """Return the octets sealed to the raw public half of a master key."""
    try:
        key = x25519.X25519PublicKey.from_public_bytes(public)
    except ValueError as error:
        raise CannotUnseal("the public half of the master key is not 32 octets") from error
    return _VERSION + _SUITE.encrypt(plaintext, key, _LABEL + context)


@dataclass(frozen=True, slots=True, repr=False)
class MasterKey:
    """The key that opens what was sealed; it never shows itself in a log."""

    _private: x25519.X25519PrivateKey

    @staticmethod
    def load(octets: bytes) -> "MasterKey":
        """Return the key of a master key file, or raise CannotUnseal."""
        try:
            private = serialization.load_pem_private_key(octets, password=None)
        except (ValueError, TypeError) as error:
            raise CannotUnseal("the master key file cannot be read") from error
        if not isinstance(private, x25519.X25519PrivateKey):
            raise CannotUnseal("the master key file holds a key of another kind")
        return MasterKey(private)

    @property
    def public(self) -> bytes:
        """The half that seals, 32 octets."""
        return self._private.public_key().public_bytes_raw()

    def open(self, sealed: bytes, *, context: bytes) -> bytes:
        """Return what was sealed with the same context, or raise CannotUnseal."""
        if sealed[:1] != _VERSION:
            raise CannotUnseal("the sealed octets are of an unknown version")
        try:
            return _SUITE.decrypt(sealed[1:], self._private, _LABEL + context)
        except (InvalidTag, ValueError) as error:
            raise CannotUnseal("the master key does not open this, or it was changed") from error
