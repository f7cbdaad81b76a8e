"""The paths of MAIL and RCPT: letters as they came, and nothing but addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mta.path import parse_parameters, parse_path, parse_xforward
from app.mta.wire import is_writable


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("<>", ""),
        ("<Alice.Smith@Nord.Example>", "Alice.Smith@Nord.Example"),
        ("<a..b.@docomo.example>", "a..b.@docomo.example"),
        ('<"a b"@x.example>', '"a b"@x.example'),
        (r'<"a\"<>@b"@x.example>', r'"a\"<>@b"@x.example'),
        ("<a@[192.0.2.1]>", "a@[192.0.2.1]"),
        ("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"),
        ("<a+tag=b@x_y.example>", "a+tag=b@x_y.example"),
        ("<a@x.example.>", "a@x.example."),
        ("<prvs=1234@x>", "prvs=1234@x"),
        ("<jörg@bücher.example>", "jörg@bücher.example"),
        ("<@a.example,@b.example:c@d.example>", "c@d.example"),
        ("<POSTMASTER>", "POSTMASTER"),
    ],
)
def test_path_is_kept_as_it_came(text: str, mailbox: str) -> None:
    assert parse_path(text) == (mailbox, "")
    assert parse_path(text + " BODY=7BIT ") == (mailbox, "BODY=7BIT")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a@x.example",
        "<a@x.example",
        "a@x.example>",
        "<a>",
        "<@x.example>",
        "<a@>",
        "<a b@x.example>",
        "<a@x.example>x",
        "<a@x.example>>",
        "<<a@x.example>>",
        "<a@-x.example>",
        "<a@x..example>",
        "<a@x.example,b@x.example>",
        '<"a@x.example>',
        "<a\r\nRCPT TO:<b@x.example>",
        "<a\0@x.example>",
        "<a\x7f@x.example>",
        "<a\x85@x.example>",
        "<" + "a" * 257 + "@x.example>",
        "<a@" + "x" * 256 + ">",
    ],
)
def test_what_is_no_path_is_none(text: str) -> None:
    # T25
    assert parse_path(text) is None


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.from_regex(r'<["\\a-z@. >]*>')
)
def test_whatever_parses_can_be_written_to_the_next_hop(text: str) -> None:
    # T25
    found = parse_path(text)
    assert found is None or is_writable(found[0])


def test_hostile_path_takes_no_time() -> None:
    for text in ("<" + "a." * 1000, "<" + "a@" * 1000, '<"' + "\\" * 2000, "<@a" + ",@a" * 600):
        assert parse_path(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("SIZE=10 body=8BITMIME", {"SIZE": "10", "BODY": "8BITMIME"}),
        ("SMTPUTF8", {"SMTPUTF8": ""}),
        ("ENVID=aBc+3D", {"ENVID": "aBc+3D"}),
        ("SIZE=", None),
        ("=1", None),
        ("SIZE=1=2", None),
        ("SIZE=1 size=2", None),
        ("-A=1", None),
    ],
)
def test_parameters_are_read_or_refused(text: str, expected: dict[str, str] | None) -> None:
    assert parse_parameters(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ADDR=192.0.2.1 name=a.example", {"ADDR": "192.0.2.1", "NAME": "a.example"}),
        ("ADDR=IPV6:2001:db8::1", {"ADDR": "2001:db8::1"}),
        ("NAME=[UNAVAILABLE] HELO=[TEMPUNAVAIL]", {}),
        ("HELO=a+20b", {"HELO": "a b"}),
        ("HELO=a+0D+0Ab", None),
        ("LOGIN=alice", {"LOGIN": "alice"}),
        ("SHELL=root", None),
        ("ADDR", None),
    ],
)
def test_xforward_is_read_or_refused(text: str, expected: dict[str, str] | None) -> None:
    # T31
    assert parse_xforward(text) == expected
