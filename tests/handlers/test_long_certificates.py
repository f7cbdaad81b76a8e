"""A certificate that says much makes no long field: relays cut and refuse those (T33, T36)."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509

from app.cms import der
from app.cms.signed import build_signed
from app.mail.compose import pkcs7_mime
from app.mail.headers import Headers, split
from app.mta.envelope import Envelope
from app.mta.record import Record, finding_json, trace_row
from app.mta.reply import RELAYED
from tests.cms.parts import SignedParts, signed
from tests.houses import STRANGER, House, authority, message, only
from tests.smime.house import signer_of
from tests.testpki import AT, TestIdentity

ALICE, BOB = "alice@far.example", "bob@nord.example"
ROOT = authority()


def _names(*odd: str) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName([x509.RFC822Name(each) for each in (ALICE, *odd)])


def _edited(field: str, value: object) -> TestIdentity:
    """Return somebody whose certificate says something else than what was issued."""
    who = ROOT.issue(ALICE)
    certificate = asn1.Certificate.load(who.certificate)
    certificate["tbs_certificate"][field] = value
    return replace(who, certificate=certificate.dump(force=True))


ISSUER = asn1.Name.build({"common_name": "a" * 5_000})
MANY = asn1.Name(
    "",
    [
        asn1.RelativeDistinguishedName(
            [
                {
                    "type": "organizational_unit_name",
                    "value": asn1.DirectoryString("utf8_string", f"unit {n}"),
                }
            ]
        )
        for n in range(500)
    ],
)

CERTIFICATES: dict[str, Callable[[], TestIdentity]] = {
    "thousands of odd addresses": lambda: ROOT.issue(
        ALICE, san=_names(*(f'"a b{n}"@far.example' for n in range(3_000)))
    ),
    "a long odd address": lambda: ROOT.issue(ALICE, san=_names(f'"{"a" * 5_000}"@far.example')),
    "other addresses": lambda: ROOT.issue([f"{'b' * 60}{n}@far.example" for n in range(900)]),
    "a long serial number": lambda: _edited("serial_number", 1 << 15_000),
    "a long name of the issuer": lambda: _edited("issuer", ISSUER),
    "many names of the issuer": lambda: _edited("issuer", MANY),
    "a long name of the subject": lambda: _edited("subject", ISSUER),
}


@pytest.mark.parametrize("name", CERTIFICATES)
def test_no_certificate_makes_a_long_field(nord: House, name: str) -> None:
    nord.trusts(ROOT)
    who = CERTIFICATES[name]()
    content = b"Content-Type: text/plain\r\n\r\nHi\r\n"
    cms = build_signed(signer_of(who), [content], detached=False, at=AT)
    octets = pkcs7_mime(
        Headers(message(ALICE, BOB).partition(b"\r\n\r\n")[0] + b"\r\n"),
        cms,
        "signed-data",
        "smime.p7m",
    )
    delivery = only(nord.send(octets, BOB, reverse_path=ALICE))
    assert delivery.finding is not None
    headers = split(delivery.octets).headers
    for field in headers.fields[:6]:
        assert len(field.octets) < 4_000, field.octets[:200]
        assert max(map(len, field.octets.split(b"\r\n"))) <= 998, field.name
    row = trace_row(
        Record(Envelope(ALICE, (BOB,), octets, STRANGER, AT), "t" * 16, BOB, "inbound"),
        delivery,
        RELAYED,
    )
    assert len(repr(row)) < 20_000
    assert len(repr(finding_json(delivery.finding))) < 8_000


@pytest.mark.parametrize("size", [8, 60, 2_000])
def test_no_algorithm_makes_a_long_field(nord: House, size: int) -> None:
    parts = SignedParts(signed())
    long = der.tlv(der.OBJECT_IDENTIFIER, b"\xff" * size + b"\x01")
    parts.tail[0] = der.tlv(der.SEQUENCE, long)
    head = Headers(message(ALICE, BOB).partition(b"\r\n\r\n")[0] + b"\r\n")
    octets = pkcs7_mime(head, parts.build(), "signed-data", "smime.p7m")
    delivery = only(nord.send(octets, BOB, reverse_path=ALICE))
    assert delivery.finding is not None
    assert delivery.finding.status in {"unsupported", "invalid"}
    for field in split(delivery.octets).headers.fields[:6]:
        assert max(map(len, field.octets.split(b"\r\n"))) <= 998, field.name
    assert len(repr(finding_json(delivery.finding))) < 8_000
