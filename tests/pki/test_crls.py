"""Lists are cut down to the entries in question, and the signature still holds over the whole."""

from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from app.cms.errors import MalformedCms
from app.pki.certificate import Certificate
from app.pki.crls import CRL_OCTETS, SMALL_OCTETS, abridge
from app.pki.path import validate
from tests.pki.asking import anchors
from tests.testpki import AT, ca
from tests.timing import own_time

URL = "http://127.0.0.1/big"
ROOT = ca("Big Root", url=URL)
GOOD = ROOT.issue("good@example.org", serial=0x7700AA)
BAD = ROOT.issue("bad@example.org", serial=0x7700BB)


def big_list(entries: int, *serials: int, indirect: bool = False) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ROOT.name)
        .last_update(AT - timedelta(days=1))
        .next_update(AT + timedelta(days=6))
    )
    if indirect:
        point = x509.IssuingDistributionPoint(
            full_name=None,
            relative_name=None,
            only_contains_user_certs=False,
            only_contains_ca_certs=False,
            only_some_reasons=None,
            indirect_crl=True,
            only_contains_attribute_certs=False,
        )
        builder = builder.add_extension(point, critical=True)
    when = AT - timedelta(days=100)
    for number in (*range(1, entries), *serials):
        entry = x509.RevokedCertificateBuilder().serial_number(number << 8).revocation_date(when)
        if number in serials:
            entry = (
                x509.RevokedCertificateBuilder()
                .serial_number(number)
                .revocation_date(when)
                .add_extension(x509.CRLReason(x509.ReasonFlags.superseded), critical=False)
            )
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(ROOT.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


LIST = big_list(3000, 0x7700BB)


def status_with(octets: bytes, name: str) -> tuple[str, str]:
    identity = {"good": GOOD, "bad": BAD}[name]
    leaf = Certificate.from_der(identity.certificate)
    result = validate(leaf, (), anchors(ROOT), at=AT, revocation="hard", crls=[octets])
    return result.status, result.revocation


def test_big_list_tells_good_from_revoked() -> None:
    assert len(LIST) > SMALL_OCTETS
    assert status_with(LIST, "good") == ("trusted", "good")
    assert status_with(LIST, "bad") == ("revoked", "revoked")


def test_entries_of_others_are_cut_out() -> None:
    short = abridge(LIST, [0x7700AA, 0x7700BB])
    assert short is not None
    assert len(short.octets) < 500
    assert short.signed_tbs in LIST
    listed = x509.load_der_x509_crl(short.octets)
    assert [each.serial_number for each in listed] == [0x7700BB]
    assert listed.next_update_utc == x509.load_der_x509_crl(LIST).next_update_utc


@pytest.mark.parametrize("serial", [1 << 8, 0x0100 << 8, 0x7F << 8, 0x80 << 8, 2999 << 8, 0x7700BB])
def test_every_entry_is_found(serial: int) -> None:
    short = abridge(LIST, [serial])
    assert short is not None
    assert [each.serial_number for each in x509.load_der_x509_crl(short.octets)] == [serial]


def test_serial_number_inside_another_entry_is_not_taken_for_one() -> None:
    # 0x17 0x0d is how the date of an entry begins.
    short = abridge(LIST, [0x0D, 0x17, 1, 0])
    assert short is not None
    assert list(x509.load_der_x509_crl(short.octets)) == []


def test_changed_entry_breaks_the_signature_although_it_was_cut_out() -> None:
    changed = LIST.replace(b"\x02\x03\x00\x80\x00", b"\x02\x03\x00\x81\x00", 1)
    assert changed != LIST
    assert status_with(changed, "good") == ("untrusted", "unknown")
    assert status_with(changed, "bad") == ("untrusted", "unknown")


def test_indirect_list_is_read_whole_or_not_at_all() -> None:
    small = big_list(200, 0x7700BB, indirect=True)
    short = abridge(small, [0x7700AA])
    assert short is not None
    assert short.octets == small
    assert abridge(big_list(12_000, indirect=True), [1]) is None


def test_list_over_the_limit_is_left_out() -> None:
    assert abridge(bytes(CRL_OCTETS + 1), [1]) is None


@pytest.mark.parametrize("octets", [b"", b"0", b"\x30\x80\0\0", LIST[:-1], LIST + b"\0"])
def test_what_is_no_list_is_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedCms):
        abridge(octets, [1])


def test_list_of_eight_thousand_entries_takes_milliseconds() -> None:
    octets = big_list(8_000, 0x7700BB)
    with own_time() as own:
        assert status_with(octets, "bad") == ("revoked", "revoked")
    assert own.seconds < 0.5
