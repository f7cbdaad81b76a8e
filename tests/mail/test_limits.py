"""The limits of MIME, at -1, 0 and +1 (R8); those of other packages are tested there."""

from collections.abc import Callable

import pytest

from app.mail import limits
from app.mail.address import MalformedAddress, originator, parse_mailboxes
from app.mail.canonical import make_signable
from app.mail.entity import parse_entity, scan
from app.mail.errors import MalformedMessage
from app.mail.fields import is_refused
from app.mail.headers import Headers, decode_text, split
from app.mail.media import parse_disposition, parse_media_type
from tests.timing import own_time


def nested(levels: int, boundary: bytes = b"b") -> bytes:
    """Return a message of so many multiparts inside one another."""
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=%s%d\r\n\r\n--%s%d\r\n"
        % (boundary, n, boundary, n)
        for n in range(100_000, 100_000 + levels)
    )
    tail = b"".join(
        b"\r\n--%s%d--" % (boundary, n) for n in range(100_000 + levels - 1, 99_999, -1)
    )
    return b"From: a@x.example\r\n" + head + b"\r\nthe leaf" + tail


def of_parts(number: int) -> bytes:
    return (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\n\r\nx\r\n" * number
        + b"--b--\r\n"
    )


def with_boundary(octets: int) -> bytes:
    boundary = b"b" * octets
    return b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n--%s\r\n\r\nx\r\n--%s--' % (
        boundary,
        boundary,
        boundary,
    )


def with_section(octets: int) -> bytes:
    line = b"X: " + b"x" * 995 + b"\r\n"
    count, rest = divmod(octets - 4, len(line))
    return b"Y:" + b"y" * rest + b"\r\n" + line * count + b"\r\nbody"


def with_field(octets: int) -> bytes:
    return b"X:" + b"x" * (octets - 4) + b"\r\n\r\nbody"


@pytest.mark.parametrize(
    ("make", "limit", "reason"),
    [
        (nested, limits.MIME_DEPTH, "MIME depth over 20"),
        (of_parts, limits.MIME_PARTS, "more than 1000 MIME parts"),
        (with_boundary, limits.BOUNDARY_OCTETS, "boundary over 200 octets"),
        (with_section, limits.HEADER_SECTION_OCTETS, "header section over 262144 octets"),
        (with_field, limits.FIELD_OCTETS, "header field over 65536 octets"),
    ],
)
def test_a_message_is_scanned_up_to_each_limit(
    make: Callable[[int], bytes],
    limit: int,
    reason: str,
) -> None:
    # T35, T36
    assert scan(make(limit - 1)) == ""
    assert scan(make(limit)) == ""
    assert scan(make(limit + 1)) == reason


def test_the_limits_hold_for_parts_and_attached_messages() -> None:
    part = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n%s\r\n--b--\r\n"
    assert scan(part % with_field(limits.FIELD_OCTETS + 1)) == "header field over 65536 octets"
    attached = b"Content-Type: message/rfc822\r\n\r\n"
    assert scan(attached * limits.MIME_DEPTH + nested(0)) == ""
    assert scan(attached * (limits.MIME_DEPTH + 1) + nested(0)) == "MIME depth over 20"


def test_a_multipart_over_the_limit_has_no_parts() -> None:
    assert len(parse_entity(of_parts(limits.MIME_PARTS)).parts()) == limits.MIME_PARTS
    over = parse_entity(of_parts(limits.MIME_PARTS + 1))
    assert over.parts() == ()
    assert "more than 1000 parts" in over.anomalies


def test_a_header_section_or_field_over_the_limit_is_an_anomaly() -> None:
    # T38
    assert split(with_section(limits.HEADER_SECTION_OCTETS)).headers.anomalies == ()
    assert split(with_section(limits.HEADER_SECTION_OCTETS + 1)).headers.anomalies
    assert split(with_field(limits.FIELD_OCTETS)).headers.anomalies == ()
    assert split(with_field(limits.FIELD_OCTETS + 1)).headers.anomalies


def test_a_header_section_that_is_refused_is_not_read() -> None:
    taken = with_section(limits.HEADER_REFUSE_OCTETS)
    assert len(split(taken).headers.fields) > 1
    assert split(taken).headers.find("X") is not None
    refused = with_section(limits.HEADER_REFUSE_OCTETS + 1)
    assert len(split(refused).headers.fields) == 1
    assert split(refused).headers.find("X") is None


def test_a_header_section_of_too_many_fields_is_refused() -> None:  # T36
    for end in (b"\r\n", b"\n", b"\r"):
        taken = (b"X: a" + end) * limits.HEADER_FIELDS
        assert not is_refused(taken)
        assert len(Headers(taken).fields) == limits.HEADER_FIELDS
        assert is_refused(taken + b"X: a\r\n")
        refused = Headers(taken + b"X: a\r\n")
        assert len(refused.fields) == 1
        assert refused.anomalies[0] == "more than 2000 header fields"
        # Files of text with bare line ends are known by it, whatever they hold.
        assert ("bare LF" in refused.anomalies) is (end == b"\n")
    over = b"X: a\r\n" * (limits.HEADER_FIELDS + 1)
    assert scan(over + b"\r\n") == "more than 2000 header fields"
    part = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n%s\r\n"
    assert scan(part % over) == "more than 2000 header fields"
    # A long list of recipients is one field, however many lines it takes.
    assert not is_refused(b"To: a@x.example" + b",\r\n a@x.example" * 10_000 + b"\r\n")


def test_text_is_decoded_up_to_its_limit_and_kept_beyond() -> None:
    # T36
    word = b"=?utf-8?q?=C3=A4?="
    for over in (-1, 0, 1):
        value = b"x" * (limits.DECODE_OCTETS - len(word) + over) + word
        text = decode_text(value)
        assert text.endswith("ä") == (over <= 0)


def test_media_types_and_address_lists_are_read_up_to_the_limit_of_a_field() -> None:
    for over in (-1, 0, 1):
        filler = b" " * (limits.FIELD_OCTETS - len(b"text/plain") + over)
        assert (parse_media_type(b"text/plain" + filler) is not None) == (over <= 0)
        assert (parse_disposition(b"text/plain" + filler)[0] == "text/plain") == (over <= 0)
        addresses = b"a@x.example," + b" " * (limits.FIELD_OCTETS - 12 + over)
        if over <= 0:
            assert len(parse_mailboxes(addresses)) == 1
        else:
            with pytest.raises(MalformedAddress):
                parse_mailboxes(addresses)


def test_from_is_read_up_to_the_limit_of_decoding() -> None:
    for over in (-1, 0, 1):
        value = b" a@x.example".rjust(limits.DECODE_OCTETS - 2 + over) + b"\r\n"
        assert bool(originator(Headers(b"From:" + value)).problem) == (over > 0)


def test_an_entity_too_deep_is_not_made_signable() -> None:
    eight_bit = nested(limits.MIME_DEPTH).replace(b"leaf", b"\xc3\xa4")
    assert make_signable(eight_bit).isascii()
    with pytest.raises(MalformedMessage):
        make_signable(nested(limits.MIME_DEPTH + 1).replace(b"leaf", b"\xc3\xa4"))


def test_an_entity_of_too_many_parts_is_not_made_signable() -> None:
    assert make_signable(of_parts(limits.MIME_PARTS).replace(b"x\r\n", b"\xe4\r\n")).isascii()
    with pytest.raises(MalformedMessage):
        make_signable(of_parts(limits.MIME_PARTS + 1).replace(b"x\r\n", b"\xe4\r\n"))


# Each took minutes in one parser or another; the bound is generous because machines are busy.
BOMBS = {
    "500 levels": nested(500),
    "100,000 levels": nested(100_000),
    "100,000 levels that begin alike": nested(100_000, b"b" * 180),
    "100,000 attached messages": b"Content-Type: message/rfc822\r\n\r\n" * 100_000,
    "a million parts": of_parts(1_000_000),
    "five million lines like delimiters": of_parts(1).replace(
        b"\r\nx\r\n", b"\r\n--bx\r\n" * 5_000_000
    ),
    "twenty levels of two dashes": nested(20).replace(b"leaf", b"\r\n--" * 3_000_000),
    "a message that is all header section": b"A: b\r\n" * 5_000_000,
    "one header section of 1 MB": b"A: b\r\n" * 174_000 + b"\r\n",
    "one header field of 1 MB": b"From: " + b"(" * 1_000_000 + b"\r\n\r\n",
    "encoded words that do not end": b"Subject: " + b"=?utf-8?q?" * 60_000 + b"\r\n\r\n",
    "encoded words that begin twice": b"Subject: " + b"=?a?b?=?" * 75_000 + b"\r\n\r\n",
    "blanks before a parameter": b"Content-Type: a/b;" + b" " * 60_000 + b"(\r\n\r\n",
    "quotes that do not end": b'Content-Type: a/b;c="' + b"\\" * 60_000 + b"\r\n\r\n",
    "comments in a media type": b"Content-Type: a/b " + b"(" * 60_000 + b"\r\n\r\n",
    "parameters": b"Content-Type: a/b" + b";c*0=d" * 10_000 + b"\r\n\r\n",
    "semicolons": b"Content-Type: a/b" + b";" * 60_000 + b"\r\n\r\n",
    "folds": b"Content-Type: a/b;\r\n" + b" \r\n" * 20_000 + b" c=d\r\n\r\n",
    "comments in From": b"From: " + b"(" * 9_000 + b"\r\n\r\n",
    "brackets in From": b"From: " + b"<" * 9_000 + b"\r\n\r\n",
    "groups in From": b"From: " + b"a:" * 4_500 + b"\r\n\r\n",
    "quotes in From": b'From: "' + b"\\" * 9_000 + b"\r\n\r\n",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_read_in_linear_time(bomb: bytes) -> None:
    # T35, T36
    with own_time() as own:
        scan(bomb)
        headers = split(bomb).headers
        headers.text("Subject")
        originator(headers)
        entity = parse_entity(bomb)
        assert entity.media_type.essence
        entity.parts()
    assert own.seconds < 2
