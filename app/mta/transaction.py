"""One mail transaction: each recipient's way through the machine, to the next hop, and the replies.

A recipient gets 2yz only when the next hop has given 2yz for that recipient (design 1, decision 2);
whatever goes wrong here is 451, so that the mail stays where it is. There is one reply per
recipient and no fourth outcome.

After a crash: recipients without a reply are tried again by the client. The next hop may have
taken one of them just before; that is the duplicate of RFC 1047, and the only one.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from app import patience
from app.mail.fields import is_refused
from app.mail.headers import Headers
from app.model.errors import WouldWait
from app.model.snapshot import Snapshot, StoreUnavailable
from app.mta import machine, reply
from app.mta.data import Awaited, log_fault
from app.mta.envelope import Envelope, Peer
from app.mta.gather import client_of
from app.mta.nexthop import NextHop
from app.mta.path import names_a_way
from app.mta.peers import may_relay
from app.mta.record import Record, trace_row
from app.mta.relay import Cargo, Relay
from app.mta.reply import Refusal, Reply
from app.mta.stamp import hops
from app.patience import OutOfPatience

log = logging.getLogger("sealmon.mta")

HOPS_AT_MOST = 5
AT_ONCE_OCTETS = 128 * 1024
AT_ONCE_RECIPIENTS = 4
AT_ONCE_SECONDS = 0.05
"""Of the loop's own time; a usual message takes a twentieth of it."""
RECEIVED_AT_MOST = 50
"""As Postfix's hopcount_limit (T11)."""


@dataclass(slots=True)
class Outcome:
    """What became of one recipient: a delivery that is ready, or a reply that ends it."""

    recipient: str
    direction: str
    delivery: machine.Delivery | None = None
    """How far it came; None if it never entered the machine."""
    reply: Reply | None = None
    """None as long as nobody has answered for this recipient."""


@dataclass(frozen=True, slots=True)
class Hops:
    """The next hop of each direction."""

    inbound: NextHop
    outbound: NextHop

    def of(self, direction: str) -> NextHop:
        """Return where mail of this direction goes."""
        return self.inbound if direction == "inbound" else self.outbound


class Gateway:
    """What the receiver asks: may this recipient be taken, and what became of this message."""

    def __init__(self, house: machine.House, hops: Hops, relay: Relay, threads: Executor) -> None:
        self.house = house
        self._hops = hops
        self._relay = relay
        self._threads = threads

    def refuse_recipient(
        self, reverse_path: str, recipient: str, peer: Peer
    ) -> Reply | Awaited | None:
        """Return why this recipient is not taken, None if it is (design 3, "Direction").

        Where the store has to be asked first it is how to do that. The reverse-path plays no
        part: it is what the client says of itself.
        """
        del reverse_path
        snapshot = self.house.store.fresh_snapshot()
        if snapshot is None:
            return partial(self._ask_and_refuse, recipient, peer)
        return refusal_of(snapshot, recipient, peer)

    async def _ask_and_refuse(self, recipient: str, peer: Peer) -> Reply | None:
        loop = asyncio.get_running_loop()
        try:
            snapshot = await loop.run_in_executor(self._threads, self.house.store.snapshot)
        except StoreUnavailable:
            log.warning("the store does not answer: recipient deferred")
            return reply.STORE_UNAVAILABLE
        return refusal_of(snapshot, recipient, peer)

    async def deliver(self, envelope: Envelope) -> list[Reply]:
        """Relay a message and return one reply per recipient, in their order. Never raises."""
        trace_id = os.urandom(8).hex()
        loop = asyncio.get_running_loop()
        outcomes: list[Outcome] | None = None
        try:
            outcomes = self._at_once(envelope, trace_id)
            if outcomes is None:
                outcomes = await loop.run_in_executor(
                    self._threads, process, self.house, envelope, trace_id
                )
            await self._relay_groups(envelope, outcomes)
        except asyncio.CancelledError:
            # The client has left and comes again; the next hop may have the message (RFC 1047).
            for outcome in outcomes or ():
                outcome.reply = outcome.reply or reply.CLIENT_LEFT
                self._record(envelope, trace_id, outcome)
            raise
        except Exception as problem:  # noqa: BLE001 - the driver's edge
            # What nobody foresaw is our own fault, and so temporary.
            log_fault(f"transaction {trace_id} failed", problem)
            return [reply.STEP_FAILED] * len(envelope.recipients)
        for outcome in outcomes:
            self._record(envelope, trace_id, outcome)
        return [outcome.reply or reply.STEP_FAILED for outcome in outcomes]

    def _at_once(self, envelope: Envelope, trace_id: str) -> list[Outcome] | None:
        """Run a small message through the machine here and now, None if that is not for the loop.

        Handing it to a thread costs as much as the work on it: the two would take the interpreter
        from each other at every call that lets it go. What needs the database goes to a thread,
        where it may wait, and so does what turns out to take long; running it twice does no harm,
        since nothing has left.
        """
        if len(envelope.octets) > AT_ONCE_OCTETS or len(envelope.recipients) > AT_ONCE_RECIPIENTS:
            return None
        try:
            with self.house.store.database.never_waiting(), patience.at_most(AT_ONCE_SECONDS):
                return process(self.house, envelope, trace_id)
        except (WouldWait, OutOfPatience):
            return None

    async def _relay_groups(self, envelope: Envelope, outcomes: Sequence[Outcome]) -> None:
        """Send what is ready, one transaction per group of identical octets."""
        ready = [each for each in outcomes if each.delivery is not None and each.reply is None]
        # One recipient is the rule, and needs neither a comparison nor a task of its own.
        if len(ready) == 1:
            await self._relay_group(envelope, ready[0].direction, ready)
            return
        groups: dict[tuple[str, bytes], list[Outcome]] = {}
        for outcome in ready:
            assert outcome.delivery is not None
            key = outcome.direction, outcome.delivery.octets
            groups.setdefault(key, []).append(outcome)
        await asyncio.gather(
            *(
                self._relay_group(envelope, direction, group)
                for (direction, _), group in groups.items()
            )
        )

    async def _relay_group(
        self, envelope: Envelope, direction: str, group: Sequence[Outcome]
    ) -> None:
        first = group[0].delivery
        assert first is not None
        try:
            answers = await self._relay.send(
                self._hops.of(direction),
                envelope.reverse_path,
                [outcome.recipient for outcome in group],
                Cargo(
                    first.octets,
                    tuple(outcome.delivery.permit for outcome in group if outcome.delivery),
                ),
                eight_bit=envelope.eight_bit,
                smtputf8=envelope.smtputf8,
            )
        except Exception as problem:  # noqa: BLE001 - whatever it was
            # The others may have left; a reply of 451 for them would send them twice (T5).
            log_fault(f"transaction {first.work.trace_id}: a group failed", problem)
            answers = [reply.STEP_FAILED] * len(group)
        for outcome, answer in zip(group, answers, strict=True):
            outcome.reply = answer

    def _record(self, envelope: Envelope, trace_id: str, outcome: Outcome) -> None:
        record = Record(envelope, trace_id, outcome.recipient, outcome.direction)
        try:
            self.house.store.trace.write(
                trace_row(record, outcome.delivery, outcome.reply or reply.STEP_FAILED)
            )
        except Exception as problem:  # noqa: BLE001 - whatever it was
            # What became of the message is decided; without a row it is still so.
            log_fault(f"transaction {trace_id}: no trace", problem)


def refusal_of(snapshot: Snapshot, recipient: str, peer: Peer) -> Reply | None:
    """Return why a recipient is not taken from this client, None if it is."""
    if not snapshot.domains:
        return reply.NO_MANAGED_DOMAIN
    if names_a_way(recipient):
        return reply.NAMES_A_WAY
    if direction_of(snapshot, recipient) == "inbound" or may_relay(snapshot, peer):
        return None
    return reply.RELAYING_DENIED


def direction_of(snapshot: Snapshot, recipient: str) -> str:
    """Return "inbound" for a managed domain and for a local postmaster, else "outbound"."""
    if "@" not in recipient or snapshot.is_managed(recipient):
        return "inbound"
    return "outbound"


def process(house: machine.House, envelope: Envelope, trace_id: str) -> list[Outcome]:
    """Return what the machine makes of a message, one outcome per recipient.

    Changes nothing outside but what ``house.harvest`` does.
    """
    try:
        snapshot = house.store.snapshot()
    except StoreUnavailable:
        log.warning("the store does not answer: message deferred")
        return [
            Outcome(recipient, "unknown", reply=reply.STORE_UNAVAILABLE)
            for recipient in envelope.recipients
        ]
    work = machine.Work(house, snapshot, envelope, trace_id)
    return [
        process_one(work, recipient, direction_of(snapshot, recipient))
        for recipient in envelope.recipients
    ]


def process_one(
    work: machine.Work, recipient: str, direction: str, *, believe: bool = False
) -> Outcome:
    """Return what the machine makes of a message for one recipient.

    ``believe`` lets a client send to other domains whoever it is; nothing is signed for that.
    """
    outcome = Outcome(recipient, direction)
    outcome.reply = work.once("hindrance", lambda: _hindrance(work))
    if outcome.reply is None and names_a_way(recipient):
        outcome.reply = reply.NAMES_A_WAY
    if outcome.reply is None and direction == "outbound" and not believe and not _may_relay(work):
        outcome.reply = reply.RELAYING_DENIED
    if outcome.reply is None:
        _run(work, outcome)
    return outcome


def _hindrance(work: machine.Work) -> Reply | None:
    """Return why no recipient of this message can be served, None if there is no such reason."""
    if not work.snapshot.domains:
        return reply.NO_MANAGED_DOMAIN
    headers = work.headers
    if is_refused(headers.octets):
        return reply.HEADER_TOO_LARGE
    if _is_loop(headers):
        return reply.LOOP_DETECTED
    return None


def _is_loop(headers: Headers) -> bool:
    """Whether the message has been here, or anywhere, too often (RFC 5321 §6.3)."""
    return hops(headers) > HOPS_AT_MOST or len(headers.all("Received")) > RECEIVED_AT_MOST


def _may_relay(work: machine.Work) -> bool:
    """Whether this client may send to other domains, now that the header section is known."""
    return client_of(work).may_relay


def _run(work: machine.Work, outcome: Outcome) -> None:
    """Run the machine and note where it ended."""
    outcome.delivery = machine.Delivery(outcome.direction, outcome.recipient, work)
    try:
        machine.run(outcome.delivery)
    except Refusal as refusal:
        cause = refusal.__cause__
        if isinstance(cause, WouldWait | OutOfPatience):
            raise cause from None
        if cause is not None:
            log_fault(f"transaction {work.trace_id}: a step failed", cause)
        outcome.reply = refusal.reply
