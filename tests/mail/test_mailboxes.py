"""Address lists are read once and without recursion."""

import pytest

from app.mail.address import Mailbox, MalformedAddress, parse_mailboxes

READ = {
    b"a@x.example": [("", "a@x.example")],
    b" a@x.example \r\n": [("", "a@x.example")],
    b"<a@x.example>": [("", "a@x.example")],
    b"< a@x.example >": [("", "a@x.example")],
    b"Alice <a@x.example>": [("Alice", "a@x.example")],
    b"Alice\r\n <a@x.example>": [("Alice", "a@x.example")],
    b'"Doe, \\"J\\" John" <a@x.example>': [('Doe, "J" John', "a@x.example")],
    b"J. R. Doe <a@x.example>": [("J. R. Doe", "a@x.example")],
    b"=?utf-8?q?J=C3=B6rg?= =?utf-8?q?_M=C3=BCller?= <a@x.example>": [
        ("Jörg Müller", "a@x.example")
    ],
    b'"=?utf-8?q?J=C3=B6rg?=" <a@x.example>': [("Jörg", "a@x.example")],
    "Jörg <jörg@x.example>".encode(): [("Jörg", "jörg@x.example")],
    b"a@x.example (Alice (the first))": [("Alice (the first)", "a@x.example")],
    b"a@x.example (\\) closed)": [("\\) closed", "a@x.example")],
    b"(c) Alice (d) <a@x.example> (e)": [("Alice", "a@x.example")],
    b"a@x.example, b@x.example": [("", "a@x.example"), ("", "b@x.example")],
    b",, a@x.example,,": [("", "a@x.example")],
    b'"a b"@x.example': [("", '"a b"@x.example')],
    b'<"a@b"@x.example>': [("", '"a@b"@x.example')],
    b"a@[192.0.2.1]": [("", "a@[192.0.2.1]")],
    b"boss@y.example <a@x.example>": [("boss@y.example", "a@x.example")],
    b"Friends: a@x.example, B <b@x.example>;": [("", "a@x.example"), ("B", "b@x.example")],
    b"Friends: a@x.example;, c@x.example": [("", "a@x.example"), ("", "c@x.example")],
    b"undisclosed-recipients:;": [],
    b"": [],
    b"(only a comment)": [],
}


@pytest.mark.parametrize(("value", "mailboxes"), READ.items())
def test_mailboxes_are_read(value: bytes, mailboxes: list[tuple[str, str]]) -> None:
    # RFC 5322 §3.4
    assert [(box.display, box.address) for box in parse_mailboxes(value)] == mailboxes


def test_a_mailbox_tells_its_comment_and_group() -> None:
    (box,) = parse_mailboxes(b"My friends: Alice <a@x.example> (at work) (=?utf-8?q?=C3=A4?=);")
    assert box == Mailbox("Alice", "a@x.example", "at work ä", "My friends")


MALFORMED = [
    b"Alice",
    b"Doe, John <a@x.example>",
    b"a@x.example b@x.example",
    b"boss evil@x.example",
    b"a @x.example",
    b"a@ x.example",
    b"a(c)@x.example",
    b"a@x.example <b@x.example",
    b"<a@x.example",
    b"<a@x.example> Bob",
    b"<a@x.example> <b@x.example>",
    b"<<a@x.example>>",
    b"<>",
    b"a@x.example>",
    b"<@relay.example:a@x.example>",
    b"<@relay.example,@other.example:a@x.example>",
    b"a@b@x.example",
    b"<a,b@x.example>",
    b'"Alice <a@x.example>',
    b"(Alice <a@x.example>",
    b"Alice (a) b) <a@x.example>",
    b"Friends: a@x.example",
    b"Friends: Foes: a@x.example;;",
    b"a@x.example;",
    b"a\\@x.example",
    b"a@[192.0.2.1",
    b"a]@x.example",
    b"a\0@x.example",
    b"a\x1b@x.example",
    b"a@x.example\x00",
    b"a\xe4@x.example",
    "a\u200b@x.example".encode(),
    b"a..b@x.example",
    b"a@",
    b"@x.example",
]


@pytest.mark.parametrize("value", MALFORMED)
def test_what_readers_could_take_differently_is_malformed(value: bytes) -> None:
    # T38, T48
    with pytest.raises(MalformedAddress):
        parse_mailboxes(value)
