"""A message made to cost much takes the whole way in under 100 ms of a thread's time.

Each is of the size at which it was tried, most of them 3 MB, and each kind once took longer in some
parser, ours or another. T35, T36, T37, T105-T109; design 8.
"""

import zlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from asn1crypto import cms as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from app.cms import der
from app.mail.compose import pkcs7_mime
from app.mail.headers import Headers
from app.pki.certificate import Certificate
from app.smime.encrypt import encrypt
from app.smime.sign import sign
from tests.cms.parts import EnvelopedParts, SignedParts, elements, enveloped, signed
from tests.houses import House, authority
from tests.smime.house import signer_of
from tests.testpki import AT, TestIdentity
from tests.timing import least_seconds

SECONDS = 0.1
MB = 1_000_000
ALICE, BOB = "alice@example.org", "bob@nord.example"
TEXT = b"Content-Type: text/plain\r\n\r\n"
PKCS7 = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n"
BASE64 = b"Content-Transfer-Encoding: base64\r\n"
QUOTED = b"Content-Transfer-Encoding: quoted-printable\r\n"
SIGNED = b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary='
MIXED = b"Content-Type: multipart/mixed; boundary="


def _mail(entity: bytes, more: bytes = b"", sender: bytes = b"Alice <alice@example.org>") -> bytes:
    fields = b"From: %s\r\nTo: bob@nord.example\r\nSubject: Payment\r\n" % sender
    return fields + more + b"MIME-Version: 1.0\r\n" + entity


def _field(name: bytes, piece: bytes) -> bytes:
    """Return a message with a field of 60 KB made of one piece again and again."""
    value = piece * (60_000 // len(piece))
    if name == b"From":
        return _mail(TEXT, sender=value)
    return _mail(TEXT, b"%s: %s\r\n" % (name, value))


def _body(head: bytes, piece: bytes) -> bytes:
    return _mail(head + b"\r\n" + piece * (3 * MB // len(piece)))


def _deep(levels: int, leaf: bytes) -> bytes:
    for n in range(levels):
        leaf = b"%sb%d\r\n\r\n--b%d\r\n%s\r\n--b%d--\r\n" % (MIXED, n, n, leaf, n)
    return _mail(leaf)


def _signer() -> TestIdentity:
    return authority().issue(ALICE)


def _reader() -> TestIdentity:
    return authority().issue(BOB)


READER = _reader()


def _clear(body: bytes, layers: int = 1, form: str = "clear") -> bytes:
    octets, signer = _mail(TEXT + body), signer_of(_signer())
    for n in range(layers):
        octets = sign(octets, signer, form=form, at=AT, token=b"=_%d" % n)
    return octets


def _sealed(entity: bytes, profile: str = "compat", layers: int = 1) -> bytes:
    octets = _mail(entity)
    for _ in range(layers):
        certificates = [Certificate.from_der(READER.certificate)]
        octets = encrypt(octets, certificates, profile=profile).octets
    return octets


def _opaque(cms: bytes, label: str = "signed-data") -> bytes:
    return pkcs7_mime(Headers(_mail(b"")), cms, label, "smime.p7m")


def _parts(edit: Callable[[SignedParts], object]) -> bytes:
    parts = SignedParts(signed())
    edit(parts)
    return _opaque(parts.build())


def _attribute(count: int) -> bytes:
    one = der.tlv(der.SEQUENCE, der.tlv(6, b"\x2a\x03"), der.tlv(der.SET, b"\x05\x00"))
    return _parts(lambda parts: parts.attributes.extend([one] * count))


def _bag(*certificates: bytes) -> bytes:
    def fill(parts: SignedParts) -> None:
        parts.certificates = der.tlv(der.CONTEXT_0, *certificates)

    return _parts(fill)


def _many_names() -> bytes:
    who = authority().issue([ALICE, *(f"a{n}@e.example" for n in range(900))])
    return _bag(*[who.certificate] * 49)


def _relative_names() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(x509.NameOID.COMMON_NAME, f"a{n}") for n in range(300)]
    builder = x509.CertificateBuilder(x509.Name(names), x509.Name(names), key.public_key(), 5)
    dated = builder.not_valid_before(AT).not_valid_after(AT + timedelta(9))
    certificate = dated.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    return _bag(*[certificate] * 49)


def _crls() -> bytes:
    builder = x509.CertificateRevocationListBuilder(authority().name, AT, AT + timedelta(3))
    for n in range(3_000):
        one = x509.RevokedCertificateBuilder(n + 1, AT).build()
        builder = builder.add_revoked_certificate(one)
    octets = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    crls = der.tlv(der.CONTEXT_1, octets.public_bytes(Encoding.DER) * 20)
    return _parts(lambda parts: setattr(parts, "certificates", parts.certificates + crls))


def _recipients(count: int) -> bytes:
    parts = EnvelopedParts(enveloped("mlkem768"))
    parts.infos *= count
    return _opaque(parts.build(), "enveloped-data")


def _recipient_keys(count: int) -> bytes:
    parts = EnvelopedParts(enveloped("p256"))
    *front, keys = elements(der.read_one(parts.infos[0], der.CONTEXT_1))
    one = der.read_one(keys, der.SEQUENCE).next().whole
    parts.infos = [der.tlv(der.CONTEXT_1, *front, der.tlv(der.SEQUENCE, one * count))]
    return _opaque(parts.build(), "enveloped-data")


def _compressed(octets: bytes) -> bytes:
    content = {"content_type": "data", "content": octets}
    data = asn1.CompressedData(
        {
            "version": "v0",
            "compression_algorithm": {"algorithm": "zlib"},
            "encap_content_info": content,
        }
    )
    cms = asn1.ContentInfo({"content_type": "compressed_data", "content": data}).dump()
    return _opaque(cms, "compressed-data")


SEGMENTS = bytes.fromhex("3080 06092a864886f70d010702 a080 3080 020101 3100 3080".replace(" ", ""))
SEGMENTS += bytes.fromhex("06092a864886f70d010701 a080 2480".replace(" ", ""))
DISPLAY = b'Content-Type: text/html; hp="cipher"; hp-legacy-display="1"\r\n'
DISPLAY += b"From: alice@example.org\r\n\r\n"
PART = b"--b\r\nContent-Type: text/plain%s\r\n\r\nx\r\n"

BOMBS: dict[str, Callable[[], bytes]] = {
    # MIME: T35
    "50,000 levels": lambda: _mail(
        b"".join(b"%sb%d\r\n\r\n--b%d\r\n" % (MIXED, n, n) for n in range(50_000))
    ),
    "100,000 attached messages": lambda: _mail(b"Content-Type: message/rfc822\r\n\r\n" * 100_000),
    "20 levels": lambda: _deep(19, TEXT + b"hello world\r\n" * 100_000),
    "20 levels of dashes": lambda: _deep(19, TEXT + b"\r\n--b" * 200_000),
    "500,000 parts": lambda: _mail(MIXED + b"b\r\n\r\n" + b"--b\r\n\r\n" * 500_000),
    "signed parts": lambda: _mail(SIGNED + b"b\r\n\r\n" + b"--b\r\n\r\n" * 500_000),
    "near delimiters": lambda: _mail(SIGNED + b"b\r\n\r\n" + b"--bx\r\n" * 500_000),
    "bare delimiters": lambda: _mail(SIGNED + b"b\r\n\r\n--b\r\n\r\n" + b"--b\n" * 700_000),
    "boundary of dashes": lambda: _body(MIXED + b'"%s"\r\n' % (b"-" * 199), b"-"),
    "blanks behind delimiters": lambda: _body(MIXED + b"b\r\n", b"--b" + b" " * 1500 + b"x\r\n"),
    "parameters of 998 parts": lambda: _mail(
        MIXED + b"b\r\n\r\n" + PART % (b";a=b" * 700) * 998 + b"--b--\r\n"
    ),
    "fields of 998 parts": lambda: _mail(
        MIXED + b"b\r\n\r\n" + PART % (b"\r\nX:a" * 600) * 998 + b"--b--\r\n"
    ),
    "parts that are signed": lambda: _mail(
        MIXED + b"b\r\n\r\n" + (b"--b\r\n" + PKCS7 + b"\r\nx\r\n") * 998 + b"--b--\r\n"
    ),
    "base64 of short lines": lambda: _body(PKCS7 + BASE64, b"M\r\n"),
    "base64 that is none": lambda: _body(PKCS7 + BASE64, b"M!I*"),
    "base64 that ends": lambda: _body(PKCS7 + BASE64, b"TQ==\r\n"),
    "long quoted-printable": lambda: _body(PKCS7 + QUOTED, b"=3D"),
    "soft line breaks": lambda: _body(PKCS7 + QUOTED, b"=\r\n"),
    # header sections: T36
    "fields": lambda: _mail(TEXT, b"X:a\r\n" * 180_000),
    "fields with a blank": lambda: _mail(TEXT, b"X :a\r\n" * 40_000),
    "fields of many names": lambda: _mail(TEXT, b"".join(b"%x:\r\n" % n for n in range(33_000))),
    "names that expand": lambda: _mail(
        TEXT, b"".join(("\ufdfa" * 300 + f"{n}:\r\n").encode() for n in range(270))
    ),
    "long odd names": lambda: _mail(TEXT, ("\ufdfa" * 20_000 + ":\r\n").encode() * 4),
    "folds": lambda: _mail(TEXT, (b"X: a" + b"\r\n a" * 15_000 + b"\r\n") * 4),
    "results that are ours": lambda: _mail(
        TEXT, b"Authentication-Results: gateway.nord.example;\r\n" * 1_900
    ),
    "results in a comment": lambda: _field(b"Authentication-Results", b"("),
    "our fields": lambda: _mail(TEXT, "X-Se\u0430lmon: v\r\n".encode() * 1_900),
    **{
        f"{name} of {piece!r}": lambda name=name, piece=piece: _field(name.encode(), piece)  # type: ignore[misc]
        for name in ("From", "Sender", "Subject", "Content-Disposition")
        for piece in (b"(", b"<a@b.c>,", b"a.", b"=?utf-8?q?=c3=bc?= ", b"=?utf-8?q?", b"; a*0=b")
    },
    **{
        f"marks of {piece!r}": lambda piece=piece: _field(b"Subject", piece)  # type: ignore[misc]
        for piece in (b"[", b"[]", b"[SIGNIERT] ", b"[SIGN[SIGN", "\u202e".encode())
    },
    # CMS: T106, T107
    "3 MB of segments": lambda: _opaque(SEGMENTS + b"\x04\x01a" * MB),
    "10,000 attributes": lambda: _attribute(10_000),
    "an attribute of 1 MB": lambda: _parts(
        lambda parts: parts.attributes.append(
            der.tlv(der.SEQUENCE, der.tlv(6, b"\xff" * MB + b"\x01"), der.tlv(der.SET))
        )
    ),
    "60,000 digest algorithms": lambda: _parts(
        lambda parts: parts.before.__setitem__(
            1, der.tlv(der.SET, der.tlv(der.SEQUENCE, der.tlv(6, b"\x2a\x03")) * 60_000)
        )
    ),
    "certificates of many addresses": _many_names,
    "certificates of long names": _relative_names,
    "twenty lists of 3,000": _crls,
    "1,000 RecipientInfos": lambda: _recipients(1_000),
    "20,000 RecipientEncryptedKeys": lambda: _recipient_keys(20_000),
    # compression: T105
    "a thousand times as much": lambda: _compressed(zlib.compress(b"a" * 10**8)),
    "blocks of nothing": lambda: _compressed(b"\x78\x9c" + b"\x00\x00\x00\xff\xff" * 600_000),
    # layers and what is in them
    "eight signatures": lambda: _clear(b"hello world\r\n" * 80_000, 8),
    "twenty signatures": lambda: _clear(b"hello world\r\n" * 80_000, 19),
    "eight opaque signatures": lambda: _clear(b"hello world\r\n" * 5_000, 8, "opaque"),
    "eight encryptions": lambda: _sealed(TEXT + b"hello world\r\n" * 5_000, "smime4", 8),
    "a changed text": lambda: _clear(b"a\r\n" * 900_000 + b"end\r\n").replace(b"end", b"eNd"),
    "a changed part of many": lambda: sign(
        _mail(MIXED + b"b\r\n\r\n" + PART % b"" * 500 + b"--b--\r\n"),
        signer_of(_signer()),
        form="clear",
        at=AT,
        token=b"=_b",
    ).replace(b"\r\nx\r\n", b"\r\ny\r\n", 1),
    "links with blanks": lambda: _sealed(
        b"Content-Type: text/html\r\n\r\n" + b"src        =        " * 150_000
    ),
    "divisions": lambda: _sealed(DISPLAY + b'<div class="header-protection' * 100_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_over_in_a_tenth_of_a_second(nord: House, name: str) -> None:
    nord.own(READER)
    nord.trusts(authority())
    octets = BOMBS[name]()

    def work() -> None:
        (outcome,) = nord.send(octets, BOB, reverse_path=ALICE)
        # Delivered, or refused for good: a message that is tried again comes again.
        assert outcome.reply is None or outcome.reply.code == 554, outcome.reply

    assert least_seconds(work, SECONDS) < SECONDS
