"""The command DATA: takes a message, has it delivered, and answers for each recipient.

The receiver's edge is here: whatever goes wrong behind it is 451, and nothing of what went wrong is
told. RFC 5321 §4.1.1.4, RFC 2033 §4.2.

After a crash: no reply was given, so the client has the message.
"""

import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from app import clock
from app.mail.canonical import is_crlf
from app.mta import reply
from app.mta.envelope import Envelope, Peer
from app.mta.reader import Pace
from app.mta.reply import Reply

if TYPE_CHECKING:
    from app.mta.session import Session

log = logging.getLogger("sealmon.receiver")


def peer(session: "Session") -> Peer:
    """Return who speaks, as the gateway is told, from the first recipient on."""
    dialogue = session.dialogue
    if dialogue.peer is not None:
        return dialogue.peer
    name = "LMTP" if session.front.is_lmtp else "ESMTP" if dialogue.is_extended else "SMTP"
    if dialogue.smtputf8:
        # RFC 6531 §4.3 has no UTF8ESMTP: the extension implies it.
        name = f"UTF8{name.removeprefix('E')}"
    dialogue.peer = Peer(
        session.address,
        xforward=dialogue.xforward,
        helo=dialogue.helo,
        tls=session.is_tls,
        protocol=f"{name}S" if session.is_tls else name,
    )
    return dialogue.peer


Awaited = Callable[[], Awaitable[Reply | None]]
"""What gives a reply when it is called and awaited. A client may have left before it is called."""


@dataclass(frozen=True, slots=True)
class Later:
    """What a command has to wait for before it is answered."""

    run: Awaited
    """Returns the reply, None if it has been said already."""
    needs_more: bool = False
    """It has nothing to do before the client says more."""


def data(session: "Session", argument: str) -> Reply | Later:
    """Ask for the message, and take it when it comes."""
    dialogue, front = session.dialogue, session.front
    if argument:
        return reply.BAD_SYNTAX
    if not dialogue.recipients:
        is_sequence = front.is_lmtp or dialogue.reverse_path is None
        return reply.BAD_SEQUENCE if is_sequence else reply.NO_VALID_RECIPIENT
    session.say_lines("354 end with <CRLF>.<CRLF>")
    return Later(partial(_take, session), needs_more=True)


async def _take(session: "Session") -> None:
    """Take the message, deliver it and say the replies."""
    dialogue, front = session.dialogue, session.front
    await session.flush()
    settings = front.settings
    pace = Pace(session.loop.time(), settings.command_seconds)
    octets = await session.reader.message(settings.message_octets, pace)
    count = len(dialogue.recipients)
    answers = await _deliver(session, octets)
    assert len(answers) == count, "one reply per recipient"
    session.dialogue = dialogue.after_transaction()
    # No errors of the client, whatever the next hop has said.
    session.say_lines(*map(str, answers if front.is_lmtp else answers[:1]))
    session.message_done()


async def _deliver(session: "Session", octets: bytes | None) -> list[Reply]:
    """Return one reply per recipient of the message; None is one that was too large."""
    dialogue, front = session.dialogue, session.front
    count = len(dialogue.recipients)
    if octets is None:
        return [reply.TOO_LARGE] * count
    if not is_crlf(octets):
        return [reply.STRAY_LINE_END] * count
    assert dialogue.reverse_path is not None
    envelope = Envelope(
        dialogue.reverse_path,
        tuple(dialogue.recipients),
        octets,
        peer(session),
        clock.now(),
        eight_bit=dialogue.eight_bit,
        smtputf8=dialogue.smtputf8,
    )
    try:
        answers = list(await front.gateway.deliver(envelope))
    except Exception as problem:  # noqa: BLE001 - the receiver's edge
        log_fault("a delivery failed", problem)
        return [reply.STEP_FAILED] * count
    return answers if len(answers) == count else [reply.STEP_FAILED] * count


def log_fault(what: str, problem: BaseException) -> None:
    """Log where an unforeseen fault came from, without its text: that may quote a message."""
    trace = "".join(traceback.format_tb(problem.__traceback__))
    log.error("%s: %s\n%s", what, type(problem).__name__, trace)
