"""Mailboxes in header fields: From, Sender, To.

A parser for address lists that goes through the text once, without recursion: comments may be
nested as deep as a sender likes (T36). What readers could take differently is refused: white space
or a comment inside of an addr-spec, source routes, text behind the address.
RFC 5322 §3.4, RFC 6532 §3.2.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from app.mail.addr_spec import ADDRESS_OCTETS, split_addr_spec
from app.mail.errors import MalformedAddress
from app.mail.limits import FIELD_OCTETS
from app.mail.words import decode_text, unfold

_TOKEN: Final = re.compile(
    r"(?P<blank>[ \t]++)"
    r'|(?P<quoted>"[^"\\]*+(?:\\.[^"\\]*+)*")'
    r"|(?P<literal>\[[^\[\]\\]*+\])"
    r"|(?P<special>[()<>@,;:.\\\"\[\]])"
    r"|(?P<atom>[^ \t()<>@,;:.\\\"\[\]]++)",
)
_ESCAPE: Final = re.compile(r"\\(.)")
# What most fields are: words, one blank between, and an address of plain characters.
_USUAL: Final = re.compile(
    r"(?:([A-Za-z0-9]++(?: [A-Za-z0-9]++)*) )?"
    r"<([A-Za-z0-9_+-]{1,64}(?:\.[A-Za-z0-9_+-]{1,64}){0,9}@[A-Za-z0-9.-]{1,255})>"
)


class Mailbox(NamedTuple):
    """One mailbox of a field."""

    display: str
    """The display name, decoded; the comment beside the address where there is none."""
    address: str
    """The addr-spec, as written."""
    comment: str = ""
    """All comments beside it, decoded: some mail programs show them."""
    group: str = ""
    """The name of the group it stands in."""


class _Word(NamedTuple):
    text: str
    is_apart: bool  # white space or a comment stands before it


class _Reader:
    """What has been read of a list, and of the mailbox at hand."""

    def __init__(self) -> None:
        self.mailboxes: list[Mailbox] = []
        self.group: str | None = None
        self.had_group = False
        self._reset()

    def _reset(self) -> None:
        self.words: list[_Word] = []
        self.angle: list[_Word] | None = None
        self.comments: list[str] = []
        self.is_closed = False
        self.is_apart = False

    def comment(self, text: str, at: int) -> int:
        """Take a comment whose "(" has been read; return where it ends."""
        depth, start = 1, at
        while at < len(text):
            char = text[at]
            depth += (char == "(") - (char == ")")
            if depth == 0:
                self.comments.append(text[start:at])
                self.is_apart = True
                return at + 1
            at += 2 if char == "\\" else 1
        raise MalformedAddress("comment that does not end")

    def special(self, char: str) -> None:
        """Take a character of the list's own syntax, or one of an address."""
        if char == "," or (char == ";" and self.group is not None):
            self.finish_mailbox()
            if char == ";":
                self.group = None
        elif char == ":" and self.angle is None and self.group is None:
            self.group, self.had_group = _phrase(self.words), True
            self._reset()
        elif char == "<" and self.angle is None:
            self.angle = []
        elif char == ">" and self.angle is not None and not self.is_closed:
            self.is_closed = True
        elif char in "@.":
            self.word(char)
        else:
            raise MalformedAddress(f"stray {char!r}")

    def word(self, text: str) -> None:
        """Take an atom, a quoted string, a literal, a dot or an at sign."""
        if self.is_closed:
            raise MalformedAddress("text after the address")
        (self.words if self.angle is None else self.angle).append(_Word(text, self.is_apart))
        self.is_apart = False

    def finish_mailbox(self) -> None:
        """Take the end of a list's element, which may be empty (RFC 5322 §4.4)."""
        if self.angle is not None and not self.is_closed:
            raise MalformedAddress("address that does not end")
        words = self.words if self.angle is None else self.angle
        if words or self.angle is not None:
            comment = decode_text(" ".join(self.comments).encode("utf-8", "replace"))
            display = _phrase(self.words) if self.angle is not None else ""
            # QUIRK: mail of RFC 822 times names people in a comment; mail programs still show it.
            box = Mailbox(display or comment, _addr_spec(words), comment, self.group or "")
            self.mailboxes.append(box)
        self._reset()


def parse_mailboxes(value: bytes) -> tuple[Mailbox, ...]:
    """Return the mailboxes of an address list in order, those in groups too.

    Takes the value of a field, folded or not. Raises MalformedAddress for anything that is no list
    of mailboxes and groups, and for more than FIELD_OCTETS.
    """
    return parse_address_list(value)[0]


def parse_address_list(value: bytes) -> tuple[tuple[Mailbox, ...], bool]:
    """Return the mailboxes of an address list, and whether there is a group among them."""
    if len(value) > FIELD_OCTETS:
        raise MalformedAddress(f"address field over {FIELD_OCTETS} octets")
    return _remembered(value) if len(value) <= ADDRESS_OCTETS else _parse_list(value)


def _parse_list(value: bytes) -> tuple[tuple[Mailbox, ...], bool]:
    try:
        text = unfold(value).decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedAddress("8-bit octets that are not UTF-8") from None
    usual = _USUAL.fullmatch(text)
    if usual and len(usual[2]) <= ADDRESS_OCTETS:
        return (Mailbox(usual[1] or "", usual[2]),), False
    return _read_list(text)


# Who writes mail writes more than one.
_remembered: Final = lru_cache(maxsize=1024)(_parse_list)


def _read_list(text: str) -> tuple[tuple[Mailbox, ...], bool]:
    """Return the same for every list, token by token."""
    reader = _Reader()
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        assert token is not None, "the last two alternatives match any character"
        at = token.end()
        if token["special"] == "(":
            at = reader.comment(text, at)
        elif token["special"]:
            reader.special(token[0])
        elif token["blank"]:
            reader.is_apart = True
        else:
            reader.word(token[0])
    reader.finish_mailbox()
    if reader.group is not None:
        raise MalformedAddress("group that does not end")
    return tuple(reader.mailboxes), reader.had_group


def _phrase(words: list[_Word]) -> str:
    """Return words as a display name, unquoted and decoded."""
    out: list[str] = []
    for word in words:
        is_quoted = word.text.startswith('"')
        text = _ESCAPE.sub(r"\1", word.text[1:-1]) if is_quoted else word.text
        out.append(" " + text if word.is_apart and out else text)
    return decode_text("".join(out).encode("utf-8", "replace"))


def _addr_spec(words: list[_Word]) -> str:
    if any(word.is_apart for word in words[1:]):
        raise MalformedAddress("white space or a comment inside of an address")
    address = "".join(word.text for word in words)
    split_addr_spec(address)
    return address
