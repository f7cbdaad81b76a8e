"""The commands of SMTP and LMTP: what each does to the dialogue, and what is answered.

One function per command. The envelope is kept as it was said: letters, the null reverse-path, the
same recipient twice. RFC 5321 §4.1, RFC 2033 §4, RFC 1870, RFC 6152, RFC 6531, RFC 3207.

DEVIATION: NOTIFY, RET, ORCPT and ENVID are not announced and get 555, BDAT gets 502, and a second
recipient over SMTP gets 452: one reply could not tell what became of each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from aiosmtpd.smtp import TLSSetupException

from app.mta import data, reply
from app.mta.data import Awaited, Later, peer
from app.mta.envelope import Peer
from app.mta.path import parse_parameters, parse_path, parse_xforward
from app.mta.reader import LINE_OCTETS
from app.mta.reply import Reply

if TYPE_CHECKING:
    from app.mta.session import Session

HELO_OCTETS: Final = 255
_BODY = {"": False, "7BIT": False, "8BITMIME": True}


@dataclass(slots=True)
class Dialogue:
    """What the client has said: who it is, and the transaction it has begun."""

    helo: str = ""
    is_extended: bool = False
    reverse_path: str | None = None
    """None: no transaction; "": the null reverse-path."""
    recipients: list[str] = field(default_factory=list)
    eight_bit: bool = False
    smtputf8: bool = False
    xforward: Mapping[str, str] = field(default_factory=dict)
    """About one transaction: facts never pass from one message to the next."""
    peer: Peer | None = None
    """Who speaks, once the first recipient was named: it does not change within a transaction."""

    def after_transaction(self) -> "Dialogue":
        """Return the dialogue as it is when no transaction is open."""
        return Dialogue(self.helo, self.is_extended)


def answer(session: "Session", line: bytes) -> "Reply | Later | None":
    """Carry out one command line and return its reply.

    None if it has been said already, Later if there is something to wait for first.
    """
    # First, because nobody has read the rest of a line that came in pieces.
    if len(line) > LINE_OCTETS:
        return reply.LINE_TOO_LONG
    if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
        return reply.BAD_LINE_END
    try:
        text = line[:-2].decode("utf-8")
    except UnicodeDecodeError:
        return reply.BAD_SYNTAX
    verb, _, argument = text.partition(" ")
    command = COMMANDS.get(verb.upper())
    if command is None or not verb.isascii():
        return _unknown(session, verb.upper())
    if not text.isprintable():
        return reply.BAD_SYNTAX
    return command(session, argument.strip(" "))


def _unknown(session: "Session", verb: str) -> Reply | None:
    if verb in OTHER_PROTOCOLS:
        session.part(reply.UNKNOWN_COMMAND)
        return None
    return reply.NOT_IMPLEMENTED if verb in KNOWN else reply.UNKNOWN_COMMAND


def _ehlo(session: "Session", name: str) -> Reply | None:
    if session.front.is_lmtp:
        return reply.UNKNOWN_COMMAND
    return _hello(session, name)


def _lhlo(session: "Session", name: str) -> Reply | None:
    if not session.front.is_lmtp:
        return reply.UNKNOWN_COMMAND
    return _hello(session, name)


def _hello(session: "Session", name: str) -> Reply | None:
    refusal = _greet(session, name, is_extended=True)
    if refusal is not None:
        return refusal
    offered = [session.front.settings.hostname, *session.front.extensions]
    if session.front.settings.tls is not None and not session.is_tls:
        offered.append("STARTTLS")
    if session.front.settings.may_xforward(session.address):
        offered.append("XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE LOGIN")
    session.say_lines(*(f"250-{line}" for line in offered[:-1]), f"250 {offered[-1]}")
    return None


def _helo(session: "Session", name: str) -> Reply | None:
    if session.front.is_lmtp:
        return reply.UNKNOWN_COMMAND
    refusal = _greet(session, name, is_extended=False)
    if refusal is None:
        # RFC 2034 §4: no enhanced status in the answer to a greeting.
        session.say_lines(f"250 {session.front.settings.hostname}")
    return refusal


def _greet(session: "Session", name: str, *, is_extended: bool) -> Reply | None:
    if not name or len(name) > HELO_OCTETS or " " in name:
        return reply.BAD_SYNTAX
    session.dialogue = Dialogue(name, is_extended)
    return None


def _mail(session: "Session", argument: str) -> Reply | None:
    dialogue = session.dialogue
    if not dialogue.helo or dialogue.reverse_path is not None:
        return reply.BAD_SEQUENCE
    path = _path_after("FROM:", argument)
    if path is None or path[0].lower() == "postmaster":
        return reply.BAD_REVERSE_PATH
    parameters = parse_parameters(path[1])
    if parameters is None:
        return reply.BAD_SYNTAX
    refusal = _read_parameters(session, parameters)
    if refusal is None and not path[0].isascii() and not dialogue.smtputf8:
        refusal = reply.NOT_ASCII
    if refusal is not None:
        dialogue.eight_bit = dialogue.smtputf8 = False
        return refusal
    dialogue.reverse_path = path[0]
    return reply.REVERSE_PATH_OK


def _path_after(keyword: str, argument: str) -> tuple[str, str] | None:
    """Return path and parameters. QUIRK: many clients write a space after the colon."""
    if argument[: len(keyword)].upper() != keyword:
        return None
    return parse_path(argument[len(keyword) :].lstrip(" "))


def _read_parameters(session: "Session", parameters: dict[str, str]) -> Reply | None:
    """Take the parameters of MAIL over into the dialogue, or return why not."""
    front, dialogue = session.front, session.dialogue
    size = parameters.pop("SIZE", "0")
    body = parameters.pop("BODY", "").upper()
    if front.settings.smtputf8 and "SMTPUTF8" in parameters:
        if parameters.pop("SMTPUTF8"):
            return reply.BAD_SYNTAX
        dialogue.smtputf8 = True
    if parameters:
        return reply.UNKNOWN_PARAMETER
    if not dialogue.is_extended and (size != "0" or body or dialogue.smtputf8):
        return reply.UNKNOWN_PARAMETER
    if body not in _BODY or not (size.isascii() and size.isdecimal()) or len(size) > 20:
        return reply.BAD_SYNTAX
    dialogue.eight_bit = _BODY[body]
    return reply.TOO_LARGE if int(size) > front.settings.message_octets else None


def _rcpt(session: "Session", argument: str) -> Reply | Later | None:
    dialogue, front = session.dialogue, session.front
    if dialogue.reverse_path is None:
        return reply.BAD_SEQUENCE
    path = _path_after("TO:", argument)
    if path is None or not path[0]:
        return reply.BAD_RECIPIENT
    if path[1]:
        return reply.UNKNOWN_PARAMETER
    if not path[0].isascii() and not dialogue.smtputf8:
        return reply.NOT_ASCII
    if len(dialogue.recipients) >= front.settings.recipients:
        return reply.TOO_MANY_RECIPIENTS
    if dialogue.recipients and not front.is_lmtp:
        return reply.ONE_RECIPIENT
    found = front.gateway.refuse_recipient(dialogue.reverse_path, path[0], peer(session))
    if found is not None and not isinstance(found, Reply):
        return Later(partial(_when_known, session, path[0], found))
    return _take_recipient(session, path[0], found)


async def _when_known(session: "Session", recipient: str, ask: Awaited) -> Reply:
    return _take_recipient(session, recipient, await ask())


def _take_recipient(session: "Session", recipient: str, refusal: Reply | None) -> Reply:
    if refusal is not None:
        return refusal
    session.dialogue.recipients.append(recipient)
    return reply.RECIPIENT_OK


def _rset(session: "Session", argument: str) -> Reply | None:
    if argument:
        return reply.BAD_SYNTAX
    session.dialogue = session.dialogue.after_transaction()
    return reply.OK


def _noop(session: "Session", argument: str) -> Reply | None:
    del session, argument
    return reply.OK


def _quit(session: "Session", argument: str) -> Reply | None:
    if argument:
        return reply.BAD_SYNTAX
    session.part(reply.BYE)
    return None


def _vrfy(session: "Session", argument: str) -> Reply | None:
    del session
    return reply.CANNOT_VERIFY if argument else reply.BAD_SYNTAX


def _help(session: "Session", argument: str) -> Reply | None:
    del session, argument
    return reply.HELP


def _starttls(session: "Session", argument: str) -> Reply | Later:
    if session.front.settings.tls is None:
        return reply.NOT_IMPLEMENTED
    if argument:
        return reply.BAD_SYNTAX
    if session.is_tls:
        return reply.BAD_SEQUENCE
    return Later(partial(_begin_tls, session))


async def _begin_tls(session: "Session") -> None:
    await session.flush()
    try:
        await session.smtp_STARTTLS("")
    except TLSSetupException:
        session.give_up()


def _xforward(session: "Session", argument: str) -> Reply | None:
    if not session.front.settings.may_xforward(session.address):
        return reply.NOT_FOR_THIS_PEER
    if session.dialogue.reverse_path is not None:
        return reply.BAD_SEQUENCE
    attributes = parse_xforward(argument)
    if not argument or attributes is None:
        return reply.BAD_SYNTAX
    session.dialogue.xforward = {**session.dialogue.xforward, **attributes}
    return reply.OK


Command = Callable[["Session", str], Reply | Later | None]

COMMANDS: Final[Mapping[str, Command]] = {
    "EHLO": _ehlo,
    "LHLO": _lhlo,
    "HELO": _helo,
    "MAIL": _mail,
    "RCPT": _rcpt,
    "DATA": data.data,
    "RSET": _rset,
    "NOOP": _noop,
    "QUIT": _quit,
    "VRFY": _vrfy,
    "HELP": _help,
    "STARTTLS": _starttls,
    "XFORWARD": _xforward,
}
KNOWN: Final = frozenset({"AUTH", "BDAT", "BURL", "ETRN", "EXPN", "SAML", "SEND", "SOML", "TURN"})
"""Commands of RFCs we do not implement: 502, where a word that is no command gets 500."""
OTHER_PROTOCOLS: Final = frozenset(
    {"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
)
"""Of HTTP, which ends the session: a page can make a browser inside say our commands after it, and
the browser's address may be one that we sign for. As Postfix's smtpd_forbidden_commands."""
