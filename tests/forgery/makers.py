"""What the forger works with: people, keys, and CMS objects that no honest client would make.

The victim is Alice, whose certificate is trusted; Mallory has a trusted certificate too, of his own
address. Bob receives. Everything is made from our own certification authority, once a process.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from asn1crypto import cms as asn1
from asn1crypto import core
from asn1crypto import x509 as asn1x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from app.cms.keys import load_private_key
from app.cms.signed import Signer, build_signed
from app.mail.compose import wrap_base64
from tests.testpki import AT, TestCA, TestIdentity, ca

ALICE = "alice@example.org"
MALLORY = "mallory@evil.example"
BOB = "bob@example.net"

# The four schemes of N6: kind of key, name of the scheme.
SCHEMES = (("rsa2048", ""), ("rsa2048", "rsa-pss-sha256"), ("p256", ""), ("ed25519", ""))


@dataclass(frozen=True)
class Workshop:
    """One scheme in one form: everybody in it signs so."""

    kind: str
    scheme: str
    form: str

    @property
    def alice(self) -> TestIdentity:
        return issued(ALICE, self.kind)

    @property
    def mallory(self) -> TestIdentity:
        return issued(MALLORY, self.kind)

    def cms(
        self, content: bytes, who: TestIdentity | None = None, *, detached: bool | None = None
    ) -> bytes:
        """Return an honest SignedData over the content, by Alice unless said."""
        detached = self.form == "clear" if detached is None else detached
        return build_signed(
            signer_of(who or self.alice, self.scheme), [content], detached=detached, at=AT
        )

    def mail(self, head: bytes, entity: bytes, cms: bytes) -> bytes:
        """Return the message of a content and a SignedData in this workshop's form."""
        return clear(head, entity, cms) if self.form == "clear" else opaque(head, cms)

    def signed(self, head: bytes, entity: bytes, who: TestIdentity | None = None) -> bytes:
        """Return an honest message."""
        return self.mail(head, entity, self.cms(entity, who))


@cache
def root() -> TestCA:
    return ca("Forge Root")


@cache
def authority() -> TestCA:
    return ca("Forge Issuing", root())


@cache
def issued(address: str, kind: str) -> TestIdentity:
    return authority().issue(address, key=kind)


@cache
def signer_of(identity: TestIdentity, scheme: str = "") -> Signer:
    key = load_private_key(identity.private_pkcs8)
    return Signer(identity.certificate, key, identity.chain, scheme)


def head(sender: bytes = b"Alice <alice@example.org>", more: bytes = b"") -> bytes:
    """Return a header section without Content fields."""
    return (
        b"From: %s\r\nTo: Bob <bob@example.net>\r\nSubject: Payment\r\n" % sender
        + b"Date: Mon, 15 Jun 2026 12:00:00 +0000\r\nMessage-ID: <forged@example.org>\r\n"
        + more
        + b"MIME-Version: 1.0\r\n"
    )


def text(body: bytes = b"Please pay 100 to account 1.\r\n") -> bytes:
    """Return a text entity."""
    return b"Content-Type: text/plain; charset=us-ascii\r\n\r\n" + body


GOOD = text()
EVIL = text(b"Please pay 9999 to account 666.\r\n")


def clear(fields: bytes, entity: bytes, cms: bytes, boundary: bytes = b"=_f0rge") -> bytes:
    """Return a clear-signed message."""
    return b"".join(
        (
            fields,
            b'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n',
            b' micalg=sha-256; boundary="%s"\r\n\r\n--%s\r\n' % (boundary, boundary),
            entity,
            b"\r\n--%s\r\n" % boundary,
            signature_part(cms),
            b"\r\n--%s--\r\n" % boundary,
        )
    )


def signature_part(cms: bytes) -> bytes:
    """Return the second part of a multipart/signed."""
    return (
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="smime.p7s"\r\n\r\n' + wrap_base64(cms)
    )


def opaque(fields: bytes, cms: bytes, smime_type: bytes = b"signed-data") -> bytes:
    """Return an opaque-signed message, or whatever smime_type says."""
    return fields + cms_part(cms, smime_type)


def cms_part(cms: bytes, smime_type: bytes = b"signed-data") -> bytes:
    """Return an application/pkcs7-mime entity."""
    return (
        b'Content-Type: application/pkcs7-mime; smime-type=%s; name="smime.p7m"\r\n' % smime_type
        + b"Content-Transfer-Encoding: base64\r\n\r\n"
        + wrap_base64(cms)
    )


def edited(cms: bytes, edit: Callable[[Any], None]) -> bytes:
    """Return a SignedData after ``edit`` has worked on it as asn1crypto knows it."""
    info = asn1.ContentInfo.load(cms)
    edit(info["content"])
    octets: bytes = info.dump(force=True)
    return octets


def signer_infos(cms: bytes) -> list[Any]:
    return list(asn1.ContentInfo.load(cms)["content"]["signer_infos"])


def with_signers(cms: bytes, signers: Sequence[Any], *, content: bytes | None = None) -> bytes:
    """Return the SignedData with other SignerInfos, and another eContent if one is given."""

    def edit(signed: Any) -> None:
        signed["signer_infos"] = asn1.SignerInfos(signers)
        if content is not None:
            signed["encap_content_info"]["content"] = core.OctetString(content)

    return edited(cms, edit)


def with_certificates(cms: bytes, ders: Sequence[bytes]) -> bytes:
    """Return the SignedData with another bag of certificates."""

    def edit(signed: Any) -> None:
        signed["certificates"] = asn1.CertificateSet(
            [asn1.CertificateChoices("certificate", asn1x509.Certificate.load(d)) for d in ders]
        )

    return edited(cms, edit)


def sign_octets(identity: TestIdentity, octets: bytes, digest: str, scheme: str = "") -> bytes:
    """Return a signature of any digest, also of those no honest client uses."""
    algorithm: Any = getattr(hashes, digest.upper())()
    key = identity.key
    if isinstance(key, rsa.RSAPrivateKey):
        how: Any = padding.PKCS1v15()
        if scheme.startswith("rsa-pss"):
            how = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size)
        return key.sign(octets, how, algorithm)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(octets, ec.ECDSA(algorithm))
    signature: bytes = key.sign(octets)
    return signature
