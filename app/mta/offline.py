"""The machine without a wire: what would become of a message, and why. Changes nothing.

``sealmon try`` and ``sealmon explain`` run the very state functions that mail runs through.
"""

import hashlib
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.mail.headers import split
from app.model.plan import Plan
from app.model.snapshot import Store
from app.mta import machine, reply
from app.mta.envelope import Envelope, Peer
from app.mta.installation import Installation
from app.mta.learn import Learner
from app.mta.lookup import Asker
from app.mta.outgoing import decide
from app.mta.record import decryption_json, finding_json
from app.mta.reply import Refusal
from app.mta.transaction import Outcome, process_one

WOULD_RELAY = reply.Reply(250, "2.0.0", "would be relayed")

_NO_FINDING: Mapping[str, Any] = {
    "status": "none",
    "signer": "",
    "from": "",
    "signed_at": "",
    "algorithm": "",
    "reasons": [],
}
_NO_DECRYPTION: Mapping[str, Any] = {"status": "none", "algorithm": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A message, its envelope and who would hand it in."""

    direction: str
    octets: bytes
    reverse_path: str
    recipient: str
    login: str | None = None
    peer: str | None = None
    """An IP address. With neither login nor peer nobody is authorised, and nobody is refused."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Examined:
    """What would become of the message."""

    question: Question
    outcome: Outcome
    hostname: str

    @property
    def reply(self) -> reply.Reply:
        """The reply the client would hear, as far as it is ours to say."""
        return self.outcome.reply or WOULD_RELAY

    @property
    def octets(self) -> bytes:
        """The message as it would leave; as it came if it would not."""
        delivery = self.outcome.delivery
        return delivery.octets if delivery is not None else self.question.octets

    def to_json(self) -> dict[str, Any]:
        """Return the line that ``sealmon try`` prints, but for the file's name (design 6)."""
        delivery = self.outcome.delivery
        finding = delivery.finding if delivery is not None else None
        decryption = delivery.decryption if delivery is not None else None
        plan = delivery.plan if delivery is not None else None
        states = delivery.states if delivery is not None else []
        headers = split(self.octets).headers
        found = headers.find("Authentication-Results") if finding is not None else None
        return {
            "direction": self.question.direction,
            "recipient": self.question.recipient,
            "reply": str(self.reply),
            "states": [state.partition(":")[0] for state in states],
            "outcomes": list(states),
            "signature": finding_json(finding) if finding is not None else dict(_NO_FINDING),
            "decryption": decryption_json(decryption)
            if decryption is not None
            else dict(_NO_DECRYPTION),
            "learned": delivery.learned.to_json() if delivery and delivery.learned else {},
            "subject": headers.text("Subject"),
            "authentication_results": found.unfolded.decode("ascii", "replace") if found else "",
            "plan": plan.to_json() if plan is not None else {},
            "result": {
                "protected": delivery.protected if delivery is not None else "clear",
                "sha256": hashlib.sha256(self.octets).hexdigest(),
                "octets": len(self.octets),
            },
        }


def examine(store: Store, installation: Installation, question: Question) -> Examined:
    """Run a message through the machine. Raises StoreUnavailable."""
    work = _work(store, installation, question, asks=False)
    is_open = question.login is None and question.peer is None
    outcome = process_one(work, question.recipient, question.direction, believe=is_open)
    return Examined(question, outcome, installation.hostname)


def explain(store: Store, installation: Installation, question: Question) -> Plan:
    """Return the plan for a message, each field with its route; one that refuses, too.

    Raises StoreUnavailable.
    """
    work = _work(store, installation, question, asks=True)
    delivery = machine.Delivery(question.direction, question.recipient, work)
    with suppress(Refusal):
        if question.direction == "outbound":
            decide(delivery)
        else:
            machine.run(delivery)
    assert delivery.plan is not None, "the first step makes the plan"
    return delivery.plan


def _work(
    store: Store, installation: Installation, question: Question, *, asks: bool
) -> machine.Work:
    """Return the message at work; ``asks`` lets sources of certificates be asked."""
    house = machine.House(
        store,
        installation.hostname,
        installation.language,
        Learner(store, changes=False),
        Asker(store, installation.resolver_address, from_memory=not asks),
    )
    # TEST-NET-1 is nobody's address (RFC 5737): who asks without a peer is believed nothing.
    peer = Peer(question.peer or "192.0.2.0", login=question.login, helo="sealmon.try")
    envelope = Envelope(
        question.reverse_path, (question.recipient,), question.octets, peer, question.at
    )
    return machine.Work(house, store.snapshot(), envelope, secrets.token_hex(8))
