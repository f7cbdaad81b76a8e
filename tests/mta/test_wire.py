"""What a client writes, and that no refusal, silence or nonsense becomes a yes."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mta import reply
from app.mta.wire import (
    Transaction,
    envelope_commands,
    extensions,
    is_writable,
    outcome,
    own_fault,
    recipient_outcomes,
    refused,
    stuffed,
    tls_context,
    unfit,
)

PIECES = st.lists(st.sampled_from([b"\r\n", b".", b"..", b"\r\n.", b"a", b"\xff", b"\0", b"text"]))


@given(PIECES.map(b"".join), st.integers(1, 12))
def test_stuffing_is_undone_by_the_rule_of_the_standard(octets: bytes, slice_octets: int) -> None:
    # T14, RFC 5321 §4.5.2
    written = b"".join(stuffed(octets, slice_octets))
    lines = written.split(b"\r\n")
    assert lines[-2:] == [b".", b""]
    assert b"." not in lines[:-2]
    read = b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:-2])
    assert read == octets + (b"" if not octets or octets.endswith(b"\r\n") else b"\r\n")


def test_content_is_one_piece_unless_it_is_large() -> None:
    assert list(stuffed(b"a\r\n.b\r\n", 1000)) == [b"a\r\n..b\r\n.\r\n"]
    assert len(list(stuffed(b"a" * 2500, 1000))) == 3


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", True),
        ("a@x.example", True),
        ('"a b<>"@x.example', True),
        ("a@x.example> SIZE=1", False),
        ("a@x.example\r\nDATA", False),
        ("a\x85@x.example", False),
        ("a\udcff@x.example", False),
        ('"a', False),
    ],
)
def test_only_an_address_is_writable(path: str, expected: bool) -> None:
    # T25
    assert is_writable(path) is expected


def test_extensions_are_read() -> None:
    answer = b"250-hop.example hello\r\n250-size 1000\r\n250-8bitmime\r\n250 X \xff"
    assert extensions(answer) == {"SIZE": "1000", "8BITMIME": "", "X": "\ufffd"}


ASCII = Transaction("a@x", ("b@y",), b"Subject: a\r\n\r\nabc\r\n", False, False)
EIGHT = Transaction("a@x", ("b@y",), b"Subject: a\r\n\r\n\xc3\xa4\r\n", True, False)
UTF8 = Transaction("\xe4@x", ("b@y",), b"Subject: a\r\n\r\nabc\r\n", False, True)
UTF8_HEADER = Transaction("a@x", ("b@y",), b"Subject: \xc3\xa4\r\n\r\nabc\r\n", False, True)
UTF8_UNUSED = Transaction("a@x", ("b@y",), b"Subject: a\r\n\r\nabc\r\n", False, True)


@pytest.mark.parametrize(
    ("mail", "offered", "expected"),
    [
        (ASCII, {}, None),
        (EIGHT, {}, reply.NO_EIGHT_BIT),
        (EIGHT, {"8BITMIME": ""}, None),
        (UTF8, {"8BITMIME": ""}, reply.NO_SMTPUTF8),
        (UTF8_HEADER, {"8BITMIME": ""}, reply.NO_SMTPUTF8),
        (UTF8_UNUSED, {}, None),
        (UTF8, {"SMTPUTF8": "", "8BITMIME": ""}, None),
        (ASCII, {"SIZE": "18"}, reply.TOO_LARGE),
        (ASCII, {"SIZE": "19"}, None),
        (ASCII, {"SIZE": "0"}, None),
        (ASCII, {"SIZE": ""}, None),
        (ASCII, {"SIZE": "-1"}, None),
        (ASCII, {"SIZE": "9" * 5000}, None),
    ],
)
def test_message_is_refused_rather_than_changed(
    mail: Transaction, offered: dict[str, str], expected: reply.Reply | None
) -> None:
    # F8
    assert unfit(mail, offered) == expected


@pytest.mark.parametrize(
    ("mail", "offered", "expected"),
    [
        (ASCII, {}, b"MAIL FROM:<a@x>\r\n"),
        (ASCII, {"SIZE": "", "8BITMIME": ""}, b"MAIL FROM:<a@x> SIZE=19\r\n"),
        (EIGHT, {"8BITMIME": ""}, b"MAIL FROM:<a@x> BODY=8BITMIME\r\n"),
        (UTF8, {"SMTPUTF8": ""}, b"MAIL FROM:<\xc3\xa4@x> SMTPUTF8\r\n"),
        (UTF8_UNUSED, {}, b"MAIL FROM:<a@x>\r\n"),
    ],
)
def test_mail_says_what_the_server_needs(
    mail: Transaction, offered: dict[str, str], expected: bytes
) -> None:
    assert envelope_commands(mail, offered) == [expected, b"RCPT TO:<b@y>\r\n", b"DATA\r\n"]


def test_null_reverse_path_stays_null() -> None:
    # T12
    mail = Transaction("", ("b@y",), b"", False, False)
    assert envelope_commands(mail, {})[0] == b"MAIL FROM:<>\r\n"


@pytest.mark.parametrize(
    "said", [b"", b"354 go", b"what", b"220 hi", b"250-a\r\n550 b", b"\xff" * 9]
)
def test_only_a_yes_in_its_place_is_a_yes(said: bytes) -> None:
    assert refused(said).temporary
    assert own_fault(said).temporary


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"250 2.0.0 ok", 250),
        (b"", 451),
        (b"354 what", 451),
        (b"421 4.3.2 closing", 451),
        (b"452 4.2.2 full", 452),
        (b"550 5.1.1 no", 550),
        (b"503 5.5.1 sequence", 451),
        (b"530 5.7.0 starttls first", 451),
        (b"500 5.3.0 failed", 500),
    ],
)
def test_outcome_of_the_last_reply(said: bytes, code: int) -> None:
    assert outcome(said).code == code


def test_each_recipient_has_its_own_outcome() -> None:
    # T6
    said = [b"250 ok", b"250 ok", b"550 5.1.1 no", b"452 4.5.3 later", b"354 go"]
    first, second, third = recipient_outcomes(said)
    assert first is None
    assert second is not None
    assert second.code == 550
    assert third is not None
    assert third.code == 452


def test_refused_mail_is_for_all() -> None:
    said = [b"550 5.7.1 not you", b"503 no", b"503 no", b"503 no"]
    assert [str(one) for one in recipient_outcomes(said)] == ["550 5.7.1 not you"] * 2


def test_only_verify_asks_who_it_is() -> None:
    # T26
    assert tls_context("verify", "").verify_mode is ssl.CERT_REQUIRED
    assert tls_context("verify", "").check_hostname
    assert tls_context("encrypt", "").verify_mode is ssl.CERT_NONE


def test_no_report_of_the_next_hop_shall_hold_the_content() -> None:  # T93
    mail = Transaction("a@x", ("b@x",), b"", eight_bit=False, smtputf8=False)
    assert envelope_commands(mail, {"DSN": ""})[0] == b"MAIL FROM:<a@x> RET=HDRS\r\n"
    assert envelope_commands(mail, {})[0] == b"MAIL FROM:<a@x>\r\n"
