"""The form to sign, to the letter of behaviour "Signature form"."""

import pytest

from app.mail.canonical import is_crlf, is_seven_bit, line_ends, make_signable, to_crlf
from app.mail.entity import parse_entity

TEXT = b"Content-Type: text/plain; charset=utf-8\r\n"
ENCODING = b"Content-Transfer-Encoding: "

SIGNABLE: dict[str, tuple[bytes, bytes]] = {
    "8-bit text becomes quoted-printable": (
        TEXT + ENCODING + b"8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe aus der Hauptstadt, wo es regnet. \r\n",
        TEXT
        + ENCODING
        + b"quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe aus der Hauptstadt, wo es regnet.=20\r\n",
    ),
    "text that is mostly 8-bit becomes base64": (
        TEXT + ENCODING + b"8bit\r\n\r\n\xe6\x97\xa5\xe6\x9c\xac\r\n",
        TEXT + ENCODING + b"base64\r\n\r\n5pel5pysDQo=\r\n",
    ),
    "binary becomes base64": (
        b"Content-Type: application/x\r\n" + ENCODING + b"binary\r\n\r\n\0\xff\n\r",
        b"Content-Type: application/x\r\n" + ENCODING + b"base64\r\n\r\nAP8KDQ==",
    ),
    "text with a bare LF becomes base64": (
        TEXT + b"\r\na\nb",
        TEXT + ENCODING + b"base64\r\n\r\nYQpi",
    ),
    "a field for the encoding is added": (
        b"Content-Type: application/x\r\n\r\n\xff",
        b"Content-Type: application/x\r\n" + ENCODING + b"base64\r\n\r\n/w==",
    ),
    "of two fields for the encoding one stays": (
        ENCODING + b"8bit\r\n" + TEXT + ENCODING + b"7bit\r\n\r\na\xffb From the middle, and long",
        ENCODING + b"quoted-printable\r\n" + TEXT + b"\r\na=FFb From the middle, and long",
    ),
    "a body without header section gets one": (
        b"no field, but \xc3\xa4 and more text",
        ENCODING + b"quoted-printable\r\n\r\nno field, but =C3=A4 and more text",
    ),
    "From at the beginning of a line is encoded": (
        TEXT + b"\r\nFrom me\r\nFrom you\r\n>From him\r\nfrom her",
        TEXT
        + ENCODING
        + b"quoted-printable\r\n\r\n=46rom me\r\n=46rom you\r\n>From him\r\nfrom her",
    ),
    "a line over 998 octets is broken": (
        b"\r\n" + b"x" * 999,
        ENCODING
        + b"quoted-printable\r\n\r\n"
        + b"=\r\n".join([b"x" * 75] * 13)
        + b"=\r\n"
        + b"x" * 24,
    ),
    "quoted-printable with From is changed only there": (
        TEXT + ENCODING + b"quoted-printable\r\n\r\nFrom me=20\r\n=C3=A4=\r\nb=\r\n",
        TEXT + ENCODING + b"quoted-printable\r\n\r\n=46rom me=20\r\n=C3=A4=\r\nb",
    ),
    "base64 in one long line is wrapped": (
        ENCODING + b"base64\r\n\r\n" + b"YWJj" * 300,
        ENCODING + b"base64\r\n\r\n" + b"\r\n".join([b"YWJj" * 19] * 15 + [b"YWJj" * 15]),
    ),
    "base64 that is broken is wrapped, not lost": (
        ENCODING + b"base64\r\n\r\nYQ==\xffYQ\r\n",
        ENCODING + b"base64\r\n\r\nYQ==YQ\r\n",
    ),
    "an unknown encoding is none": (
        TEXT + ENCODING + b"8-bit\r\n\r\nHello W\xc3\xb6rld",
        TEXT + ENCODING + b"quoted-printable\r\n\r\nHello W=C3=B6rld",
    ),
}


@pytest.mark.parametrize(("entity", "signable"), SIGNABLE.values(), ids=SIGNABLE)
def test_the_form_to_sign(entity: bytes, signable: bytes) -> None:
    # RFC 8551 §3.1.3
    made = make_signable(entity)
    assert made == signable
    assert make_signable(made) is made


UNTOUCHED = {
    "7-bit text": TEXT + b"\r\nHello, \r\ntrailing \t\r\n-- \r\n",
    "no header section": b"\r\nHello",
    "nothing": b"",
    "7-bit text that says 8bit": TEXT + ENCODING + b"8bit\r\n\r\nHello\r\n",
    "quoted-printable": TEXT + ENCODING + b"quoted-printable\r\n\r\nGr=c3=bc=\r\n=c3=9fe=20\r\n",
    "base64 of other columns": ENCODING + b"base64\r\n\r\nYWJj\r\nYWJj\r\n",
    "base64 that ends in padding": ENCODING + b"base64\r\n\r\nYQ==",
    "a line of 998 octets": b"\r\n" + b"x" * 998 + b"\r\n" + b"y" * 998,
    "From inside of a line": b"\r\n>From me\r\n From you\r\nnot From him\r\nFrom: her\r\nFromage",
    "a lone dot": b"\r\n.\r\n..\r\n",
}


@pytest.mark.parametrize("entity", UNTOUCHED.values(), ids=UNTOUCHED)
def test_what_is_in_order_is_not_touched(entity: bytes) -> None:
    assert make_signable(entity) is entity


def multipart(
    *parts: bytes,
    boundary: bytes = b"b",
    head: bytes = b"",
    preamble: bytes = b"",
    epilogue: bytes = b"",
) -> bytes:
    return b"".join(
        (
            b"Content-Type: multipart/mixed; boundary=%s\r\n%s\r\n%s" % (boundary, head, preamble),
            *(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts),
            b"--%s--\r\n" % boundary,
            epilogue,
        )
    )


def test_only_the_parts_that_need_it_change() -> None:
    quoted = TEXT + ENCODING + b"quoted-printable\r\n\r\n=E4=\r\n"
    padded = ENCODING + b"base64\r\n\r\nYQ==\r\n"
    plain = b"\r\nseven bits \r\n"
    eight = TEXT + b"\r\nGr\xc3\xbc\xc3\x9fe from the middle of nowhere"
    inner = multipart(plain, eight, boundary=b"inner")
    made = make_signable(multipart(plain, inner, quoted, padded, eight))
    sevened = (
        TEXT + ENCODING + b"quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe from the middle of nowhere"
    )
    soft = TEXT + ENCODING + b"quoted-printable\r\n\r\n=E4"
    assert made == multipart(
        plain, multipart(plain, sevened, boundary=b"inner"), soft, padded, sevened
    )


def test_a_multipart_says_7bit_if_its_parts_are() -> None:
    head = ENCODING + b"8bit\r\n"
    made = make_signable(multipart(TEXT + b"\r\n\xc3\xa4", head=head))
    assert parse_entity(made).encoding == "7bit"
    assert made.isascii()


def test_preamble_and_epilogue_that_could_not_stay_go() -> None:
    plain = b"\r\nx"
    assert make_signable(
        multipart(plain, preamble=b"old reader?\r\n", epilogue=b"end")
    ) == multipart(
        plain,
        preamble=b"old reader?\r\n",
        epilogue=b"end",
    )
    made = make_signable(multipart(plain, preamble=b"\xc3\xa4lter?\r\n", epilogue=b"\0end"))
    assert made == multipart(plain).removesuffix(b"\r\n")


def test_an_attached_message_is_made_signable_inside() -> None:
    # RFC 2046 §5.2.1: message/rfc822 itself must not be encoded
    attached = (
        b"Content-Type: message/rfc822\r\n" + ENCODING + b"8bit\r\n\r\n"
        b"From: J\xc3\xb6rg <j@x.example>\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\n" + TEXT + b"\r\n"
        b"Sch\xc3\xb6ne Gr\xc3\xbc\xc3\x9fe und noch viel mehr Text dazu\r\n"
    )
    made = make_signable(attached)
    assert made.isascii()
    entity = parse_entity(made)
    assert (entity.media_type.essence, entity.encoding) == ("message/rfc822", "7bit")
    inner = entity.message()
    assert inner.headers.text("From") == "Jörg <j@x.example>"
    assert inner.headers.text("Subject") == "Grüße"
    assert inner.decoded() == b"Sch\xc3\xb6ne Gr\xc3\xbc\xc3\x9fe und noch viel mehr Text dazu\r\n"


def test_an_attached_message_in_order_is_not_touched() -> None:
    attached = b"Content-Type: message/rfc822\r\n\r\nSubject: a\r\n\r\nHello=\r\n"
    assert make_signable(attached) is attached


@pytest.mark.parametrize("subtype", [b"signed", b"encrypted"])
def test_what_somebody_else_signed_stays_as_it_is(subtype: bytes) -> None:
    sealed = b"Content-Type: multipart/%s; boundary=c\r\n\r\n--c\r\n\r\n\xc3\xa4\r\n--c--" % subtype
    eight = TEXT + b"\r\nGr\xc3\xbc\xc3\x9fe from the middle of nowhere"
    made = make_signable(multipart(sealed, eight, head=ENCODING + b"8bit\r\n"))
    assert sealed in made
    assert eight not in made
    # The container still has eight bits in it, and must say so (RFC 2045 §6.4).
    assert parse_entity(made).encoding == "8bit"


def test_raw_names_of_files_become_parameters_in_seven_bits() -> None:
    part = 'Content-Type: application/pdf; name="für alle.pdf"\r\n'.encode()
    made = make_signable(part + b"\r\nx")
    assert made == b"Content-Type: application/pdf;\r\n name*=utf-8''f%C3%BCr%20alle.pdf\r\n\r\nx"
    assert parse_entity(made).media_type.parameters == {"name": "für alle.pdf"}


# T23, T24
@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", False),
        (b"a\r\n\r\n", False),
        (b"a\n", True),
        (b"a\r", True),
        (b"\r\r\n", True),
        (b"\n\r", True),
        (b"\r\n\n\r", True),
        (b"\r.\n", True),
        (b"\ra\nb\r\n", True),
    ],
)
def test_stray_line_end_is_seen(octets: bytes, expected: bool) -> None:
    assert is_crlf(octets) is not expected


@pytest.mark.parametrize(
    ("octets", "crlf", "is_it"),
    [
        (b"a\r\nb\r\n", b"a\r\nb\r\n", True),
        (b"a\nb", b"a\r\nb", False),
        (b"a\rb", b"a\r\nb", False),
        (b"a\r\r\nb", b"a\r\n\r\nb", False),
        (b"a\n\r\n\n", b"a\r\n\r\n\r\n", False),
        (b"a\n\rb", b"a\r\n\r\nb", False),
        (b"\r.\r\n", b"\r\n.\r\n", False),  # T24
        (b"", b"", True),
    ],
)
def test_line_ends_become_crlf(octets: bytes, crlf: bytes, is_it: bool) -> None:
    assert is_crlf(octets) is is_it
    assert to_crlf(octets) == crlf
    assert (to_crlf(octets) is octets) is is_it


def test_seven_bits_are_ascii_without_nul() -> None:
    assert is_seven_bit(b"abc\r\n\x7f\t")
    assert not is_seven_bit(b"\x80")
    assert not is_seven_bit(b"\0")


@pytest.mark.parametrize("before", [0, 1, 262_142, 262_143, 262_144, 524_287])
@pytest.mark.parametrize(
    ("ends", "found"),
    [
        (b"", set()),
        (b"\r\n", {"\r\n"}),
        (b"\r", {"\r"}),
        (b"\n", {"\n"}),
        (b"\r\r\n", {"\r", "\r\n"}),
        (b"\r\n\n", {"\r\n", "\n"}),
        (b"\n\r", {"\r", "\n"}),
    ],
)
def test_every_kind_of_line_end_is_found(before: int, ends: bytes, found: set[str]) -> None:
    # Also where a CRLF lies across the end of a block.
    assert line_ends(b"\xe9" * before + ends) == found
    assert line_ends(b"x" * before + ends + b"x") == found
