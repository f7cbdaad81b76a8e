"""The table of replies: whatever a client hears from us is a row of it, or what the next hop said.

Three outcomes exist and no fourth: relayed (2yz), temporary (4yz), permanent (5yz). What cannot be
understood is temporary, because a temporary reply keeps the mail alive where it is. Text from
another server is cleaned before it reaches a log, a client or a trace. RFC 5321 §4.2, RFC 3463.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from salmon.server import SMTPError

TEXT_OCTETS: Final = 500
"""RFC 5321 §4.5.3.1.5 allows 512 octets to a reply line; code, status and CRLF need twelve."""

_LINE = re.compile(r"([245][0-9]{2})(?:[ -](.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?: +|$)")
_UNFIT = re.compile(r"[^\x20-\x7e]+")


def sanitise(text: str) -> str:
    """Return text as one line of printable ASCII of at most TEXT_OCTETS characters.

    The cut comes first, so that a megabyte from a hostile server costs nothing.
    """
    line = _UNFIT.sub(lambda odd: " " if odd[0].isspace() else "?", text[: 4 * TEXT_OCTETS])
    return " ".join(line.split())[:TEXT_OCTETS]


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: what became of a message for one recipient, or of a command."""

    code: int
    enhanced: str
    text: str

    def __post_init__(self) -> None:
        assert self.code // 100 in {2, 4, 5}, f"{self.code} is no outcome"

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}".rstrip()

    @property
    def relayed(self) -> bool:
        """Whether the next hop has taken responsibility."""
        return self.code < 400

    @property
    def temporary(self) -> bool:
        """Whether the client shall try again."""
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        """Whether the client shall tell the sender that it failed."""
        return self.code >= 500

    def saying(self, text: str) -> "Reply":
        """Return the same reply with other words, cleaned; for a reason only the caller knows."""
        return replace(self, text=sanitise(text))


# What became of a message.
RELAYED = Reply(250, "2.0.0", "relayed")
DELIVERED = Reply(250, "2.0.0", "delivered")
STEP_FAILED = Reply(451, "4.3.0", "a step failed, try again later")
NO_ROUTE = Reply(451, "4.3.5", "no route for this recipient")
NO_END_STATE = Reply(451, "4.3.0", "the message reached no end state")
NO_MANAGED_DOMAIN = Reply(451, "4.3.5", "no managed domain is configured")
STORE_UNAVAILABLE = Reply(451, "4.3.0", "the store does not answer, try again later")
SOURCE_UNAVAILABLE = Reply(451, "4.4.3", "a source of certificates does not answer")
NO_SPACE = Reply(452, "4.3.1", "insufficient storage, try again later")
RELAYING_DENIED = Reply(550, "5.7.1", "relaying denied")
NAMES_A_WAY = Reply(550, "5.1.3", "a way in the local part is not followed")
LOOP_DETECTED = Reply(554, "5.4.6", "mail loop detected")
TOO_LARGE = Reply(552, "5.3.4", "message exceeds the size limit")
HEADER_TOO_LARGE = Reply(554, "5.6.0", "header section too large")
STRAY_LINE_END = Reply(550, "5.6.11", "bare CR or LF in the message")  # RFC 5321 §2.3.8

# What policy says.
CANNOT_ENCRYPT = Reply(550, "5.7.0", "encryption is required and there is no usable certificate")
CANNOT_SIGN = Reply(550, "5.7.1", "a signature is required and the sender may not sign")
SIGNING_FAILED = Reply(451, "4.3.0", "signing failed, try again later")
ENCRYPTION_FAILED = Reply(451, "4.3.0", "encryption failed, try again later")
UNDECRYPTABLE = Reply(550, "5.7.5", "the message cannot be decrypted here")
UNSIGNED = Reply(550, "5.7.1", "a valid signature is required")
UNENCRYPTED = Reply(550, "5.7.1", "encryption is required")

# What the next hop did.
UNREACHABLE = Reply(451, "4.4.1", "the next hop does not answer")
LOST = Reply(451, "4.4.2", "the connection to the next hop was lost")
CLIENT_LEFT = Reply(451, "4.4.2", "the client left before the reply")
BUSY = Reply(451, "4.4.5", "the next hop is busy, try again later")
TIMED_OUT = Reply(451, "4.4.2", "the next hop answers too slowly")
CONFUSED = Reply(451, "4.5.0", "the next hop gave an answer that is none")
NO_TLS = Reply(451, "4.7.5", "no secure connection to the next hop")
NO_EIGHT_BIT = Reply(554, "5.6.3", "the next hop takes no 8-bit content")  # RFC 6152 §3
NO_SMTPUTF8 = Reply(553, "5.6.7", "the next hop takes no internationalised mail")  # RFC 6531 §3.5
BAD_PATH = Reply(553, "5.1.3", "an address of the envelope cannot be written to the next hop")

# What a client did, or must do.
OK = Reply(250, "2.0.0", "ok")
REVERSE_PATH_OK = Reply(250, "2.1.0", "reverse-path ok")
RECIPIENT_OK = Reply(250, "2.1.5", "recipient ok")
BYE = Reply(221, "2.0.0", "bye")
SHUTTING_DOWN = Reply(421, "4.3.2", "shutting down, try again later")
TOO_SLOW = Reply(421, "4.4.2", "timeout")
TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "too many connections")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "too many errors")
BAD_LINE_END = Reply(500, "5.5.2", "a line ends with CRLF")  # RFC 5321 §2.3.8
LINE_TOO_LONG = Reply(500, "5.5.2", "line too long")
UNKNOWN_COMMAND = Reply(500, "5.5.2", "command not recognised")
BAD_SYNTAX = Reply(501, "5.5.4", "syntax error in parameters")
BAD_REVERSE_PATH = Reply(501, "5.1.7", "malformed reverse-path")
BAD_RECIPIENT = Reply(501, "5.1.3", "malformed recipient address")
NOT_ASCII = Reply(553, "5.6.7", "non-ASCII address without SMTPUTF8")
NOT_IMPLEMENTED = Reply(502, "5.5.1", "command not implemented")
BAD_SEQUENCE = Reply(503, "5.5.1", "bad sequence of commands")
NO_VALID_RECIPIENT = Reply(554, "5.5.1", "no valid recipient")
UNKNOWN_PARAMETER = Reply(555, "5.5.4", "parameter not recognised or not implemented")
NOT_FOR_THIS_PEER = Reply(550, "5.7.0", "not for this client")
CANNOT_VERIFY = Reply(252, "2.0.0", "send mail and see")  # RFC 5321 §3.5.3
HELP = Reply(214, "2.0.0", "RFC 5321, RFC 2033")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "too many recipients")
ONE_RECIPIENT = Reply(452, "4.5.3", "one recipient a transaction; use LMTP for more")

NAMED: Final[Mapping[str, Reply]] = {
    name.lower().replace("_", "-"): value
    for name, value in tuple(globals().items())
    if isinstance(value, Reply)
}
"""The table by name, as a plan and the trace write it: "cannot-encrypt"."""


class Refusal(SMTPError):
    """A reply that ends a delivery; SMTPError is the one exception that Router lets pass."""

    def __init__(self, reply: Reply) -> None:
        assert not reply.relayed, "a refusal that says yes"
        super().__init__(reply.code, f"{reply.enhanced} {reply.text}")
        self.reply = reply


def parse_reply(text: str) -> Reply:
    """Return what a server said, as an outcome; what is none becomes CONFUSED.

    Takes one line or the lines of a multiline reply joined by CRLF. RFC 5321 §4.2.1, RFC 2034 §4.
    """
    said = text[: 64 * TEXT_OCTETS].rstrip("\r\n").split("\r\n")
    found = [line for line in map(_LINE.fullmatch, said) if line is not None]
    if len(found) != len(said) or len({line[1] for line in found}) != 1:
        return CONFUSED.saying(f"{CONFUSED.text}: {text[:TEXT_OCTETS]}")
    code, words, enhanced = found[-1][1], [], ""
    for line in found:
        rest = line[2] or ""
        status = _ENHANCED.match(rest)
        # A status of another class than the code is a lie on one side; the code is what counts.
        if status is not None and status[1] == code[0]:
            enhanced, rest = status[0].strip(), rest[status.end() :]
        words.append(rest)
    return Reply(int(code), enhanced or f"{code[0]}.0.0", sanitise(" ".join(words)))
