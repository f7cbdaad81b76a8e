"""A message is split and joined without loss, and changed only where it was asked for."""

import pytest

from app.mail.headers import Headers, join, split

MESSAGE = (
    b"Received: by mx.example;\r\n\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    b"From: =?utf-8?q?J=C3=B6rg?= <joerg@x.example>\r\n"
    b"subject:  two  blanks \r\n"
    b"To: b@x.example\r\n"
    b"TO: c@x.example\r\n"
    b"\r\n"
    b"body\r\n\r\nmore\r\n"
)


@pytest.mark.parametrize(
    ("message", "section", "separator", "body"),
    [
        (b"A: b\r\n\r\nbody", b"A: b\r\n", b"\r\n", b"body"),
        (b"\r\nbody", b"", b"\r\n", b"body"),
        (b"\r\n\r\nbody", b"", b"\r\n", b"\r\nbody"),
        (b"", b"", b"", b""),
        (b"A: b\r\n", b"A: b\r\n", b"", b""),
        (b"A: b", b"A: b", b"", b""),
        (b"A : b", b"A : b", b"", b""),
        (b"no field at all", b"", b"", b"no field at all"),
        (b" A: b\r\n", b"", b"", b" A: b\r\n"),
        (b"no field\r\n\r\nbody", b"no field\r\n", b"\r\n", b"body"),
        (b"A: b\n\nbody\r\n", b"A: b\n\nbody\r\n", b"", b""),
        (b"A: b\r\n\r\n", b"A: b\r\n", b"\r\n", b""),
        (b"A: b\r\n \r\nC: d\r\n\r\n\r\n", b"A: b\r\n \r\nC: d\r\n", b"\r\n", b"\r\n"),
    ],
)
def test_a_message_is_split_at_the_first_empty_line(
    message: bytes,
    section: bytes,
    separator: bytes,
    body: bytes,
) -> None:
    parts = split(message)
    assert (parts.headers.octets, parts.separator, parts.body) == (section, separator, body)
    assert parts.rest == separator + body
    assert join(parts.headers, parts) == message


def test_fields_are_found_whatever_their_case() -> None:
    headers = split(MESSAGE).headers
    first = headers.find("to")
    assert first is not None
    assert first.unfolded == b"b@x.example"
    assert [field.unfolded for field in headers.all("To")] == [b"b@x.example", b"c@x.example"]
    assert headers.find("Cc") is None
    assert headers.all("Cc") == ()


@pytest.mark.parametrize(
    ("section", "value"),
    [
        (b"From-Line: no\r\nFrom: yes\r\n", b"yes"),
        (b"From: yes\r\nFrom: second\r\n", b"yes"),
        (b"X: From: no\r\nfrom\r\n : yes\r\n", b"yes"),
        (b"X: a\r\n From: no\r\nFrom \t:yes\r\n", b"yes"),
        (b"Fromage: no\r\nFrom:\r\n yes\r\n", b"yes"),
        (b"From: yes", b"yes"),
        (b"X: a\nFrom: yes\r\n", b"yes"),
        (b" From: yes\r\nX: a\r\n", b"yes"),
    ],
)
def test_the_first_field_is_found_read_or_unread(section: bytes, value: bytes) -> None:
    read = Headers(section)
    assert read.fields
    for headers in (read, Headers(section)):
        field = headers.find("From")
        assert field is not None
        assert field.unfolded == value


def test_text_is_decoded_and_absent_text_is_empty() -> None:
    headers = split(MESSAGE).headers
    assert headers.text("From") == "Jörg <joerg@x.example>"
    assert headers.text("Subject") == "two  blanks"
    assert headers.text("Comments") == ""


def test_edits_leave_all_other_octets_alone() -> None:
    # T14
    parts = split(MESSAGE)
    headers = parts.headers
    assert join(headers.prepend("X-A", b"1"), parts) == b"X-A: 1\r\n" + MESSAGE
    assert join(headers.append("X-A", b"1"), parts) == MESSAGE.replace(
        b"\r\n\r\n", b"\r\nX-A: 1\r\n\r\n", 1
    )
    assert join(headers.without("to"), parts) == MESSAGE.replace(
        b"To: b@x.example\r\nTO: c@x.example\r\n",
        b"",
    )
    replaced = headers.replace_first("Subject", b"Subject: new\r\n")
    assert join(replaced, parts) == MESSAGE.replace(b"subject:  two  blanks ", b"Subject: new")
    assert (
        headers.replace_first("X-New", b"X-New: 1\r\n").octets == headers.octets + b"X-New: 1\r\n"
    )
    assert headers.without("Cc") is headers
    assert headers.octets + b"\r\n" + parts.body == MESSAGE


def test_text_is_encoded_where_a_field_is_made() -> None:
    assert Headers().prepend("Subject", "Grüße").octets == b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"
    assert Headers().append("Subject", "a\r\nEvil: b").octets == b"Subject: a  Evil: b\r\n"


@pytest.mark.parametrize("value", [b"a\r\nEvil: b", b"a\nb", b"a\rb", b"a\0b", b"a\r\n"])
def test_octets_that_would_be_more_than_one_field_are_a_bug(value: bytes) -> None:
    # CWE-93
    with pytest.raises(AssertionError):
        Headers().prepend("X", value)


def test_a_body_without_header_section_stays_a_body() -> None:
    # B7: trace fields go in front, and the text stays to be read.
    parts = split(b"Hello,\r\nthis is no field\r\n")
    longer = join(parts.headers.prepend("Received", b"by x"), parts)
    assert longer == b"Received: by x\r\n\r\nHello,\r\nthis is no field\r\n"


def test_a_header_section_without_empty_line_is_not_repaired() -> None:
    # B7
    parts = split(b"Subject: a\r\nTo: b")
    assert join(parts.headers.prepend("X", b"1"), parts) == b"X: 1\r\nSubject: a\r\nTo: b"
    assert join(parts.headers.append("X", b"1"), parts) == b"Subject: a\r\nTo: b\r\nX: 1\r\n"


def test_a_continuation_of_nothing_does_not_continue_our_field() -> None:
    # T62: a message whose first line is " ; smime=pass"
    parts = split(b" ; smime=pass (forged)\r\nFrom: a@x.example\r\n\r\nbody")
    made = join(parts.headers.prepend("Authentication-Results", b"mx.example; smime=fail"), parts)
    assert made == (
        b"Authentication-Results: mx.example; smime=fail\r\nFrom: a@x.example\r\n\r\nbody"
    )


@pytest.mark.parametrize("end", [b"", b"\r", b"\n", b"\r\n"])
def test_what_comes_below_a_section_begins_on_a_line_of_its_own(end: bytes) -> None:
    assert Headers(b"A: b" + end).append("C", b"d").octets == b"A: b\r\nC: d\r\n"


def test_the_empty_line_stays_one_whatever_field_is_cut_out_above_it() -> None:
    parts = split(b"From: a@example.org\nSubject: x\r\n\r\nSubject: this is body\r\n\r\n")
    message = join(parts.headers.without("Subject"), parts)
    assert message == b"From: a@example.org\r\n\r\nSubject: this is body\r\n\r\n"


def test_header_sections_are_equal_by_their_octets() -> None:
    assert Headers(b"A: b\r\n") == Headers.of(Headers(b"A: b\r\n").fields)
    assert len({Headers(b"A: b\r\n"), Headers(b"A: b\r\n"), Headers(b"a: b\r\n")}) == 2
    assert Headers(b"") != b""
    assert "A: b" in repr(Headers(b"A: b\r\n"))


def test_a_section_says_whether_it_is_ascii() -> None:
    assert Headers(b"Subject: a\r\n").is_ascii
    assert not Headers(b"Subject: \xc3\xa4\r\n").is_ascii


def test_a_field_is_replaced_in_a_section_that_nobody_has_read() -> None:
    made = Headers(b"A: 1\r\nB: 2\r\nB: 3\r\n").replace_first("b", b"B: new\r\n")
    assert made.octets == b"A: 1\r\nB: new\r\nB: 3\r\n"
