"""The machine: Salmon's Router, run over one delivery until it is ready.

A delivery is one message on its way to one recipient, and it carries its own state: one state in
one module (design 3). Three extension points of Router are replaced, so that nothing here can lose
mail: the state store keeps nothing beyond the delivery, the queue for undeliverable mail takes
none and refuses with 451 instead, and exceptions are not swallowed. A fourth is replaced for speed:
how Router finds the function of a state.

After a crash: nothing. A delivery lives in memory only, and its recipient has had no reply.
"""

import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from salmon.mail import MailRequest
from salmon.routing import ROUTE_FIRST_STATE, Router, RoutingBase, StateStorage

from app import patience
from app.mail.headers import Headers, split
from app.model.harvesting import Learned
from app.model.plan import ClearAllowed, Plan
from app.model.policy import Settings
from app.model.snapshot import Snapshot, Store
from app.mta import reply
from app.mta.envelope import Envelope
from app.mta.lookup import LookUp, ask_nobody
from app.mta.reply import Refusal
from app.smime.encrypt import Sealed
from app.smime.finding import Finding

if TYPE_CHECKING:
    import re

    from app.smime.decrypt import Decryption
    from app.smime.peel import Peeled

HANDLERS = ("app.handlers.inbound", "app.handlers.outbound", "app.handlers.domain")
STEPS_AT_MOST = 16

State = Callable[..., object]
"""What a state function returns: the state function that comes next."""

Permit = ClearAllowed | Sealed
"""What lets a message leave: it is encrypted, or a plan allows clear text."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class House:
    """What a state function may use: the store, and who we are.

    ``harvest`` is called with a Finding, the recipient's settings and the Message-ID; offline it
    only says what it would learn. ``lookup`` asks on-line sources for certificates.
    """

    store: Store
    hostname: str
    language: str
    harvest: Callable[[Finding, Settings, str], Learned | None]
    lookup: LookUp = ask_nobody


@dataclass(slots=True)
class Work:
    """What the deliveries of one transaction share, each piece made once.

    Only one thread works on a transaction, so there is no lock.
    """

    house: House
    snapshot: Snapshot
    envelope: Envelope
    trace_id: str
    done: dict[Hashable, Any] = field(default_factory=dict)

    @property
    def headers(self) -> Headers:
        """The header section that arrived; its fields are read once for everybody."""
        return self.once("headers", lambda: split(self.envelope.octets).headers)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what ``make`` returned for this key, calling it only the first time.

        A refusal is remembered too, so that each recipient gets the same answer.
        """
        if key not in self.done:
            try:
                self.done[key] = make(), None
            except Refusal as refusal:
                self.done[key] = None, refusal
        made, refused = self.done[key]
        if refused is not None:
            raise refused
        result: T = made
        return result


class Delivery(MailRequest):
    """One message on its way to one recipient.

    ``octets`` is what the message is now; ``envelope.octets`` stays what arrived. ``states`` grows
    with each step, as ``NAME`` or ``NAME:outcome``.
    """

    def __init__(self, direction: str, recipient: str, work: Work) -> None:
        """Begin at START. MailRequest.__init__ is not called on purpose.

        QUIRK: salmon-mail 3.3.0 parses and lower-cases there, and makes a null reverse-path the
        From field.
        """
        self.Peer = None
        self.Data = work.envelope.octets
        self.bounce = None
        self.From = work.envelope.reverse_path
        # A recipient without a domain is the local postmaster (RFC 5321 §4.5.1).
        routed = recipient if "@" in recipient else f"{recipient}@{work.house.hostname}"
        self.To = f"{direction}:{routed}"
        self.direction = direction
        self.recipient = recipient
        self.work = work
        self.octets: bytes = work.envelope.octets
        self.place: tuple[str | None, str] = (None, ROUTE_FIRST_STATE)
        self.states: list[str] = [ROUTE_FIRST_STATE]
        self.outcome = ""
        self.ready = False
        self.plan: Plan | None = None
        self.finding: Finding | None = None
        self.learned: Learned | None = None
        self.decryption: Decryption | None = None
        self.peeled: Peeled | None = None
        self.permit: Permit | None = None
        self.protected = "clear"
        self.mark = ""

    @property
    def at(self) -> datetime:
        """The moment of receipt, by which everything is judged (RFC 8550 §6)."""
        return self.work.envelope.received_at

    @property
    def house(self) -> House:
        """What a state function may use."""
        return self.work.house


class DeliveryStates(StateStorage):
    """Keeps the state on the delivery itself; the key is (module, delivery)."""

    def get(self, key: tuple[str, Delivery], sender: str) -> str:  # noqa: ARG002 - Salmon's name
        """Return the state of this delivery in this module, "" if it is in another one."""
        module, delivery = key
        at, state = delivery.place
        return state if at in (None, module) else ""

    def set(self, key: tuple[str, Delivery], sender: str, state: str) -> None:  # noqa: ARG002
        """Move the delivery on. A failed step is a Refusal, never a sticky state."""
        module, delivery = key
        if state == "ERROR":
            return
        delivery.place = (module, state)
        delivery.states.append(f"{state}:{delivery.outcome}" if delivery.outcome else state)
        delivery.outcome = ""

    def clear(self) -> None:
        """Nothing outlives its delivery."""


class Refuse:
    """Stands where Router expects a queue for undeliverable mail, and takes none."""

    def push(self, message: Delivery) -> None:  # noqa: ARG002 - Salmon's name
        """Refuse for now: a step failed, or no route fits."""
        failure = sys.exc_info()[1]
        raise Refusal(reply.STEP_FAILED if failure else reply.NO_ROUTE) from failure


def install(handlers: Sequence[str] = HANDLERS) -> None:
    """Wire Salmon's Router, and load the state functions. A broken import is fatal."""
    Router.STATE_STORE = DeliveryStates()
    Router.UNDELIVERABLE_QUEUE = Refuse()
    Router.LOG_EXCEPTIONS = False
    Router.RELOAD = False
    Router.load(list(handlers))
    for module in handlers:
        Router.HANDLERS[module] = _key
    Router._collect_matches = _Table(Router).fitting  # noqa: SLF001 - see there


class _Table:
    """The state functions by the state they stand for.

    QUIRK: salmon-mail 3.3.0 looks for it by asking the state of each function of each route that
    fits, twenty times a message. A delivery knows its state, and has one.
    """

    def __init__(self, router: RoutingBase) -> None:
        self._of: dict[str, list[tuple[re.Pattern[str], State]]] = {}
        for route in router.ORDER:
            expression, functions = router.REGISTERED[route]
            for function in functions:
                self._of.setdefault(function.__name__, []).append((expression, function))

    def fitting(self, delivery: Delivery) -> Iterator[tuple[State, dict[str, str]]]:
        """Give the first function of the delivery's state whose route fits, if there is one."""
        at, state = delivery.place
        for expression, function in self._of.get(state, ()):
            if at is None or at == function.__module__:
                found = expression.match(delivery.To)
                if found is not None:
                    yield function, found.groupdict()
                    return


def _key(module: str, delivery: Delivery) -> tuple[str, Delivery]:
    return module, delivery


def run(delivery: Delivery) -> None:
    """Run the delivery through its states until it is ready.

    Raises Refusal, also for everything that goes wrong in a step.
    """
    for _ in range(STEPS_AT_MOST):
        patience.tick()
        Router.deliver(delivery)
        if delivery.ready:
            return
    raise Refusal(reply.NO_END_STATE)
