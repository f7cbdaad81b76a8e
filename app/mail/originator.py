"""Who a message claims to be from, and why that cannot be said.

A signature is compared with From, so From must say one thing to everybody: one field, one mailbox,
no group, and no display name that shows another address (T47-T49, D7).
RFC 5322 §3.6.2, RFC 8550 §3.
"""

import re
import unicodedata
from typing import Final, NamedTuple

from app.mail.errors import MalformedAddress
from app.mail.headers import Headers
from app.mail.limits import DECODE_OCTETS
from app.mail.mailboxes import Mailbox, parse_address_list, parse_mailboxes
from app.mail.words import is_known_charset, raw_text, unfold

# An encoded word as it should be; and whatever some program takes for one, or reads otherwise.
_WORD: Final = re.compile(
    r"=\?([^?\s]+)\?(?:[Qq]\?[\x20-\x3e\x40-\x7e]*+|[Bb]\?[A-Za-z0-9+/ \t]*+={0,2}[ \t]*+)\?="
)
_LIKE_A_WORD: Final = re.compile(r"=\s*+\?")
_ANGLE: Final = re.compile(r"<[^<>]*+>")
# Letters in a circle, which NFKC makes letters of.
_AT_SIGNS: Final = str.maketrans(
    dict.fromkeys("\u24d0\u24b6\u249c\U0001f110\U0001f150\U0001f170", "@")
)
_UNSEEN: Final = frozenset(("Cc", "Cf", "Mn", "Zl", "Zp", "Zs"))


class Originator(NamedTuple):
    """Who a message claims to be from."""

    address: str
    """The one mailbox of From, as written; "" if there is not exactly one."""
    sender: str
    """The address of Sender, as written; "" if there is none."""
    problem: str
    """Why From says nothing that a signature could be compared with; "" if it does."""

    @property
    def is_on_behalf(self) -> bool:
        """Whether Sender names somebody else than From (T49)."""
        return bool(self.sender) and self.sender.lower() != self.address.lower()


def originator(headers: Headers) -> Originator:
    """Return who the message claims to be from."""
    sender, sender_problem = _sender(headers)
    address, problem = _from(headers)
    return Originator(address, sender, problem or sender_problem)


def _from(headers: Headers) -> tuple[str, str]:
    fields = headers.all("From")
    if len(fields) != 1:
        return "", "several From fields" if fields else "no From field"
    if len(fields[0].value) > DECODE_OCTETS:
        return "", f"From field over {DECODE_OCTETS} octets"
    try:
        mailboxes, had_group = parse_address_list(fields[0].value)
    except MalformedAddress as problem:
        return "", f"From cannot be read: {problem}"
    if had_group:
        return "", "From names a group"
    if len(mailboxes) != 1:
        return "", "From names several mailboxes" if mailboxes else "From is empty"
    shown = _display_problem(mailboxes[0])
    return mailboxes[0].address, shown or _word_problem(fields[0].value)


def _sender(headers: Headers) -> tuple[str, str]:
    fields = headers.all("Sender")
    if not fields:
        return "", ""
    if len(fields) > 1:
        return "", "several Sender fields"
    if len(fields[0].value) > DECODE_OCTETS:
        return "", f"Sender field over {DECODE_OCTETS} octets"
    try:
        mailboxes = parse_mailboxes(fields[0].value)
    except MalformedAddress:
        return "", "Sender cannot be read"
    return (
        (mailboxes[0].address, "") if len(mailboxes) == 1 else ("", "Sender is no single mailbox")
    )


def _display_problem(mailbox: Mailbox) -> str:
    """Return a problem if what is shown beside the address looks like another one (T48)."""
    for shown in (mailbox.display, mailbox.comment):
        if "@" not in shown and shown.isascii():
            continue
        plain = unicodedata.normalize("NFKC", shown.translate(_AT_SIGNS))
        plain = "".join(char for char in plain if unicodedata.category(char) not in _UNSEEN)
        if "@" in plain and plain.strip("<>'\"").lower() != mailbox.address.lower():
            return "display name that is another address"
    return ""


def _word_problem(value: bytes) -> str:
    """Return a problem if some program reads an encoded word where we do not (T38, T48)."""
    if b"?" not in value:
        return ""
    text = _ANGLE.sub("", raw_text(unfold(value)))
    rest = _WORD.sub(lambda word: "" if is_known_charset(word[1]) else word[0], text)
    return "encoded word that cannot be read" if _LIKE_A_WORD.search(rest) else ""
