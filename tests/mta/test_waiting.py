"""A slow responder holds up one message for a moment, and nobody else at all (T115)."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import count

import pytest

from app.mail.limits import REVOCATION_WAIT_SECONDS
from app.model.errors import WouldWait
from app.mta import machine, transaction
from app.mta.envelope import Envelope
from app.mta.learn import learn_nothing
from app.mta.relay import Relay
from app.mta.reply import Reply
from app.mta.transaction import Gateway, Hops
from tests.handlers.test_revocation import signed
from tests.houses import STRANGER, House, message
from tests.mta.servers import Hop
from tests.responders import Responders, asks, supply_of
from tests.rules.sources import ROOT
from tests.testpki import AT, TestCA, ca

ALICE, PAUL = "alice@nord.example", "paul@sued.example"
PLAIN = message("x@elsewhere.example", PAUL)
_NUMBERS = count()

OTHER_WORKER = """
import sys
from datetime import datetime
from pathlib import Path
from app.mail.headers import split
from app.mail.originator import originator
from app.model.snapshot import Store
from app.smime.kinds import recognise
from app.smime.verify import verify

url, file, at = sys.argv[1:]
octets = Path(file).read_bytes()
store = Store.open(url)
who = originator(split(octets).headers)
at = datetime.fromisoformat(at)
finding = verify(octets, recognise(octets), who, store.trust, at=at, revocation="hard")
print(finding.status)
"""


@pytest.fixture
def responders() -> Iterator[Responders]:
    made = Responders()
    yield made
    made.close()


@pytest.fixture
def root(sued: House, responders: Responders) -> TestCA:
    """An authority whose certificates the reader believes."""
    made = responders.authority(f"waiting{next(_NUMBERS)}")
    sued.trusts(made)
    return made


def warm(house: House, responders: Responders, wait_seconds: float = 30) -> None:
    """Let the house know everything but revocation before the signer's message comes."""
    quiet = ca(f"quiet{next(_NUMBERS)}")
    house.trusts(quiet)
    asks(house, responders, wait_seconds)
    (outcome,) = house.send(signed(quiet.issue(ALICE)), PAUL, reverse_path=ALICE)
    assert outcome.reply is None
    house.keep_fresh()


class Line:
    """A gateway with one handler thread, and what it sends on."""

    def __init__(self, gateway: Gateway, hop: Hop) -> None:
        self.gateway, self.hop = gateway, hop

    async def deliver(self, octets: bytes, at: timedelta = timedelta(0)) -> Reply:
        """Hand a message in and return the reply."""
        envelope = Envelope("x@elsewhere.example", (PAUL,), octets, STRANGER, AT + at)
        return (await self.gateway.deliver(envelope))[0]

    @property
    def subjects(self) -> list[bytes]:
        """The marks of what left."""
        lines = [each for one in self.hop.messages for each in (one.octets or b"").split(b"\r\n")]
        return [line for line in lines if line.startswith(b"Subject: ")]


@asynccontextmanager
async def line(house: House) -> AsyncIterator[Line]:
    """Run a gateway of this house before a next hop that takes everything."""
    relay = Relay("gateway.sued.example")
    inside = machine.House(house.store, "gateway.sued.example", "de", learn_nothing)
    hop = Hop("lmtp")
    with ThreadPoolExecutor(1) as threads:
        async with hop.listening():
            yield Line(Gateway(inside, Hops(hop.hop, hop.hop), relay, threads), hop)
            await relay.close()


async def until_asked(responders: Responders) -> None:
    for _ in range(3000):
        if responders.requests:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody asked")


def test_other_sessions_go_on_while_one_message_waits(
    sued: House, root: TestCA, responders: Responders, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What takes long goes to a thread as well, and a pause of the interpreter is long.
    monkeypatch.setattr(transaction, "AT_ONCE_SECONDS", 60.0)
    identity = root.issue(ALICE)
    responders.publish(root, identity)
    responders.gate.clear()
    warm(sued, responders, 60)

    async def run() -> list[bytes]:
        async with line(sued) as gateway:
            slow = asyncio.create_task(gateway.deliver(signed(identity)))
            await until_asked(responders)
            for _ in range(20):
                # The one thread is taken: what needs none goes through all the same.
                sued.keep_fresh()
                assert (await gateway.deliver(PLAIN)).relayed
            assert not slow.done()
            responders.gate.set()
            assert (await slow).relayed
            return gateway.subjects

    subjects = asyncio.run(run())
    assert subjects.count(b"Subject: Hello") == 20
    assert subjects[-1] == b"Subject: [SIGNIERT] Hello"


def test_message_waits_no_longer_than_it_may(
    sued: House, root: TestCA, responders: Responders
) -> None:
    assert REVOCATION_WAIT_SECONDS == 2
    responders.gate.clear()
    asks(sued, responders)
    supply_of(sued.store, 0.2)

    async def run() -> None:
        async with line(sued) as gateway:
            began = time.monotonic()
            for number in range(10):
                # Each has a certificate of its own; who was slow is waited for only once.
                identity = root.issue(ALICE)
                at = timedelta(seconds=10 * number)
                assert (await gateway.deliver(signed(identity), at)).relayed
            assert time.monotonic() - began < 30
            assert len(gateway.hop.messages) == 10, "nothing is lost, and nothing sent twice"

    asyncio.run(run())


def test_loop_never_waits_for_a_responder(
    sued: House, root: TestCA, responders: Responders
) -> None:
    identity = root.issue(ALICE)
    responders.publish(root, identity)
    warm(sued, responders)
    octets = signed(identity)
    database = sued.store.database
    with database.never_waiting(), pytest.raises(WouldWait):
        sued.send(octets, PAUL, reverse_path=ALICE)
    sued.send(octets, PAUL, reverse_path=ALICE)
    later = AT + timedelta(minutes=5)
    with database.never_waiting():
        sued.keep_fresh()
        # The path is judged anew, by lists that are in memory.
        (outcome,) = sued.send(octets, PAUL, reverse_path=ALICE, at=later)
    assert outcome.delivery is not None
    assert outcome.delivery.finding is not None
    assert outcome.delivery.finding.status == "valid"


def test_what_one_process_fetched_another_knows(
    sued: House, root: TestCA, responders: Responders
) -> None:
    identity = root.issue(ALICE)
    responders.publish(root, identity)
    asks(sued, responders)
    octets = signed(identity)
    assert "untrusted" in _other(sued, octets), "it asks nobody"
    assert responders.requests == []
    sued.send(octets, PAUL, reverse_path=ALICE)
    assert "valid" in _other(sued, octets)
    assert len(responders.requests) == 2


def _other(house: House, octets: bytes) -> list[str]:
    """Return what another process without a guard finds about a message."""
    file = house.database.path
    assert file is not None
    letter = file.parent / "letter.eml"
    letter.write_bytes(octets)
    words = [sys.executable, "-c", OTHER_WORKER, house.url, str(letter), AT.isoformat()]
    done = subprocess.run(
        words, cwd=ROOT, check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    return done.stdout.split()
