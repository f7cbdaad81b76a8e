"""Certificates, lists and responses signed with SHA-1, which cryptography no longer does."""

import hashlib

from asn1crypto import crl, ocsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.testpki import Key, TestCA, TestIdentity

_ALGORITHM = {"algorithm": "sha1_ecdsa"}


def _sign(key: Key, octets: bytes) -> bytes:
    digest = hashlib.sha1(octets, usedforsecurity=False).digest()
    signature: bytes = key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA1())))
    return signature


def sha1_certificate(authority: TestCA) -> bytes:
    """Return an authority's certificate as its parent would have signed it long ago."""
    assert authority.parent is not None
    certificate = x509.Certificate.load(authority.certificate)
    certificate["tbs_certificate"]["signature"] = _ALGORITHM
    certificate["signature_algorithm"] = _ALGORITHM
    tbs = certificate["tbs_certificate"].dump(force=True)
    certificate["signature_value"] = _sign(authority.parent.key, tbs)
    octets: bytes = certificate.dump(force=True)
    return octets


def sha1_list(authority: TestCA) -> bytes:
    """Return an authority's CRL, signed with SHA-1."""
    found = crl.CertificateList.load(authority.crl())
    found["tbs_cert_list"]["signature"] = _ALGORITHM
    found["signature_algorithm"] = _ALGORITHM
    found["signature"] = _sign(authority.key, found["tbs_cert_list"].dump(force=True))
    octets: bytes = found.dump(force=True)
    return octets


def sha1_response(authority: TestCA, identity: TestIdentity) -> bytes:
    """Return an OCSP response, signed with SHA-1."""
    response = ocsp.OCSPResponse.load(authority.ocsp(identity))
    basic = response["response_bytes"]["response"].parsed
    basic["signature_algorithm"] = _ALGORITHM
    basic["signature"] = _sign(authority.key, basic["tbs_response_data"].dump())
    response["response_bytes"]["response"] = basic
    octets: bytes = response.dump(force=True)
    return octets
