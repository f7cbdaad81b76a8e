"""Certificates that we make: the self-signed one of a domain, and requests to an authority.

A domain's certificate bears the two names that gateways know each other by, so that one ordinary
certificate signs and decrypts for everybody there (D1). RFC 3183 §3.1.1, RFC 2986, RFC 5280 §4.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, OtherNameFormOID

from app.cms import der
from app.mail.address import normalise, normalise_domain
from app.pki import pem
from app.pki.certificate import Certificate
from app.pki.keyfile import KeyEntry, fits

SIGNING_NAME: Final = "domain-signing-authority"
CONFIDENTIALITY_NAME: Final = "domain-confidentiality-authority"

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

# RFC 8551 §4.1: RSA below 2048 MUST NOT be made; TR-03116-4 wants 3000 and more.
KEY_KINDS: Final[dict[str, Callable[[], Key]]] = {
    "rsa-2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa-3072": lambda: rsa.generate_private_key(65537, 3072),
    "rsa-4096": lambda: rsa.generate_private_key(65537, 4096),
    "ec-p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ec-p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}

# Clocks differ: a certificate that begins now is not valid yet at the partner's.
_HEAD_START: Final = timedelta(hours=1)
_COMMON_NAME_CHARACTERS: Final = 64  # RFC 5280 appendix A, ub-common-name


class Request(NamedTuple):
    """A new private key and the request for its certificate."""

    private_pkcs8: bytes
    csr_pem: bytes


def self_signed(
    addresses: Sequence[str],
    *,
    at: datetime,
    domain: str | None = None,
    days: int = 1095,
    key: str = "rsa-3072",
) -> KeyEntry:
    """Return a new key with a certificate that vouches for itself.

    With a domain the certificate bears the domain's two RFC 3183 names besides the addresses.
    Raises MalformedAddress for an address that is none.
    """
    names = _domain_names(domain) + [normalise(each) for each in addresses]
    private = KEY_KINDS[key]()
    subject = _subject(SIGNING_NAME if domain else names[0], domain)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - _HEAD_START)
        .not_valid_after(at + timedelta(days=days))
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(private.public_key())
    builder = builder.add_extension(identifier, critical=False)
    for extension, critical in _extensions(names, private):
        builder = builder.add_extension(extension, critical=critical)
    certificate = builder.sign(private, _digest(private))
    return KeyEntry(
        _pkcs8(private), Certificate.from_der(certificate.public_bytes(serialization.Encoding.DER))
    )


def request(addresses: Sequence[str], key: str = "rsa-3072") -> Request:
    """Return a new private key, which stays here, and the request for an authority (PKCS#10)."""
    names = [normalise(each) for each in addresses]
    private = KEY_KINDS[key]()
    builder = x509.CertificateSigningRequestBuilder().subject_name(_subject(names[0], None))
    for extension, critical in _extensions(names, private):
        builder = builder.add_extension(extension, critical=critical)
    csr = builder.sign(private, _digest(private))
    return Request(_pkcs8(private), csr.public_bytes(serialization.Encoding.PEM))


def matches(private_or_csr: bytes, certificate: Certificate) -> bool:
    """Return whether a certificate is the answer to a request, or fits a private key (PKCS#8).

    Answers are matched by the public key, because authorities change names as they like (C3).
    """
    try:
        if pem.is_der(private_or_csr):
            csr = x509.load_der_x509_csr(private_or_csr)
        else:
            csr = x509.load_pem_x509_csr(private_or_csr)
        public = serialization.load_der_public_key(certificate.spki)
    except (ValueError, UnsupportedAlgorithm):
        return fits(private_or_csr, certificate)
    return csr.public_key() == public


def _domain_names(domain: str | None) -> list[str]:
    if domain is None:
        return []
    name = normalise_domain(domain)
    return [f"{SIGNING_NAME}@{name}", f"{CONFIDENTIALITY_NAME}@{name}"]


def _subject(common_name: str, domain: str | None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_COMMON_NAME_CHARACTERS])]
    if domain:
        organization = normalise_domain(domain)[:_COMMON_NAME_CHARACTERS]
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _extensions(names: Sequence[str], private: Key) -> list[tuple[x509.ExtensionType, bool]]:
    is_rsa = isinstance(private, rsa.RSAPrivateKey)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=is_rsa,
        data_encipherment=False,
        # CA/B S/MIME BR 7.1.2.3: the dual use of a curve is signature and key agreement.
        key_agreement=isinstance(private, ec.EllipticCurvePrivateKey),
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage, True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False),
        (x509.SubjectAlternativeName([_general_name(each) for each in names]), False),
    ]


def _general_name(address: str) -> x509.GeneralName:
    """Return an rfc822Name, or a SmtpUTF8Mailbox if the local part needs it (RFC 9598 §3)."""
    if address.isascii():
        return x509.RFC822Name(address)
    text = der.tlv(0x0C, address.encode("utf-8"))
    return x509.OtherName(OtherNameFormOID.SMTP_UTF8_MAILBOX, text)


def _digest(private: Key) -> hashes.SHA256 | None:
    return None if isinstance(private, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _pkcs8(private: Key) -> bytes:
    return private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
