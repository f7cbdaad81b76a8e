"""A small Internet for the demo: it hands mail on by domain and keeps a copy of what it saw.

It speaks SMTP to both sides and answers with what the next server answered, so that nothing is
accepted here that was not accepted there.
"""

import smtplib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Seen:
    """One message for one recipient, as it was on the wire."""

    reverse_path: str
    recipient: str
    octets: bytes


class Internet:
    """Takes mail from gateways and brings it to those of other domains."""

    def __init__(self, port: int) -> None:
        self.gateways: Mapping[str, int] = {}
        """The SMTP port behind which each domain lies; any other domain's mail ends here."""
        self.seen: list[Seen] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=port)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._controller.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Hand one message on; aiosmtpd calls this."""
        del session
        octets = envelope.original_content or b""
        reverse_path = "" if envelope.mail_from in {None, "<>"} else str(envelope.mail_from)
        answer = "250 2.0.0 delivered"
        for recipient in envelope.rcpt_tos:
            self.seen.append(Seen(reverse_path, recipient, octets))
            port = self.gateways.get(recipient.rpartition("@")[2].lower())
            if port is not None:
                answer = await server.loop.run_in_executor(
                    None, post, port, reverse_path, recipient, octets
                )
        return answer


def post(port: int, reverse_path: str, recipient: str, octets: bytes) -> str:
    """Send one message by SMTP to a port of this machine and return the reply."""
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.ehlo("client.example")
        for code, text in (client.mail(reverse_path), client.rcpt(recipient)):
            if code >= 400:
                return f"{code} {text.decode(errors='replace')}"
        code, text = client.data(octets)
        return f"{code} {text.decode(errors='replace')}"
