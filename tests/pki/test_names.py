"""A(cert): which addresses of a certificate count, and which are odd (T50, T51)."""

import pytest
from cryptography import x509

from app.cms import der
from app.pki.certificate import Certificate
from tests.testpki import ca, dn, mailbox

ROOT = ca("Names Root")
LONG = "a" * 330


def certificate_with(*names: x509.GeneralName) -> Certificate:
    return Certificate.from_der(
        ROOT.issue("x", san=x509.SubjectAlternativeName(list(names))).certificate
    )


def raw_san(*names: bytes) -> Certificate:
    extension = x509.UnrecognizedExtension(
        x509.SubjectAlternativeName.oid, der.tlv(der.SEQUENCE, *names)
    )
    return Certificate.from_der(ROOT.issue(extensions=[(extension, False)]).certificate)


def rfc822(octets: bytes) -> bytes:
    return der.tlv(0x81, octets)


def utf8_mailbox(octets: bytes) -> bytes:
    identifier = der.tlv(der.OBJECT_IDENTIFIER, der.encode_identifier("1.3.6.1.5.5.7.8.9"))
    return der.tlv(0xA0, identifier, der.tlv(0xA0, der.tlv(0x0C, octets)))


PLAIN = [
    ("alice@example.org", "alice@example.org"),
    ("Alice@EXAMPLE.org", "alice@example.org"),
    ("a+tag@example.org", "a+tag@example.org"),
    ("o'brien@example.org", "o'brien@example.org"),
    ("a.b.c@sub.example.org", "a.b.c@sub.example.org"),
    ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
    ("jörg@example.org", "jörg@example.org"),
    ("用户@example.org", "用户@example.org"),
    ("straße@example.org", "straße@example.org"),
]


@pytest.mark.parametrize(("written", "address"), PLAIN)
def test_plain_address_counts(written: str, address: str) -> None:
    certificate = certificate_with(mailbox(written))
    assert certificate.addresses == (address,)
    assert certificate.odd_addresses == ()


def test_case_is_folded_in_ascii_only() -> None:
    # "ß" and "ss" are two mailboxes, though case folding makes them one.
    assert certificate_with(mailbox("straße@example.org")).addresses != ("strasse@example.org",)


ODD_RFC822 = [
    b"",
    b"@",
    b"alice",
    b"alice@",
    b"@example.org",
    b" alice@example.org",
    b"alice@example.org ",
    b"alice @example.org",
    b"alice@ example.org",
    b"alice@example.org\t",
    b"alice@example.org\r\n",
    b"alice@example.org\0",
    b"alice@example.org\0.evil.org",
    b"alice\0@example.org",
    b"alice@example.org.",
    b"alice@.example.org",
    b"alice@example..org",
    b".alice@example.org",
    b"alice.@example.org",
    b"a..b@example.org",
    b'"alice"@example.org',
    b'"a b"@example.org',
    b'"a\\"b"@example.org',
    b"alice@bob@example.org",
    b"alice@[127.0.0.1]",
    b"alice@[IPv6:::1]",
    b"<alice@example.org>",
    b"Alice <alice@example.org>",
    b"alice@example.org (comment)",
    b"(comment)alice@example.org",
    b"alice@example.org,bob@example.org",
    b"alice@example.org;bob@example.org",
    b"alice@example.org bob@example.org",
    b"mailto:alice@example.org",
    b"alice%example.org@evil.org@example.org",
    b"@a,@b:alice@example.org",
    b"group:alice@example.org;",
    b"alice@exam ple.org",
    b"alice@-example.org",
    b"alice@example-.org",
    b"alice@example.org/path",
    b"alice@example.org:25",
    b"alice@*.example.org",
    b"*@example.org\n",
    b"\x7falice@example.org",
    b"alice\x1b[0m@example.org",
    b"alice\x08@example.org",
    "alice\uff20example.org".encode(),
    "alice@ex\u0430mple.org".encode(),
    "\u0430lice@example.org".encode(),
    "jörg@example.org".encode(),
    "jörg@example.org".encode("latin-1"),
    b"\xef\xbb\xbfalice@example.org",
    "alice@bücher.example".encode(),
    LONG.encode() + b"@example.org",
    b"a@" + b"a" * 64 + b".org",
    b"a@" + b"a." * 130 + b"org",
    b"=?utf-8?q?alice?=@ example.org",
    b"alice@example.org#fragment",
    b"alice\\@example.org@evil.org",
]

ODD_UTF8 = [
    b"alice@example.org",  # RFC 9598 §3: an ASCII local part belongs in an rfc822Name
    "jörg@bücher.example".encode(),  # RFC 9598 §3: the domain is made of A-labels
    "jörg@EXAMPLE.org ".encode(),
    " jörg@example.org".encode(),
    "jörg".encode(),
    "jörg@".encode(),
    "@jörg".encode(),
    "jo\u0308rg@example.org".encode(),  # not NFC
    "jörg\uff20example.org".encode(),
    "jörg\0@example.org".encode(),
    "jörg\u200b@example.org".encode(),
    "jörg\u202e@example.org".encode(),
    "jörg\u00ad@example.org".encode(),
    "jörg\ufe0f@example.org".encode(),
    "ａｌｉｃｅ@example.org".encode(),  # NFKC would make it alice
    "ﬁsch@example.org".encode(),
    "alice²@example.org".encode(),
    "jörg@example.org\0.evil.org".encode(),
    '"jörg"@example.org'.encode(),
    "jörg\u3164@example.org".encode(),
    "jörg\ud7ff@example.org".encode(),
    "jörg@a@example.org".encode(),
    "jörg @example.org".encode(),
    "jörg\u00a0@example.org".encode(),
    "jörg\u2028@example.org".encode(),
    "j\u00f6rg@example.org\u0000".encode(),
    b"j\xf6rg@example.org",  # not UTF-8
    b"\xff\xfe@example.org",
    b"\xed\xa0\x80@example.org",
    b"",
]

ODD_DOTS = [f"a{'.' * n}@example.org".encode() for n in range(1, 6)]
ODD_SPACES = [f"a{chr(n)}b@example.org".encode("latin-1") for n in (*range(1, 33), 127, 160, 173)]


def test_there_are_a_hundred_odd_addresses() -> None:
    assert len(ODD_RFC822) + len(ODD_UTF8) + len(ODD_DOTS) + len(ODD_SPACES) >= 100


@pytest.mark.parametrize("octets", ODD_RFC822 + ODD_DOTS + ODD_SPACES, ids=repr)
def test_odd_rfc822_name_does_not_count(octets: bytes) -> None:
    certificate = raw_san(rfc822(octets), rfc822(b"plain@example.net"))
    assert certificate.addresses == ("plain@example.net",)
    assert len(certificate.odd_addresses) == 1
    assert "\n" not in certificate.odd_addresses[0]


@pytest.mark.parametrize("octets", ODD_UTF8, ids=repr)
def test_odd_smtp_utf8_mailbox_does_not_count(octets: bytes) -> None:
    certificate = raw_san(utf8_mailbox(octets), rfc822(b"plain@example.net"))
    assert certificate.addresses == ("plain@example.net",)
    assert len(certificate.odd_addresses) == 1


def test_common_name_is_no_address() -> None:  # T51
    certificate = Certificate.from_der(ROOT.issue(subject=dn("bob@example.org")).certificate)
    assert certificate.addresses == ()


def test_address_of_the_subject_counts_without_an_address_in_the_alternative_name() -> None:
    subject = dn("Bob", email="bob@example.org")
    alone = Certificate.from_der(ROOT.issue(subject=subject).certificate)
    dns = x509.SubjectAlternativeName([x509.DNSName("example.org")])
    beside_host = Certificate.from_der(ROOT.issue(subject=subject, san=dns).certificate)
    assert alone.addresses == ("bob@example.org",)
    assert beside_host.addresses == ("bob@example.org",)


@pytest.mark.parametrize("other", ["carol@example.org", "carol @example.org", "ü@example.org"])
def test_address_of_the_subject_does_not_count_beside_another(other: str) -> None:  # T51
    subject = dn("Bob", email="bob@example.org")
    certificate = Certificate.from_der(ROOT.issue(other, subject=subject).certificate)
    assert "bob@example.org" not in certificate.addresses


@pytest.mark.parametrize(
    "name",
    [
        der.tlv(0x82, b"alice@example.org"),  # dNSName
        der.tlv(0x86, b"mailto:alice@example.org"),  # URI
        der.tlv(
            0xA0,
            der.tlv(der.OBJECT_IDENTIFIER, der.encode_identifier("1.3.6.1.4.1.311.20.2.3")),
            der.tlv(0xA0, der.tlv(0x0C, b"alice@example.org")),  # Microsoft's UPN
        ),
    ],
)
def test_other_names_are_no_addresses(name: bytes) -> None:
    certificate = raw_san(name)
    assert certificate.addresses == ()
    assert certificate.odd_addresses == ()


def test_names_compare_as_rfc_5280_says() -> None:
    from app.pki.names import comparable

    def name(tag: int, text: bytes) -> bytes:
        kind = der.tlv(der.OBJECT_IDENTIFIER, der.encode_identifier("2.5.4.3"))
        return der.tlv(
            der.SEQUENCE, der.tlv(der.SET, der.tlv(der.SEQUENCE, kind, der.tlv(tag, text)))
        )

    printable, utf8 = name(0x13, b"My  Company "), name(0x0C, b"my company")
    assert comparable(printable) == comparable(utf8)
    assert comparable(printable) != comparable(name(0x0C, b"mycompany"))
    # A value that is no string is only like itself.
    assert comparable(name(0x03, b"\0my company")) != comparable(utf8)
