"""Mailboxes in header fields: From, Sender, To.

A parser for address lists that goes through the octets once, without recursion: comments may be
nested as deep as a sender likes (T36). ``originator`` says who a message claims to be from, and why
that cannot be said, if From is anything but one plain mailbox (T47-T49, D7). RFC 5322 §3.4, §3.6.2.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from app.mail.headers import Headers
from app.mail.limits import DECODE_OCTETS, FIELD_OCTETS
from app.mail.words import decode_text, unfold


class MalformedAddress(ValueError):
    """Not an address, or not a list of them; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox of a field."""

    display: str
    """The display name, decoded; the comment beside a bare address where there is none."""
    address: str
    """The addr-spec, as written but for white space and comments."""
    group: str = ""
    """The name of the group it stands in."""


@dataclass(frozen=True, slots=True)
class Originator:
    """Who a message claims to be from."""

    address: str
    """The one mailbox of From, as written; "" if there is not exactly one."""
    sender: str
    """The address of Sender; "" if the field is absent."""
    problem: str
    """Why From says nothing a signature could be compared with; "" if it does."""

    @property
    def is_on_behalf(self) -> bool:
        """Whether Sender names somebody else than From."""
        return bool(self.sender) and self.sender.lower() != self.address.lower()


_LEX: Final = re.compile(
    r"[ \t]+"
    r'|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    r"|(?P<literal>\[[^\[\]\\]*\])"
    r"|(?P<special>[()<>@,;:.\\\"\[\]])"
    r"|(?P<atom>[^ \t()<>@,;:.\\\"\[\]]+)",
)


@dataclass(slots=True)
class _State:
    """What has been read of the mailbox at hand."""

    words: list[str] = field(default_factory=list)  # display name or addr-spec, not yet known which
    gaps: list[bool] = field(default_factory=list)  # white space before the word
    comments: list[str] = field(default_factory=list)
    angle: list[str] | None = None
    is_closed: bool = False
    gap: bool = False


def parse_mailboxes(value: bytes) -> tuple[Mailbox, ...]:
    """Return the mailboxes of an address list in order, those in groups too.

    Takes the value of a field, folded or not. Raises MalformedAddress for anything that is no list of
    mailboxes and groups, for source routes, and for more than FIELD_OCTETS.
    """
    return _parse(value)[0]


def _parse(value: bytes) -> tuple[tuple[Mailbox, ...], bool]:
    if len(value) > FIELD_OCTETS:
        raise MalformedAddress(f"address field over {FIELD_OCTETS} octets")
    try:
        text = unfold(value).decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedAddress("8-bit octets that are not UTF-8") from None
    found: list[Mailbox] = []
    state = _State()
    group: str | None = None
    had_group = False
    at = 0
    while at < len(text):
        token = _LEX.match(text, at)
        assert token is not None
        at = token.end()
        special = token["special"]
        if special == "(":
            at = _comment(text, at, state)
        elif special == "," or (special == ";" and group is not None):
            _finish(state, found, group)
            state = _State()
            if special == ";":
                group = None
        elif special == ":" and state.angle is None and group is None:
            group = _phrase(state)
            had_group = True
            state = _State()
        else:
            _take(token, state)
    _finish(state, found, group)
    if group is not None:
        raise MalformedAddress("group that does not end")
    return tuple(found), had_group


def _comment(text: str, at: int, state: _State) -> int:
    """Take a comment whose "(" has been read; return where it ends."""
    depth, start = 1, at
    while at < len(text):
        char = text[at]
        at += 2 if char == "\\" else 1
        depth += (char == "(") - (char == ")")
        if depth == 0:
            state.comments.append(text[start : at - 1])
            state.gap = True
            return at
    raise MalformedAddress("comment that does not end")


def _take(token: "re.Match[str]", state: _State) -> None:
    kind = token.lastgroup
    if kind is None:
        state.gap = True
        return
    word = token[0]
    if state.is_closed:
        raise MalformedAddress("text after the address")
    if state.angle is not None:
        if word == ">":
            state.is_closed = True
        elif word in ',;:<\\"':
            raise MalformedAddress("source route or list inside of an address")
        else:
            state.angle.append(word)
    elif word == "<":
        state.angle = []
    elif kind == "special" and word in '>;:\\"[])':
        raise MalformedAddress(f"stray {word!r}")
    else:
        state.words.append(word)
        state.gaps.append(state.gap)
    state.gap = False


def _phrase(state: _State) -> str:
    """Return the words read so far as a display name, decoded."""
    out: list[str] = []
    for word, gap in zip(state.words, state.gaps, strict=True):
        plain = re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
        out.append(" " + plain if gap and out else plain)
    return decode_text("".join(out).encode("utf-8", "replace"))


def _finish(state: _State, found: list[Mailbox], group: str | None) -> None:
    if state.angle is not None:
        if not state.is_closed:
            raise MalformedAddress("address that does not end")
        address = "".join(state.angle)
        display = _phrase(state)
    elif state.words:
        address = "".join(state.words)
        display = ""
    else:
        return  # an empty element of a list: RFC 5322 §4.4
    if not display and state.comments:
        # QUIRK: mail of RFC 822 times names people in a comment, and mail programs show it.
        display = decode_text(" ".join(state.comments).encode("utf-8", "replace"))
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain or address.startswith("@"):
        raise MalformedAddress("mailbox without an address")
    found.append(Mailbox(display, address, group or ""))


def originator(headers: Headers) -> Originator:
    """Return who the message claims to be from (RFC 5322 §3.6.2)."""
    sender, sender_problem = _sender(headers)
    fields = headers.all("From")
    if len(fields) != 1:
        return Originator("", sender, "several From fields" if fields else "no From field")
    value = fields[0].value
    if len(value) > DECODE_OCTETS:
        return Originator("", sender, f"From field over {DECODE_OCTETS} octets")
    try:
        mailboxes, had_group = _parse(value)
    except MalformedAddress as problem:
        return Originator("", sender, f"From cannot be read: {problem}")
    if had_group:
        return Originator("", sender, "From names a group")
    if len(mailboxes) != 1:
        return Originator(
            "", sender, "From names several mailboxes" if mailboxes else "From is empty"
        )
    mailbox = mailboxes[0]
    return Originator(mailbox.address, sender, _display_problem(mailbox) or sender_problem)


def _sender(headers: Headers) -> tuple[str, str]:
    fields = headers.all("Sender")
    if not fields:
        return "", ""
    if len(fields) > 1:
        return "", "several Sender fields"
    try:
        mailboxes = parse_mailboxes(fields[0].value)
    except MalformedAddress:
        return "", "Sender cannot be read"
    if len(mailboxes) != 1:
        return "", "Sender names no single mailbox"
    return mailboxes[0].address, ""


def _display_problem(mailbox: Mailbox) -> str:
    """Return a problem if the display name looks like an address and is another one (T48)."""
    plain = unicodedata.normalize("NFKC", mailbox.display)
    shown = "".join(
        c for c in plain if unicodedata.category(c) not in {"Cc", "Cf", "Zs", "Zl", "Zp"}
    )
    if "@" not in shown:
        return ""
    shown = shown.strip("<>'\"").lower()
    return "" if shown == mailbox.address.lower() else "display name that is another address"
