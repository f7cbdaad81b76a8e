"""Entities and their parts, by offsets."""

import pytest

from app.mail.entity import parse_entity
from app.mail.errors import MalformedMessage

HEAD = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"

PARTS: dict[str, tuple[bytes, list[bytes]]] = {
    "two parts": (b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n", [b"\r\none", b"\r\ntwo"]),
    "preamble and epilogue": (b"pre\r\n--b\r\n\r\none\r\n--b--\r\nepi", [b"\r\none"]),
    "blanks behind": (b"--b \t\r\n\r\none\r\n--b-- \r\n", [b"\r\none"]),
    "nothing behind": (b"--b\r\n\r\none\r\n--b--", [b"\r\none"]),
    "an empty part": (b"--b\r\n--b\r\n\r\ntwo\r\n--b--", [b"", b"\r\ntwo"]),
    "a last line end": (b"--b\r\n\r\none\r\n\r\n--b--", [b"\r\none\r\n"]),
    "one CRLF less": (b"--b\r\n\r\none--b\r\n--b--", [b"\r\none--b"]),
    "a longer boundary": (b"--b\r\n\r\n--bb\r\n--b--", [b"\r\n--bb"]),
    "not closed": (b"--b\r\n\r\none\r\n", [b"\r\none\r\n"]),
    "cut off in a delimiter": (b"--b\r\n\r\none\r\n--b", [b"\r\none", b""]),
    "after the last one": (b"--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--", [b"\r\none"]),
    "closed at once": (b"--b--\r\n", []),
    "no delimiter": (b"text\r\n", []),
    "nothing": (b"", []),
    "a bare LF before it": (
        b"--b\r\n\r\none\n--b\r\n\r\ntwo\r\n--b--",
        [b"\r\none\n--b\r\n\r\ntwo"],
    ),
}


@pytest.mark.parametrize(("body", "parts"), PARTS.values(), ids=PARTS)
def test_parts_lie_between_delimiters(body: bytes, parts: list[bytes]) -> None:
    # RFC 2046 §5.1.1
    entity = parse_entity(HEAD + body)
    assert entity.is_multipart
    assert [part.octets for part in entity.parts()] == parts
    assert [part.octets for part in entity.parts()] == parts


ANOMALIES = {
    # T38
    "an empty part": "delimiters in a row",
    "a longer boundary": "line that begins like a delimiter",
    "not closed": "no closing delimiter",
    "no delimiter": "no closing delimiter",
    "after the last one": "delimiter after the last one",
    "a bare LF before it": "delimiter after a bare line end",
}


@pytest.mark.parametrize(("name", "anomaly"), ANOMALIES.items())
def test_what_readers_would_cut_differently_is_told(name: str, anomaly: str) -> None:
    # T38
    assert anomaly in parse_entity(HEAD + PARTS[name][0]).anomalies


@pytest.mark.parametrize(
    "name", ["two parts", "preamble and epilogue", "blanks behind", "nothing behind"]
)
def test_a_well_formed_multipart_has_no_anomaly(name: str) -> None:
    assert parse_entity(HEAD + PARTS[name][0]).anomalies == ()


@pytest.mark.parametrize(
    ("octets", "anomaly"),
    [
        (b"Content-Type: nonsense\r\n\r\n", "Content-Type that cannot be read"),
        (b"Content-Type: multipart/mixed\r\n\r\n", "multipart without a boundary"),
        (b'Content-Type: multipart/mixed; boundary=""\r\n\r\n', "multipart without a boundary"),
        (
            b"Content-Transfer-Encoding: base64\r\n" + HEAD + PARTS["two parts"][0],
            "multipart with a transfer encoding",
        ),
        (
            b'Content-Type: multipart/mixed; boundary="a\r\n b"\r\n\r\n--a b--',
            "boundary with a fold or escape",
        ),
        (
            b'Content-Type: multipart/mixed; boundary="a\\b"\r\n\r\n--ab--',
            "boundary with a fold or escape",
        ),
        (b"Content-Type: a/b; c=d; c=e\r\n\r\n", "parameter c twice"),
        (b"Content-Type : a/b\r\n\r\n", "white space before the colon"),
        (HEAD + b"--b\r\n\r\none\r--b--", "delimiter after a bare line end"),
    ],
)
def test_anomalies_of_header_and_structure_come_together(octets: bytes, anomaly: str) -> None:
    # T38
    assert anomaly in parse_entity(octets).anomalies


@pytest.mark.parametrize("rule", [b"-" * 5_000, b"x--b" * 5_000, b"\r\n-" * 5_000])
def test_rules_drawn_of_the_boundary_hide_neither_parts_nor_bare_line_ends(rule: bytes) -> None:
    # T35, T38: more places that are no delimiter than a message may have parts
    boundary = b"b" if b"b" in rule else b"-"
    head = b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n' % boundary
    line = b"--" + boundary
    body = b"%b\r\n\r\none%b\r\n%b\r\n\r\ntwo\r\n" % (line, rule, line)
    entity = parse_entity(head + body + line + b"--\r\n")
    assert [part.body for part in entity.parts()] == [b"one" + rule, b"two"]
    assert entity.anomalies == ()
    bare = parse_entity(head + body + b"more\n" + line + b"\r\n" + line + b"--\r\n")
    assert bare.anomalies == ("delimiter after a bare line end",)


def test_an_encoded_multipart_has_no_parts() -> None:
    octets = b"Content-Transfer-Encoding: base64\r\n" + HEAD + PARTS["two parts"][0]
    assert parse_entity(octets).parts() == ()


def test_the_boundary_is_taken_without_blanks_at_its_end() -> None:
    octets = b'Content-Type: multipart/mixed; boundary="b "\r\n\r\n--b\r\n\r\none\r\n--b--'
    assert [part.body for part in parse_entity(octets).parts()] == [b"one"]


def test_a_part_has_offsets_into_the_message() -> None:
    octets = HEAD + b"--b\r\nContent-Type: text/html\r\n\r\n<p>\r\n--b--\r\n"
    (part,) = parse_entity(octets).parts()
    assert part.source is octets
    assert octets[part.start : part.end] == part.octets == b"Content-Type: text/html\r\n\r\n<p>"
    assert octets[part.body_at : part.end] == part.body == b"<p>"
    assert part.media_type.essence == "text/html"
    assert repr(part) == f"Entity({part.start}, {part.body_at}, {part.end})"


def test_an_entity_without_content_type_is_plain_text() -> None:
    # RFC 2045 §5.2
    media = parse_entity(b"\r\nHello").media_type
    assert (media.essence, media.parameters["charset"]) == ("text/plain", "us-ascii")
    assert parse_entity(b"Content-Type: what?\r\n\r\n").media_type.essence == "text/plain"


def test_a_part_of_a_digest_is_a_message() -> None:
    # RFC 2046 §5.1.5
    octets = (
        b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: a\r\n\r\nx\r\n--b--"
    )
    (part,) = parse_entity(octets).parts()
    assert part.is_message
    assert part.message().headers.text("Subject") == "a"
    assert part.message().body == b"x"


@pytest.mark.parametrize(
    ("field", "encoding"),
    [
        (b"", "7bit"),
        (b"Content-Transfer-Encoding: BASE64\r\n", "base64"),
        (b"Content-Transfer-Encoding:\r\n 8bit (why not)\r\n", "8bit"),
        (b"Content-Transfer-Encoding: quoted-printable;\r\n", "quoted-printable"),
        (b"Content-Transfer-Encoding:\r\n", "7bit"),
    ],
)
def test_the_transfer_encoding_is_read(field: bytes, encoding: str) -> None:
    assert parse_entity(b"MIME-Version: 1.0\r\n" + field + b"\r\n").encoding == encoding


@pytest.mark.parametrize(
    ("encoding", "body", "content"),
    [
        (b"7bit", b"as it is\r\n", b"as it is\r\n"),
        (b"binary", b"\0\xff\n", b"\0\xff\n"),
        (b"base64", b"YWJj\r\n", b"abc"),
        (b"base64", b"Y W\tJ!j", b"abc"),
        (b"base64", b"", b""),
        (b"quoted-printable", b"a=3Db=\r\nc \r\n", b"a=bc \r\n"),
        (b"quoted-printable", b"a=XYb=", b"a=XYb"),
    ],
)
def test_a_body_is_decoded(encoding: bytes, body: bytes, content: bytes) -> None:
    octets = b"Content-Transfer-Encoding: %s\r\n\r\n%s" % (encoding, body)
    assert parse_entity(octets).decoded() == content


@pytest.mark.parametrize(
    ("encoding", "body"),
    [(b"base64", b"YWJ"), (b"base64", b"YQ==YQ=="), (b"base64", b"Y"), (b"x-what", b"")],
)
def test_what_cannot_be_decoded_is_malformed(encoding: bytes, body: bytes) -> None:
    octets = b"Content-Transfer-Encoding: %s\r\n\r\n%s" % (encoding, body)
    with pytest.raises(MalformedMessage):
        parse_entity(octets).decoded()
