"""Private keys with their certificates, from the files in which people keep them.

PKCS#12 of every age (RC2, 3DES, AES), PEM, and a ZIP of many PKCS#12 files. The cost of a file is
looked at before it is paid: size, rounds of key derivation (T108), expansion of a ZIP. Expired
certificates are taken, because old mail is decrypted with them. RFC 7292, RFC 5958, RFC 7468.
"""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509 import load_der_x509_certificate

from app.pki import archive, pem
from app.pki.certificate import Certificate
from app.pki.errors import MalformedCertificate, MalformedKeyFile, WrongPassword
from app.pki.pfx import check_rounds

FILE_OCTETS: Final = 1024 * 1024
KEYS: Final = 10_000


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A private key, the certificate that fits it, and the authorities up to, without, the root."""

    private_pkcs8: bytes
    certificate: Certificate
    chain: tuple[Certificate, ...] = ()

    def __repr__(self) -> str:
        return f"KeyEntry({self.certificate.fingerprint})"


def load_keys(octets: bytes, password: str | None, name: str = "") -> tuple[KeyEntry, ...]:
    """Return every key of a file that has its certificate beside it.

    Raises WrongPassword or MalformedKeyFile, each with one line; ``name`` stands in front of it.
    """
    try:
        # cryptography warns of BER and of old kinds of keys; what is unusable is told by others.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _load(octets, password)
    except (MalformedKeyFile, WrongPassword) as error:
        if not name:
            raise
        raise type(error)(f"{name}: {error}") from error.__cause__


def _load(octets: bytes, password: str | None) -> tuple[KeyEntry, ...]:
    if archive.is_zip(octets):
        return _load_archive(octets, password)
    if len(octets) > FILE_OCTETS:
        raise MalformedKeyFile(f"the file is larger than {FILE_OCTETS} octets")
    if pem.is_der(octets):
        return (_load_pkcs12(octets, password),)
    return _load_pem(octets, password)


def _load_archive(octets: bytes, password: str | None) -> tuple[KeyEntry, ...]:
    entries: list[KeyEntry] = []
    for member, content in archive.members(octets, FILE_OCTETS):
        if member.lower().endswith((".p12", ".pfx")):
            entries += load_keys(content, password, member)
    if not entries:
        raise MalformedKeyFile("the ZIP file holds no .p12 or .pfx file")
    return tuple(entries)


def _load_pkcs12(octets: bytes, password: str | None) -> KeyEntry:
    check_rounds(octets)
    found = None
    for secret in _spellings(password):
        try:
            found = pkcs12.load_pkcs12(octets, secret)
        except ValueError:
            continue
        except UnsupportedAlgorithm as error:
            raise MalformedKeyFile("the PKCS#12 file is encrypted in an unknown way") from error
        break
    if found is None:
        raise WrongPassword("the password does not open the PKCS#12 file")
    if found.key is None:
        raise MalformedKeyFile("the PKCS#12 file holds no private key")
    certificates = [each.certificate for each in (found.cert, *found.additional_certs) if each]
    ders = [each.public_bytes(serialization.Encoding.DER) for each in certificates]
    return _entry(_pkcs8(found.key), _certificates(ders))


def _spellings(password: str | None) -> tuple[bytes | None, ...]:
    """Return the password in the encodings in which it may have been used.

    QUIRK: old tools take the octets of the local character set for characters.
    """
    if not password:
        return (None, b"")
    octets = password.encode("utf-8")
    return (octets,) if password.isascii() else (octets, password.encode("latin-1", "replace"))


def _load_pem(octets: bytes, password: str | None) -> tuple[KeyEntry, ...]:
    certificates: list[bytes] = []
    keys: list[bytes] = []
    for label, block in pem.blocks(octets):
        if label in {"CERTIFICATE", "X509 CERTIFICATE"}:
            certificates.append(_decoded(block))
        elif label.endswith("PRIVATE KEY"):
            keys.append(_load_pem_key(block, password))
    if not keys:
        raise MalformedKeyFile("the file holds no private key (PKCS#12, PEM, or a ZIP of PKCS#12)")
    parsed = _certificates(certificates)
    return tuple(_entry(key, parsed) for key in keys)


def _decoded(block: bytes) -> bytes:
    try:
        return pem.decode(block)
    except ValueError as error:
        raise MalformedKeyFile(str(error)) from error


def _load_pem_key(block: bytes, password: str | None) -> bytes:
    if len(block) > FILE_OCTETS:
        raise MalformedKeyFile("a private key that is too large")
    encrypted = b"ENCRYPTED" in block
    secret = password.encode("utf-8") if password and encrypted else None
    try:
        return _pkcs8(serialization.load_pem_private_key(block, secret))
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        if encrypted:
            raise WrongPassword("the password does not open the private key") from error
        raise MalformedKeyFile("a private key that cannot be read") from error


def _pkcs8(key: object) -> bytes:
    if not hasattr(key, "private_bytes"):
        raise MalformedKeyFile("a private key of an unknown kind")
    octets: bytes = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return octets


def _certificates(ders: Iterable[bytes]) -> tuple[Certificate, ...]:
    try:
        return tuple(dict.fromkeys(map(Certificate.from_der, ders)))
    except MalformedCertificate as error:
        raise MalformedKeyFile(str(error)) from error


def _entry(private_pkcs8: bytes, certificates: Sequence[Certificate]) -> KeyEntry:
    fitting = [each for each in certificates if fits(private_pkcs8, each)]
    if not fitting:
        raise MalformedKeyFile("no certificate in the file fits the private key")
    # A renewal with the same key may stand beside its predecessor: the newer one is the one to use.
    leaf = max(fitting, key=lambda each: (not each.is_ca, each.not_before, each.not_after))
    return KeyEntry(private_pkcs8, leaf, _chain(leaf, certificates))


def _chain(leaf: Certificate, certificates: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """Return the authorities in the file in the order of issuing, without the root."""
    chain: list[Certificate] = []
    last = leaf
    while True:
        issuer = next(
            (
                each
                for each in certificates
                if each.subject_key == last.issuer_key and each not in (leaf, *chain)
            ),
            None,
        )
        if issuer is None or issuer.is_self_signed:
            return tuple(chain)
        chain.append(issuer)
        last = issuer


def fits(private_pkcs8: bytes, certificate: Certificate) -> bool:
    """Return whether the certificate holds the public half of the key."""
    try:
        private = serialization.load_der_private_key(
            private_pkcs8, None, unsafe_skip_rsa_key_validation=True
        )
        public = serialization.load_der_public_key(certificate.spki)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return private.public_key() == public


def dump_pkcs12(entry: KeyEntry, password: str) -> bytes:
    """Return the entry as PKCS#12 with AES-256 and PBES2, for another program or a backup."""
    key = serialization.load_der_private_key(entry.private_pkcs8, None)
    return pkcs12.serialize_key_and_certificates(
        entry.certificate.subject.encode("utf-8"),
        key,  # type: ignore[arg-type]  # the union there lacks the kinds that it takes since 46
        load_der_x509_certificate(entry.certificate.der),
        [load_der_x509_certificate(each.der) for each in entry.chain],
        serialization.BestAvailableEncryption(password.encode("utf-8")),
    )
