"""Certificates that we make, and requests for those that others make (C3, D1)."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from app.mail.address import MalformedAddress
from app.pki import pem
from app.pki.certificate import Certificate
from app.pki.issue import KEY_KINDS, matches, request, self_signed
from app.pki.keyfile import fits
from tests.testpki import AT, ca


def test_domain_certificate_bears_both_names_of_rfc_3183() -> None:  # D1
    entry = self_signed([], at=AT, domain="Example.ORG", days=730, key="rsa-2048")
    certificate = entry.certificate
    assert certificate.addresses == (
        "domain-signing-authority@example.org",
        "domain-confidentiality-authority@example.org",
    )
    assert certificate.subject == "CN=domain-signing-authority,O=example.org"
    assert certificate.is_self_signed
    assert not certificate.is_ca
    assert certificate.not_after == AT + timedelta(days=730)
    assert certificate.signing_problems(AT) == ()
    assert certificate.encryption_problems(AT) == ()
    assert fits(entry.private_pkcs8, certificate)
    assert entry.chain == ()


def test_default_is_rsa_3072_for_three_years() -> None:
    certificate = self_signed(["info@example.org"], at=AT).certificate
    assert certificate.key_kind == "rsa-3072"
    assert certificate.not_after - AT == timedelta(days=1095)


def test_certificate_is_valid_at_a_partner_whose_clock_is_behind() -> None:
    certificate = self_signed(["a@example.org"], at=AT, key="ec-p256").certificate
    assert certificate.signing_problems(AT - timedelta(minutes=59)) == ()


USAGES = [
    ("rsa-2048", {"digital_signature", "key_encipherment"}, True),
    ("ec-p256", {"digital_signature", "key_agreement"}, True),
    ("ec-p384", {"digital_signature", "key_agreement"}, True),
    ("ed25519", {"digital_signature"}, False),
]


@pytest.mark.parametrize(("kind", "usage", "encrypts"), USAGES)
def test_usage_fits_the_kind_of_key(kind: str, usage: set[str], encrypts: bool) -> None:
    certificate = self_signed(["a@example.org"], at=AT, key=kind).certificate
    assert certificate.key_kind == kind
    assert certificate.key_usage == frozenset(usage)
    assert certificate.signing_problems(AT) == ()
    assert (certificate.encryption_problems(AT) == ()) is encrypts


def test_address_outside_ascii_becomes_a_smtp_utf8_mailbox() -> None:
    certificate = self_signed(["Jörg@bücher.example"], at=AT, key="ec-p256").certificate
    assert certificate.addresses == ("jörg@xn--bcher-kva.example",)
    assert certificate.odd_addresses == ()


@pytest.mark.parametrize("address", ["", "nobody", "a b@example.org", "a@example.org\r\nX: y"])
def test_address_that_is_none_gets_no_certificate(address: str) -> None:
    with pytest.raises(MalformedAddress):
        self_signed([address], at=AT, key="ec-p256")
    with pytest.raises(MalformedAddress):
        request([address], "ec-p256")


def test_no_weak_key_is_made() -> None:  # RFC 8551 §4.1
    assert "rsa-1024" not in KEY_KINDS
    with pytest.raises(KeyError):
        self_signed(["a@example.org"], at=AT, key="rsa-1024")


@pytest.mark.parametrize("kind", ["rsa-2048", "ec-p256", "ed25519"])
def test_request_asks_for_what_is_needed(kind: str) -> None:
    made = request(["alice@example.org", "a.lice@example.org"], kind)
    csr = x509.load_pem_x509_csr(made.csr_pem)
    assert csr.is_signature_valid
    names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.RFC822Name) == ["alice@example.org", "a.lice@example.org"]
    usage = csr.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.EMAIL_PROTECTION]


def test_answer_is_matched_by_its_key_whatever_its_names() -> None:  # C3
    made = request(["alice@example.org"], "ec-p256")
    csr = x509.load_pem_x509_csr(made.csr_pem)
    authority = ca("Issuing")
    answer = authority.issue("someone.else@example.net", private=_Public(csr.public_key()))
    other = authority.issue("alice@example.org")
    for ours in (made.private_pkcs8, made.csr_pem, pem.decode(made.csr_pem)):
        assert matches(ours, Certificate.from_der(answer.certificate))
        assert not matches(ours, Certificate.from_der(other.certificate))


class _Public:
    """A private key as far as an authority sees it: its public half."""

    def __init__(self, public: object) -> None:
        self._public = public

    def public_key(self) -> object:
        return self._public

    def private_bytes(self, *_: object) -> bytes:
        return b""


@pytest.mark.parametrize("octets", [b"", b"hello", b"\x30\x00", b"-----BEGIN X-----"])
def test_nothing_matches_what_is_neither_key_nor_request(octets: bytes) -> None:
    certificate = Certificate.from_der(ca("Any").issue("a@example.org").certificate)
    assert not matches(octets, certificate)


@pytest.mark.interop
def test_openssl_reads_what_we_make(tmp_path: Path) -> None:
    entry = self_signed(["info@example.org"], at=AT, domain="example.org", key="rsa-2048")
    (tmp_path / "certificate.pem").write_bytes(pem.encode(entry.certificate.der))
    (tmp_path / "request.pem").write_bytes(request(["a@example.org"], "ec-p256").csr_pem)
    shown = subprocess.run(
        ["openssl", "x509", "-in", tmp_path / "certificate.pem", "-noout", "-purpose", "-text"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert "S/MIME signing : Yes" in shown
    assert "S/MIME encryption : Yes" in shown
    assert "email:domain-confidentiality-authority@example.org" in shown
    checked = subprocess.run(
        ["openssl", "req", "-in", tmp_path / "request.pem", "-noout", "-verify"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert "OK" in checked.stderr + checked.stdout
