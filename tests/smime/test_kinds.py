"""What the MIME root makes of a message."""

import pytest

from app.cms.der import CONTEXT_0, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, encode_identifier, tlv
from app.mail.compose import pkcs7_mime, wrap_base64
from app.mail.entity import scan
from app.mail.headers import Headers, split
from app.smime.decrypt import decrypt
from app.smime.encrypt import encrypt
from app.smime.finding import Status
from app.smime.kinds import Kind, recognise
from app.smime.sign import sign
from tests.smime.house import (
    AT,
    TOKEN,
    certificate_of,
    find,
    letter,
    person,
    signer_of,
    trust,
)

SIGNED = sign(letter(), signer_of(person("alice@example.org")), form="clear", at=AT, token=TOKEN)
OPAQUE = sign(letter(), signer_of(person("alice@example.org")), form="opaque", at=AT, token=TOKEN)
GCM = encrypt(letter(), [certificate_of(person("bob@example.net"))], profile="smime4").octets
CBC = encrypt(letter(), [certificate_of(person("bob@example.net"))], profile="compat").octets


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (letter(), Kind.PLAIN),
        (b"", Kind.PLAIN),
        (b"\r\n", Kind.PLAIN),
        (b"no header section", Kind.PLAIN),
        (SIGNED, Kind.CLEAR),
        (OPAQUE, Kind.OPAQUE),
        (GCM, Kind.AUTH_ENVELOPED),
        (CBC, Kind.ENVELOPED),
    ],
)
def test_kind_is_that_of_the_root(octets: bytes, kind: Kind) -> None:
    assert recognise(octets).kind is kind


def test_signed_entity_is_found_by_offsets() -> None:
    layer = recognise(SIGNED)
    assert SIGNED[layer.signed_from : layer.signed_to].endswith(b"\r\n\r\nHello\r\n")


@pytest.mark.parametrize(
    ("name", "kind"),
    [("smime.p7m", Kind.OPAQUE), ("SMIME.P7M", Kind.OPAQUE), ("a.pdf", Kind.PLAIN)],
)
@pytest.mark.parametrize("where", ["name", "filename"])
def test_octet_stream_is_known_by_its_suffix(name: str, kind: Kind, where: str) -> None:
    # RFC 8551 §3.10
    fields = b"Content-Type: application/octet-stream"
    if where == "name":
        fields += b'; name="%s"' % name.encode()
    else:
        fields += b'\r\nContent-Disposition: attachment; filename="%s"' % name.encode()
    body = recognise(OPAQUE).cms
    octets = fields + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + wrap_base64(body)
    assert recognise(octets).kind is kind


@pytest.mark.parametrize("label", ["enveloped-data", "certs-only", "compressed-data"])
def test_label_that_lies_is_malformed(label: str) -> None:  # T65
    octets = pkcs7_mime(Headers(b""), recognise(OPAQUE).cms, label, "smime.p7m")
    layer = recognise(octets)
    assert layer.kind is Kind.MALFORMED
    assert label in layer.problem


@pytest.mark.parametrize("label", ["signed-data", "", "no-such-type", "SIGNED-DATA"])
def test_unknown_label_leaves_the_cms_to_decide(label: str) -> None:
    octets = pkcs7_mime(Headers(b""), recognise(OPAQUE).cms, label or '""', "smime.p7m")
    assert recognise(octets).kind is Kind.OPAQUE


@pytest.mark.parametrize("label", ["enveloped-data", "authEnveloped-data"])
@pytest.mark.parametrize("octets", [GCM, CBC])
def test_the_two_labels_of_ciphertext_go_for_each_other(label: str, octets: bytes) -> None:
    layer = recognise(octets)
    other = pkcs7_mime(Headers(b""), layer.cms, label, "smime.p7m")
    assert recognise(other).kind is layer.kind


def test_ciphertext_under_the_label_of_a_signature_is_malformed() -> None:  # T65
    octets = pkcs7_mime(Headers(b""), recognise(GCM).cms, "signed-data", "smime.p7m")
    assert recognise(octets).kind is Kind.MALFORMED


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("enveloped-data", Kind.ENVELOPED),
        ("signed-data", Kind.MALFORMED),
        ("certs-only", Kind.MALFORMED),
        ("compressed-data", Kind.COMPRESSED),
    ],
)
def test_broken_cms_is_judged_by_its_label(label: str, kind: Kind) -> None:
    assert recognise(pkcs7_mime(Headers(b""), b"garbage", label, "smime.p7m")).kind is kind


@pytest.mark.parametrize("subtype", [b"mixed", b"related", b"alternative"])
@pytest.mark.parametrize("inner", [SIGNED, OPAQUE])
def test_signed_part_that_is_not_the_root_is_partial(subtype: bytes, inner: bytes) -> None:  # T46
    part = b"".join(f.octets for f in split(inner).headers.fields if f.key.startswith("content"))
    part += b"\r\n" + split(inner).body
    octets = (
        b"From: alice@example.org\r\nContent-Type: multipart/%s; boundary=outer\r\n\r\n" % subtype
        + b"--outer\r\nContent-Type: text/plain\r\n\r\nHi\r\n--outer\r\n"
        + part
        + b"\r\n--outer--\r\n"
    )
    layer = recognise(octets)
    assert layer.kind is Kind.PLAIN
    assert layer.partial


def test_deep_message_is_over_the_limit() -> None:  # T35
    octets = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(500)
    )
    assert recognise(octets).kind is Kind.OVER_LIMIT


def test_multipart_signed_of_openpgp_is_none_of_ours() -> None:
    octets = SIGNED.replace(b"application/pkcs7-signature", b"application/pgp-signature")
    assert recognise(octets).kind is Kind.PLAIN


def test_certificates_only_are_no_signature() -> None:  # RFC 8551 §3.6
    from app.cms.certs_only import build_certs_only

    bag = build_certs_only([person("alice@example.org").certificate])
    octets = pkcs7_mime(Headers(b"From: a@b.example\r\n"), bag, "certs-only", "smime.p7c")
    assert recognise(octets).kind is Kind.CERTS_ONLY
    finding = find(octets, trust())
    assert (finding.result, finding.reasons[0].code) == ("none", "certs-only")


# RFC 5652 §4, §7, §8, §9.
NO_SMIME = {
    "data": "1.2.840.113549.1.7.1",
    "digested": "1.2.840.113549.1.7.5",
    "encrypted": "1.2.840.113549.1.7.6",
    "authenticated": "1.2.840.113549.1.9.16.1.2",
}


@pytest.mark.parametrize(
    ("label", "kind", "status"),
    [
        ("", Kind.OTHER, Status.UNSUPPORTED),
        ("no-such-type", Kind.OTHER, Status.UNSUPPORTED),
        ("enveloped-data", Kind.OTHER, Status.UNSUPPORTED),
        ("signed-data", Kind.MALFORMED, Status.INVALID),
        ("certs-only", Kind.MALFORMED, Status.INVALID),
    ],
)
@pytest.mark.parametrize("name", NO_SMIME)
def test_cms_that_is_no_smime_is_not_supported(
    name: str, label: str, kind: Kind, status: Status
) -> None:  # T65
    content = tlv(CONTEXT_0, tlv(OCTET_STRING, b"hi"))
    cms = tlv(SEQUENCE, tlv(OBJECT_IDENTIFIER, encode_identifier(NO_SMIME[name])), content)
    head = Headers(b"From: alice@example.org\r\n")
    octets = pkcs7_mime(head, cms, label or '""', "smime.p7m")
    layer = recognise(octets)
    assert layer.kind is kind
    assert find(octets, trust()).status is status
    assert decrypt(octets, layer, []).status == "none"


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        (b"application/pkcs7-signature", Kind.CLEAR),
        (b"application/x-pkcs7-signature", Kind.CLEAR),
        (b"APPLICATION/PKCS7-Signature", Kind.CLEAR),
        (b"application/octet-stream", Kind.CLEAR),
        (b"text/plain", Kind.MALFORMED),
        (b"application/pgp-signature", Kind.MALFORMED),
        (b"application/pkcs7-mime", Kind.MALFORMED),
    ],
)
def test_second_part_must_be_a_signature(label: bytes, kind: Kind) -> None:  # RFC 1847 §2.1
    part = b'Content-Type: application/pkcs7-signature; name="smime.p7s"'
    octets = SIGNED.replace(part, b'Content-Type: %s; name="smime.p7s"' % label)
    assert recognise(octets).kind is kind


@pytest.mark.parametrize("octets", [SIGNED, OPAQUE])
@pytest.mark.parametrize("garbage", [b"!", b"\x00", b"=", b"\xff", b"\r\n\r\n"])
def test_base64_that_readers_take_differently_is_an_anomaly(octets: bytes, garbage: bytes) -> None:
    # T38
    at = octets.index(b"MII") + 8
    layer = recognise(octets[:at] + garbage + octets[at:])
    assert layer.kind is Kind.MALFORMED or layer.anomalies


def _parts(count: int, boundary: bytes = b"b") -> bytes:
    return (
        b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n" % boundary
        + b"--%s\r\n\r\nx\r\n" % boundary * count
        + b"--%s--\r\n" % boundary
    )


@pytest.mark.parametrize(
    "octets",
    [
        letter(),
        *(_parts(count) for count in (1, 9, 10, 11, 999, 1000, 1001)),
        *(_parts(2, b"b" * size) for size in (199, 200, 201)),
        *(b"X: " + b"a" * size + b"\r\n" + letter() for size in (65_530, 65_531, 65_532, 70_000)),
        b"X: " + b"a" * 300_000 + b"\r\n" + letter(),
        b"X: a\r\n" * 50_000 + letter(),
        b"Content-Type: message/rfc822\r\n\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        _parts(1).replace(b"\r\n\r\nx", b"\r\nX: " + b"a" * 70_000 + b"\r\n\r\nx"),
        _parts(1).replace(b"\r\n\r\nx", b"\r\nContent-Type: message/rfc822\r\n\r\n" + _parts(1001)),
    ],
)
def test_limits_are_those_of_the_scan(octets: bytes) -> None:  # design 8
    assert (recognise(octets).kind is Kind.OVER_LIMIT) == bool(scan(octets))
