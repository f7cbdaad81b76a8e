"""Header fields in seven bits, as far as they can be."""

import pytest

from app.mail.headers import Headers
from app.mail.mailboxes import parse_mailboxes
from app.mail.media import parse_disposition
from app.mail.seven_bit import seven_bit_headers

FIELDS = {
    "ASCII stays": ("X: a\r\n\tb\r\n", "X: a\r\n\tb\r\n"),
    "text": ("Content-Description: ä\r\n", "Content-Description: =?utf-8?b?w6Q=?=\r\n"),
    "a display name": (
        "To: Jörg <j@x.example>\r\n",
        "To: =?utf-8?b?SsO2cmc=?=\r\n <j@x.example>\r\n",
    ),
    "two mailboxes": (
        'Cc: "a, b" <a@x.example>, ä <b@x.example>, c@x.example\r\n',
        (
            'Cc: "a, b"\r\n <a@x.example>,\r\n'
            " =?utf-8?b?w6Q=?=\r\n <b@x.example>,\r\n <c@x.example>\r\n"
        ),
    ),
    "an address with UTF-8 has no other form": ("To: jörg@x.example\r\n", "To: jörg@x.example\r\n"),
    "a group with UTF-8 is left": ("To: ä: a@x.example;\r\n", "To: ä: a@x.example;\r\n"),
    "trace that is not ASCII": ("Received: by ä\r\n", "Received: by ??\r\n"),
    "a parameter that cannot be read": ("Content-Type: a/b; ä\r\n", "Content-Type: a/b; ??\r\n"),
    "a name that is none": ("ä: b\r\n", "??: b\r\n"),
    "the line of a mail store goes": ("From a Mon Jan 1 00:00:00\r\nTo: b\r\n", "To: b\r\n"),
    "From with a blank loses it": ("From : a@x.example\r\n", "From: a@x.example\r\n"),
    "a long line is folded": (
        "References: " + "<a@x> " * 200 + "\r\n",
        "References: " + "<a@x> " * 163 + "<a@x>\r\n " + "<a@x> " * 36 + "\r\n",
    ),
    "a long word cannot be": ("X: " + "x" * 1200 + "\r\n", "X:\r\n " + "x" * 1200 + "\r\n"),
    "bare line ends and NUL": (
        "A: b\n c\r\n\n \r\nD:\0 ä\r",
        "A: b\r\n c\r\nD: =?utf-8?b?w6Q=?=\r\n",
    ),
}


@pytest.mark.parametrize(("field", "made"), FIELDS.values(), ids=FIELDS)
def test_a_field_in_seven_bits(field: str, made: str) -> None:
    headers = seven_bit_headers(Headers(field.encode()))
    assert headers.octets.decode() == made


def test_a_long_file_name_goes_in_sections() -> None:
    # RFC 2231 §3
    name = "Übergrößenträgerverordnung für Donaudampfschifffahrtsgesellschaften.pdf"
    octets = f'Content-Disposition: attachment; filename="{name}"; size=3\r\n'.encode()
    field = seven_bit_headers(Headers(octets)).fields[0]
    assert field.octets.isascii()
    assert all(len(line) <= 76 for line in field.octets.split(b"\r\n"))
    assert parse_disposition(field.value) == ("attachment", {"filename": name, "size": "3"})


def test_latin_1_names_are_read_as_such() -> None:
    headers = seven_bit_headers(Headers("From: Jörg <j@x.example>\r\n".encode("latin-1")))
    (mailbox,) = parse_mailboxes(headers.fields[0].value)
    assert mailbox.display == "Jörg"
    assert headers.octets.isascii()


def test_quotes_in_a_display_name_are_escaped() -> None:
    octets = 'From: "say \\"a\\\\b\\"" <a@x.example>, ä <b@x.example>\r\n'.encode()
    made = seven_bit_headers(Headers(octets)).fields[0]
    assert [box.display for box in parse_mailboxes(made.value)] == ['say "a\\b"', "ä"]


def test_a_section_in_order_stays_the_same_object() -> None:
    headers = Headers(b"From: a@x.example\r\nSubject: a\r\n b\r\n")
    assert seven_bit_headers(headers) is headers
