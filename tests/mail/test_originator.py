"""Who a message is from, or why that cannot be said (T47-T49, D7)."""

import pytest

from app.mail.address import Originator, originator
from app.mail.headers import Headers

PLAIN = [
    b"From: a@x.example\r\n",
    b"From: Alice <a@x.example>\r\n",
    b"From: =?utf-8?q?=C3=84lice?= <a@x.example>\r\n",
    b'From: "a@x.example" <a@x.example>\r\n',
    b"From: 'A@X.example' <a@x.example>\r\n",
    b'From: "<a@x.example>" <a@x.example>\r\n',
    b"From: a@x.example (Alice)\r\n",
    b"From: =?UTF-8?B?SsO2cmcgTcO8bGxlcg==?= <a@x.example>\r\n",
    b"From: =?utf-8?b?w4RsaQ==?=\r\n =?utf-8?q?ce?= <a@x.example>\r\n",
    b'From: "=?iso-8859-1?Q?Max M=FCller?=" <a@x.example>\r\n',
    b"From: =?windows-1252*de?q?J=F6rg?= <a@x.example>\r\n",
    b"From: =?ks_c_5601-1987?B?sei4wA==?= <a@x.example>\r\n",
    b'From: "Alice? (=yes)" <a@x.example>\r\n',
    b"Resent-From: other@x.example\r\nFrom: a@x.example\r\n",  # T49
    b"Reply-To: other@x.example\r\nFrom: a@x.example\r\n",
]


@pytest.mark.parametrize("section", PLAIN)
def test_one_plain_mailbox_is_the_originator(section: bytes) -> None:
    assert originator(Headers(section)) == Originator("a@x.example", "", "")


# T48: the display name is an address, whatever it is padded with
SHOWN = [
    b'"boss@y.example" <a@x.example>',
    b"boss@y.example <a@x.example>",
    b'"boss@y.example                                        " <a@x.example>',
    b'"Boss <boss@y.example>" <a@x.example>',
    b'"Boss (boss@y.example)" <a@x.example>',
    b'"b o s s @ y . e x a m p l e" <a@x.example>',
    b"=?utf-8?q?boss=40y.example?= <a@x.example>",
    b"=?utf-8?b?Ym9zc0B5LmV4YW1wbGU=?= <a@x.example>",
    b"=?utf-7?q?boss+AEA-y.example?= <a@x.example>",
    "boss＠y.example <a@x.example>".encode(),
    "boss﹫y.example <a@x.example>".encode(),
    "boss\u200b@\u200by.example <a@x.example>".encode(),
    "boss\u24d0y.example <a@x.example>".encode(),
    b"a@x.example (boss@y.example)",
    b"Alice <a@x.example> (boss@y.example)",
    b'"a@x.example.evil.example" <a@x.example>',
    b'"a@x.example, boss@y.example" <a@x.example>',
]


@pytest.mark.parametrize("value", SHOWN)
def test_a_display_name_that_is_another_address_is_a_problem(value: bytes) -> None:
    # T48
    found = originator(Headers(b"From: " + value + b"\r\n"))
    assert found.address == "a@x.example"
    assert found.problem == "display name that is another address"


# T38, T48: some program reads there what we do not
UNREADABLE = [
    b"=?x-unknown?q?boss=40y.example?= <a@x.example>",
    b"=?ibm1047?b?gpaiog==?= <a@x.example>",
    b"=?utf-8?b?Ym9zc==QHkuZXhhbXBsZQ==?= <a@x.example>",
    b"=?utf-8?q?boss=40y.example <a@x.example>",
    b"=?utf-8?q?boss=40y.example? <a@x.example>",
    b"=?utf-8?q?Ja?_boss=40y.example?= <a@x.example>",
    b"= ?utf-8?q?boss=40y.example?= <a@x.example>",
    b"=\r\n ?utf-8?q?boss=40y.example?= <a@x.example>",
    b"a@x.example (=?x-unknown?q?boss=40y.example?=)",
    b"=?utf-8?q?b\xc3\xb6ss?= <a@x.example>",
]


@pytest.mark.parametrize("value", UNREADABLE)
def test_a_word_that_only_others_read_is_a_problem(value: bytes) -> None:
    found = originator(Headers(b"From: " + value + b"\r\n"))
    assert found.problem == "encoded word that cannot be read"


PROBLEMS = {
    b"": "no From field",
    b"From:\r\n": "From is empty",
    b"From: (nobody)\r\n": "From is empty",
    b"From: Alice\r\n": "From cannot be read",
    b"From: <>\r\n": "From cannot be read",
    b"From: Alice <>\r\n": "From cannot be read",
    b"From: a@x.example\r\nFrom: b@x.example\r\n": "several From fields",
    b"From: a@x.example\r\nfrom : a@x.example\r\n": "several From fields",
    b"From: a@x.example\rFrom: b@x.example\r\n": "several From fields",
    b"From: a@x.example\nFrom: b@x.example\r\n": "several From fields",
    b"From: a@x.example, b@x.example\r\n": "several mailboxes",
    b"From: a@x.example, a@x.example\r\n": "several mailboxes",
    b"From: Us: a@x.example;\r\n": "group",
    b"From: Us:;, a@x.example\r\n": "group",
    b"From: Us:;\r\n": "group",
    b"From: <@relay.example:a@x.example>\r\n": "From cannot be read",
    b"From: a@x.example\r\nSender: b@x.example\r\nSender: c@x.example\r\n": "several Sender fields",
    b"From: a@x.example\r\nSender: b@x.example, c@x.example\r\n": "Sender is no single mailbox",
    b"From: a@x.example\r\nSender: nobody\r\n": "Sender cannot be read",
    b"From: a@x.example\r\nSender:\r\n": "Sender is no single mailbox",
    b"From: a@x.example\r\nSender: %s\r\n" % (b"a." * 30_000): "Sender field over",  # T36
    b"From: \xe4 <a@x.example>\r\n": "From cannot be read",
}


@pytest.mark.parametrize(("section", "problem"), PROBLEMS.items())
def test_anything_else_is_a_problem(section: bytes, problem: str) -> None:
    # T47, T49
    assert problem in originator(Headers(section)).problem


@pytest.mark.parametrize(
    ("sender", "is_on_behalf"),
    [(b"", False), (b"Sender: A <A@x.example>\r\n", False), (b"Sender: b@x.example\r\n", True)],
)
def test_a_sender_who_is_somebody_else_is_told(sender: bytes, is_on_behalf: bool) -> None:
    # T49, C6
    found = originator(Headers(b"From: a@x.example\r\n" + sender))
    assert found.problem == ""
    assert found.is_on_behalf is is_on_behalf
