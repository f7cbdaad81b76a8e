"""What a client writes to a server and what the answers mean: pure functions on octets.

Nothing here may turn a refusal, a silence or nonsense into a yes. RFC 5321 §4.1.1, §4.5.2, RFC
1870, RFC 6152, RFC 6531.
"""

import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from app.mta import reply
from app.mta.reply import Reply, parse_reply

OWN_FAULTS: Final = frozenset({503, 530, 534, 535, 538})
"""Codes that say something of us or of the set-up, nothing of the message: sequence, login, TLS."""

_UNUSUAL = re.compile('[\x00-\x20<>"\x7f-\x9f\ud800-\udfff]')
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Transaction:
    """What one exchange from MAIL to the dot carries."""

    reverse_path: str
    recipients: tuple[str, ...]
    octets: bytes
    eight_bit: bool
    smtputf8: bool


def is_writable(path: str) -> bool:
    """Whether an address can stand in a command without becoming another one (T25)."""
    if _UNUSUAL.search(path) is None:
        return True
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", path)
    return _CONTROL.search(path) is None and not set(bare) & set('<> "')


def stuffed(octets: bytes, slice_octets: int) -> Iterator[bytes]:
    """Yield the message as it is written after 354, dot-stuffed and with its end (RFC 5321 §4.5.2).

    The octets have CRLF line ends; a missing last one is added.
    """
    start = 0
    while True:
        stop = start + slice_octets
        # A slice must not end between CR and LF, so that each "CRLF dot" lies in one slice or at
        # its edge.
        if octets[stop - 1 : stop] == b"\r":
            stop += 1
        piece = octets[start:stop]
        at_line_start = start == 0 or octets[start - 2 : start] == b"\r\n"
        if b"\r\n." in piece:
            piece = piece.replace(b"\r\n.", b"\r\n..")
        if at_line_start and piece.startswith(b"."):
            piece = b"." + piece
        if stop >= len(octets):
            yield piece + (b".\r\n" if not octets or octets.endswith(b"\r\n") else b"\r\n.\r\n")
            return
        yield piece
        start = stop


def extensions(answer: bytes) -> dict[str, str]:
    """Return what a server announced in its reply to EHLO or LHLO: keyword to parameters."""
    found: dict[str, str] = {}
    for line in answer.split(b"\r\n")[1:]:
        keyword, _, parameters = line[4:].decode("ascii", "replace").partition(" ")
        found[keyword.upper()] = parameters.strip()
    return found


def unfit(mail: Transaction, offered: Mapping[str, str]) -> Reply | None:
    """Return why this server cannot have this message, None if it can.

    Nothing is converted for a server that lacks an extension: that would change what was signed.
    """
    limit = offered.get("SIZE", "")
    if limit.isdecimal() and 0 < int(limit[:18]) < len(mail.octets):
        return reply.TOO_LARGE
    if "8BITMIME" not in offered and not mail.octets.isascii():
        return reply.NO_EIGHT_BIT
    if "SMTPUTF8" not in offered and mail.smtputf8 and _is_internationalised(mail):
        return reply.NO_SMTPUTF8
    return None


def _is_internationalised(mail: Transaction) -> bool:
    """Whether the message needs SMTPUTF8, not only its sender's word (RFC 6531 §3.6)."""
    paths = (mail.reverse_path, *mail.recipients)
    end = mail.octets.find(b"\r\n\r\n")
    header = mail.octets if end < 0 else mail.octets[:end]
    return not (header.isascii() and all(path.isascii() for path in paths))


def envelope_commands(mail: Transaction, offered: Mapping[str, str]) -> list[bytes]:
    """Return MAIL, each RCPT and DATA as they are written to this server."""
    options = ""
    if "SIZE" in offered:
        options += f" SIZE={len(mail.octets)}"
    if "8BITMIME" in offered and (mail.eight_bit or not mail.octets.isascii()):
        options += " BODY=8BITMIME"
    if "SMTPUTF8" in offered and mail.smtputf8:
        options += " SMTPUTF8"
    if "DSN" in offered:
        # What was decrypted must not come back in clear to whoever stands in the reverse-path, who
        # may have sent on somebody else's ciphertext (T93; RFC 3461 §4.3).
        options += " RET=HDRS"
    return [
        f"MAIL FROM:<{mail.reverse_path}>{options}\r\n".encode(),
        *(f"RCPT TO:<{recipient}>\r\n".encode() for recipient in mail.recipients),
        b"DATA\r\n",
    ]


def outcome(said: bytes) -> Reply:
    """Return what a final reply of the next hop means for a recipient; silence is LOST."""
    if not said:
        return reply.LOST
    answer = parse_reply(said.decode("utf-8", "replace"))
    # 421 is about the server's connection with us; said by us it would be about ours with the
    # client.
    if answer.code == 421 or answer.code in OWN_FAULTS:
        return _temporary(answer)
    return answer


def refused(said: bytes) -> Reply:
    """Return what a reply means that is not the one we asked for. Never a yes."""
    answer = outcome(said)
    return reply.CONFUSED if answer.relayed else answer


def own_fault(said: bytes) -> Reply:
    """Return what a refusal before MAIL means: the message cannot be at fault, so it is temporary.

    DEVIATION: RFC 5321 §3.1 lets a client take 554 in place of the greeting as permanent. A
    configured next hop that greets so is set up wrongly, and mail waits until it is not.
    """
    return _temporary(refused(said))


def _temporary(answer: Reply) -> Reply:
    return replace(answer, code=451, enhanced=f"4{answer.enhanced[1:]}")


def recipient_outcomes(said: Sequence[bytes]) -> list[Reply | None]:
    """Return what the replies to MAIL, to each RCPT and to DATA say of each recipient.

    None is a recipient that was accepted and waits for the reply after the dot.
    """
    mail, *recipients, _ = said
    if mail[:1] != b"2":
        return [refused(mail)] * len(recipients)
    return [None if one[:1] == b"2" else refused(one) for one in recipients]


@cache
def tls_context(level: str, ca_file: str) -> ssl.SSLContext:
    """Return the context of a TLS level; only verify knows whom it speaks to (RFC 7817)."""
    context = ssl.create_default_context(cafile=ca_file or None)
    if level != "verify":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
