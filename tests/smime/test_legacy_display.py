"""The Subject that header protection repeats in the body goes where it is shown again."""

import base64

import pytest

from app.mail.transfer import quoted_printable
from app.smime.legacy_display import without_legacy_display
from tests.smime.house import letter

PLAIN = b'text/plain; charset="utf-8"; hp-legacy-display="1"; hp="cipher"'
HTML = b'text/html; charset="utf-8"; hp-legacy-display="1"'
DIVISION = b'<div class="header-protection-legacy-display"><pre>Subject: A &amp; B</pre></div>\r\n'


def test_the_subject_goes() -> None:  # RFC 9788 §4.5.3.2
    octets = letter(b"Subject: Dinner plans\r\n\r\nAt eight.\r\n", PLAIN)
    assert without_legacy_display(octets, "Dinner plans") == letter(b"At eight.\r\n", PLAIN)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"Subject: Other\r\n\r\nAt eight.\r\n", PLAIN),
        (b"Subject: Dinner plans\r\nKeywords: x\r\n\r\nAt eight.\r\n", PLAIN),
        (b"At eight.\r\n\r\nSubject: Dinner plans\r\n\r\n", PLAIN),
        (b"Subject: Dinner plans", PLAIN),
        (b"Subject: Dinner plans\r\n\r\nAt eight.\r\n", b"text/plain"),
        (b"Subject: Dinner plans\r\n\r\nAt eight.\r\n", PLAIN.replace(b"utf-8", b"no-such")),
        (b"<p>Subject: Dinner plans</p>\r\n\r\n", HTML),
        (b"Subject: Dinner plans\r\n\r\n", b'image/png; hp-legacy-display="1"'),
    ],
)
def test_anything_else_stays(body: bytes, content_type: bytes) -> None:
    octets = letter(body, content_type)
    assert without_legacy_display(octets, "Dinner plans") is octets


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
def test_it_goes_from_an_encoded_body(encoding: str) -> None:
    element, rest = "Subject: Grüße\r\n\r\n".encode(), "Schöner Tag.\r\n".encode()

    def sent(content: bytes) -> bytes:
        encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
        body = quoted_printable(content) if encoding == "quoted-printable" else encoded
        more = b"Content-Transfer-Encoding: %s\r\n" % encoding.encode()
        return letter(body, PLAIN, more=more)

    assert without_legacy_display(sent(element + rest), "Grüße") == sent(rest)


@pytest.mark.parametrize("subtype", [b"alternative", b"mixed", b"related"])
def test_it_goes_from_the_parts_that_are_the_body(subtype: bytes) -> None:
    def parts(*bodies: bytes) -> bytes:
        heads = (PLAIN, HTML)
        body = b"".join(
            b"--b\r\nContent-Type: %s\r\n\r\n%s\r\n" % pair
            for pair in zip(heads, bodies, strict=True)
        )
        return letter(body + b"--b--\r\n", b"multipart/%s; boundary=b" % subtype)

    plain, markup = b"Subject: A & B\r\n\r\nHi", b"<html><body>%s<p>Hi</p></body></html>"
    octets = parts(plain, markup % DIVISION)
    # Behind the first part of a mixed or related one are attachments.
    second = markup % (b"" if subtype == b"alternative" else DIVISION)
    assert without_legacy_display(octets, "A & B") == parts(b"Hi", second)


def test_a_message_over_the_limits_is_left_alone() -> None:  # T35
    octets = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(50)
    )
    octets += b"Content-Type: " + PLAIN + b"\r\n\r\nSubject: x\r\n\r\n"
    assert without_legacy_display(octets, "x") is octets
