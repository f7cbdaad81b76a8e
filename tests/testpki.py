"""Certificates described in words, for every test that needs a small public key infrastructure.

``ca("Root").issue("alice@example.org", key="rsa2048")`` reads as what it makes. Keys are made once
per process for each kind and name, so that a suite pays for an RSA key once; another name has
another key. Everything is valid from 2024 to 2050 unless said, so that the fixed moment ``AT`` and
the real clock of other programs both fall inside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (
    ec,
    rsa,
)
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID, ObjectIdentifier

from tests.testkeys import Key, pem, pkcs8, private_key, sign, usage_of

__all__ = [
    "AT",
    "Key",
    "TestCA",
    "TestIdentity",
    "ca",
    "dn",
    "key_usage",
    "mailbox",
    "name_constraints",
    "pem",
    "pkcs8",
    "private_key",
    "sign",
    "subtree",
    "usage_of",
]

AT = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
VALID_FROM = datetime(2024, 1, 1, tzinfo=UTC)
VALID_UNTIL = datetime(2049, 12, 31, tzinfo=UTC)

_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)

_EXTENDED = {
    "server_auth": "1.3.6.1.5.5.7.3.1",
    "client_auth": "1.3.6.1.5.5.7.3.2",
    "code_signing": "1.3.6.1.5.5.7.3.3",
    "email_protection": "1.3.6.1.5.5.7.3.4",
    "ocsp_signing": "1.3.6.1.5.5.7.3.9",
    "any_extended_key_usage": "2.5.29.37.0",
}

_SMTP_UTF8_MAILBOX = ObjectIdentifier("1.3.6.1.5.5.7.8.9")
_SERIALS = count(1000)


def dn(common_name: str, **more: str) -> x509.Name:
    """Return a distinguished name; ``more`` may hold organization, country, email."""
    oids = {
        "organization": NameOID.ORGANIZATION_NAME,
        "country": NameOID.COUNTRY_NAME,
        "email": NameOID.EMAIL_ADDRESS,
    }
    attributes = [x509.NameAttribute(oids[word], value) for word, value in more.items()]
    if common_name:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    return x509.Name(attributes)


def mailbox(address: str) -> x509.GeneralName:
    """Return an rfc822Name, or a SmtpUTF8Mailbox where the address is not ASCII (RFC 9598)."""
    if address.isascii():
        return x509.RFC822Name._init_without_validation(address)
    octets = address.encode()
    assert len(octets) < 128
    return x509.OtherName(_SMTP_UTF8_MAILBOX, b"\x0c" + bytes([len(octets)]) + octets)


def key_usage(words: Sequence[str]) -> x509.KeyUsage:
    """Return a KeyUsage with these bits."""
    return x509.KeyUsage(*(word in words for word in _USAGES))


@dataclass(frozen=True)
class TestIdentity:
    """A certificate with its private key and the path up to, but without, the root."""

    __test__: ClassVar[bool] = False

    certificate: bytes
    private_pkcs8: bytes
    chain: tuple[bytes, ...]
    root: bytes
    key: Key
    issuer: "TestCA | None" = None

    @property
    def x509(self) -> x509.Certificate:
        """Return the certificate as cryptography knows it."""
        return x509.load_der_x509_certificate(self.certificate)

    @property
    def pem(self) -> bytes:
        """Return the certificate as PEM."""
        return pem(self.certificate)

    @property
    def key_pem(self) -> bytes:
        """Return the private key as unencrypted PEM."""
        return pem(self.private_pkcs8, "PRIVATE KEY")


class TestCA:
    """A certification authority; ``ca()`` makes one."""

    __test__: ClassVar[bool] = False

    def __init__(self, name: x509.Name, private: Key, parent: "TestCA | None", url: str) -> None:
        self.name = name
        self.key = private
        self.parent = parent
        self.url = url
        self.certificate = b""
        self.revoked: dict[int, datetime] = {}

    @property
    def root(self) -> bytes:
        """Return the certificate of the root above (or this one)."""
        return self.parent.root if self.parent else self.certificate

    @property
    def chain(self) -> tuple[bytes, ...]:
        """Return the certificates from this one up to, but without, the root."""
        return (self.certificate, *self.parent.chain) if self.parent else ()

    @property
    def identity(self) -> TestIdentity:
        """Return the authority itself as an identity, for tests that misuse it."""
        return TestIdentity(
            self.certificate, pkcs8(self.key), self.chain[1:], self.root, self.key, self.parent
        )

    def issue(
        self,
        addresses: str | Sequence[str] = (),
        *,
        key: str = "p256",
        private: Key = None,
        not_before: datetime = VALID_FROM,
        not_after: datetime = VALID_UNTIL,
        days: int | None = None,
        usage: Sequence[str] | None = (),
        extended: Sequence[str] | None = ("email_protection",),
        subject: x509.Name | None = None,
        san: x509.SubjectAlternativeName | None = None,
        serial: int | None = None,
        revoked: datetime | str | None = None,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
        digest: str = "",
        pss: bool = False,
    ) -> TestIdentity:
        """Return a new end entity.

        An empty usage is the usual one of the key, None is no keyUsage extension at all. With days
        the certificate ends that long after not_before. revoked puts it on the authority's list.
        """
        addresses = (addresses,) if isinstance(addresses, str) else tuple(addresses)
        label = addresses[0] if addresses else "nobody"
        private = private or private_key(key, label)
        serial = next(_SERIALS) if serial is None else serial
        builder = (
            x509.CertificateBuilder()
            .subject_name(dn(label.partition("@")[0][:64]) if subject is None else subject)
            .issuer_name(self.name)
            .public_key(private.public_key())
            .serial_number(serial)
            .not_valid_before(not_before)
            .not_valid_after(not_after if days is None else not_before + timedelta(days=days))
        )
        names = san or x509.SubjectAlternativeName([mailbox(each) for each in addresses])
        if san or addresses:
            builder = builder.add_extension(names, critical=False)
        for extension, critical in self._leaf_extensions(private, key, usage, extended):
            if all(extension.oid != each.oid for each, _ in extensions):
                builder = builder.add_extension(extension, critical=critical)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        if revoked is not None:
            when = datetime.fromisoformat(revoked) if isinstance(revoked, str) else revoked
            self.revoked[serial] = when if when.tzinfo else when.replace(tzinfo=UTC)
        certificate = sign(builder, self.key, digest, pss=pss)
        return TestIdentity(certificate, pkcs8(private), self.chain, self.root, private, self)

    def _leaf_extensions(
        self,
        private: Key,
        kind: str,
        usage: Sequence[str] | None,
        extended: Sequence[str] | None,
    ) -> list[tuple[x509.ExtensionType, bool]]:
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (x509.SubjectKeyIdentifier.from_public_key(private.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False),
        ]
        if usage is not None:
            extensions.append((key_usage(tuple(usage) or usage_of(kind)), True))
        if extended is not None:
            oids = [ObjectIdentifier(_EXTENDED.get(word, word)) for word in extended]
            extensions.append((x509.ExtendedKeyUsage(oids), False))
        return extensions + self.pointers()

    def pointers(self) -> list[tuple[x509.ExtensionType, bool]]:
        """Return the CRL and OCSP pointers of what this authority issues, if it has a URL."""
        if not self.url:
            return []
        crl_at = x509.UniformResourceIdentifier(self.url + ".crl")
        ocsp_at = x509.UniformResourceIdentifier(self.url + ".ocsp")
        return [
            (
                x509.CRLDistributionPoints([x509.DistributionPoint([crl_at], None, None, None)]),
                False,
            ),
            (
                x509.AuthorityInformationAccess(
                    [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, ocsp_at)]
                ),
                False,
            ),
        ]

    def crl(
        self,
        *,
        at: datetime = AT,
        days: int = 7,
        number: int = 1,
        private: Key = None,
        extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    ) -> bytes:
        """Return the list of what was revoked, as DER, made a day before ``at``."""
        issued = at - timedelta(days=1)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(issued)
            .next_update(issued + timedelta(days=days))
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        for serial, when in self.revoked.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when)
            reason = x509.CRLReason(x509.ReasonFlags.key_compromise)
            builder = builder.add_revoked_certificate(
                entry.add_extension(reason, critical=False).build()
            )
        private = private or self.key
        digest = (
            hashes.SHA256()
            if isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
            else None
        )
        return builder.sign(private, digest).public_bytes(serialization.Encoding.DER)

    def ocsp(
        self,
        identity: TestIdentity,
        *,
        at: datetime = AT,
        days: int = 1,
        responder: TestIdentity | None = None,
        nonce: bytes = b"",
    ) -> bytes:
        """Return an OCSP response about one certificate, as DER, made an hour before ``at``."""
        certificate = identity.x509
        when = self.revoked.get(certificate.serial_number)
        issued = at - timedelta(hours=1)
        signer = responder.x509 if responder else x509.load_der_x509_certificate(self.certificate)
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=certificate,
                issuer=x509.load_der_x509_certificate(self.certificate),
                algorithm=hashes.SHA1(),  # RFC 6960 §4.1.1: only a name for the issuer
                cert_status=ocsp.OCSPCertStatus.REVOKED if when else ocsp.OCSPCertStatus.GOOD,
                this_update=issued,
                next_update=issued + timedelta(days=days),
                revocation_time=when,
                revocation_reason=x509.ReasonFlags.key_compromise if when else None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
        )
        if responder:
            builder = builder.certificates([signer])
        if nonce:
            builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
        return builder.sign(responder.key if responder else self.key, hashes.SHA256()).public_bytes(
            serialization.Encoding.DER
        )


def name_constraints(
    permitted: Sequence[x509.GeneralName] = (), excluded: Sequence[x509.GeneralName] = ()
) -> x509.NameConstraints:
    """Return a NameConstraints of these subtrees."""
    return x509.NameConstraints(list(permitted) or None, list(excluded) or None)


def subtree(text: str) -> x509.GeneralName:
    """Return an rfc822Name constraint: a mailbox, a host, or ``.domain``."""
    return x509.RFC822Name._init_without_validation(text)


def ca(
    name: str | x509.Name,
    parent: TestCA | None = None,
    *,
    key: str = "p256",
    private: Key = None,
    path_length: int | None = None,
    permitted: Sequence[str] = (),
    excluded: Sequence[str] = (),
    usage: Sequence[str] | None = ("key_cert_sign", "crl_sign"),
    is_ca: bool | None = True,
    not_before: datetime = VALID_FROM,
    not_after: datetime = VALID_UNTIL,
    serial: int | None = None,
    url: str = "",
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    digest: str = "",
    pss: bool = False,
) -> TestCA:
    """Return a certification authority, self-signed or issued by its parent.

    permitted and excluded are rfc822Name subtrees; is_ca=None leaves basicConstraints out. With a
    url, what it issues points at url.crl and url.ocsp.
    """
    subject = dn(name) if isinstance(name, str) else name
    private = private or private_key(key, "CA " + subject.rfc4514_string())
    authority = TestCA(subject, private, parent, url)
    signer = parent or authority
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.name)
        .public_key(private.public_key())
        .serial_number(next(_SERIALS) if serial is None else serial)
        .not_valid_before(not_before)
        .not_valid_after(not_after)
    )
    words: list[tuple[x509.ExtensionType, bool]] = [
        (x509.SubjectKeyIdentifier.from_public_key(private.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), False),
    ]
    if is_ca is not None:
        words.append((x509.BasicConstraints(is_ca, path_length if is_ca else None), True))
    if usage is not None:
        words.append((key_usage(usage), True))
    if permitted or excluded:
        trees = name_constraints([*map(subtree, permitted)], [*map(subtree, excluded)])
        words.append((trees, True))
    words += parent.pointers() if parent else []
    replaced = {extension.oid for extension, _ in extensions}
    for extension, critical in words:
        if extension.oid not in replaced:
            builder = builder.add_extension(extension, critical=critical)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    authority.certificate = sign(builder, signer.key, digest, pss=pss)
    return authority
