"""A store with people in it, for tests that send mail through the machine.

``House(folder)`` manages one domain; ``house.own("alice@…")`` gives somebody a key,
``house.knows(identity)`` puts a partner's certificate into the book, ``house.send(…)`` runs one
message through the machine and returns what became of it.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count
from pathlib import Path

import config.testing  # noqa: F401 - it wires the machine
from app.model import domains, keys, partners, policies, relays, trust
from app.model.database import open_database
from app.model.harvesting import Learned
from app.model.policy import Settings
from app.model.setup import initialise
from app.model.snapshot import Store
from app.mta import machine
from app.mta.envelope import Envelope, Peer
from app.mta.learn import learn_nothing
from app.mta.transaction import Outcome, process
from app.pki.guard import Guard
from app.pki.issuers import IssuerFetch
from app.pki.sealing import MasterKey, new_master_key
from app.smime.finding import Finding
from tests.testpki import AT, TestCA, TestIdentity, ca, pem

INSIDER = Peer("192.0.2.10", helo="client.nord.example")
STRANGER = Peer("203.0.113.5", helo="mx.elsewhere.example")


class House:
    """One organisation's store, and the machine over it."""

    guard: Guard | None = None
    """Who may be asked for revocation data: nobody."""
    issuers: IssuerFetch | None = None
    """Who may be asked for missing issuers: nobody."""

    def __init__(self, folder: Path, domain: str = "nord.example", language: str = "de") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.domain = domain
        self.master_key = MasterKey.load(new_master_key())
        self.url = f"sqlite:///{folder}/sealmon.db"
        self.database = open_database(self.url)
        initialise(self.database, self.master_key.public)
        domains.add(self.database, domain, AT)
        relays.add(self.database, f"{INSIDER.address}/32", AT)
        self.language = language
        self.learned: list[Finding] = []
        self._store: Store | None = None
        self._routes = count()

    @property
    def store(self) -> Store:
        """The store as the mail path opens it, with every change made so far."""
        if self._store is None:
            self._store = Store.open(self.url, self.master_key, self.guard, self.issuers)
        return self._store

    def changed(self) -> None:
        """Open the store anew for the next message, so that no test waits for a second to pass."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def keep_fresh(self) -> None:
        """Let nobody ask the database for an hour whether there is something new."""
        self.store.snapshot()
        self.store._checked_at = time.monotonic() + 3600

    def trusts(self, authority: TestCA) -> None:
        """Make an authority a trust anchor."""
        trust.add(self.database, pem(authority.root), AT)
        self.changed()

    def own(self, identity: TestIdentity, *, relay: bool = True) -> str:
        """Import somebody's key; by default it signs for the listed relays."""
        octets = identity.key_pem + identity.pem + b"".join(map(pem, identity.chain))
        key_id = str(keys.import_keys(self.database, octets, None, AT)[0]["id"])
        if relay:
            relays.add_key(self.database, key_id)
        self.changed()
        return key_id

    def own_domain(self, identity: TestIdentity, *sign_to: str) -> str:
        """Make a key that of the domain, signing to these."""
        key_id = self.own(identity)
        domains.use_key(self.database, self.domain, key_id)
        domains.sign_to(self.database, self.domain, sign_to)
        self.changed()
        return key_id

    def knows(self, identity: TestIdentity, name: str | None = None) -> None:
        """Put a partner's certificate into the book."""
        partners.import_partner(self.database, pem(identity.certificate), AT, name=name)
        self.changed()

    def policy(self, *, direction: str, **fields: str) -> None:
        """Set these fields for all mail of a direction, in front of what was there."""
        lines = "".join(f'{name} = "{value}"\n' for name, value in fields.items())
        self.apply(f'direction = "{direction}"\nto = "(any)@(host)"\n{lines}')

    def apply(self, route: str) -> None:
        """Put one more route, the TOML of its fields, in front of what was there."""
        first = f'[[route]]\nname = "test {next(self._routes)}"\n{route}\n'
        policies.apply(self.database, first + policies.export(self.database))
        self.changed()

    def send(
        self,
        octets: bytes,
        *recipients: str,
        reverse_path: str = "sender@elsewhere.example",
        peer: Peer = STRANGER,
        at: datetime = AT,
        learn: Callable[[Finding, Settings, str], Learned | None] | None = None,
    ) -> list[Outcome]:
        """Run a message through the machine and return one outcome per recipient."""
        house = machine.House(
            self.store, f"gateway.{self.domain}", self.language, learn or learn_nothing
        )
        return process(house, Envelope(reverse_path, recipients, octets, peer, at), "t" * 16)

    def close(self) -> None:
        """Close every connection."""
        self.changed()
        self.database.close()


def authority(name: str = "Root") -> TestCA:
    """Return an issuing authority under a root."""
    return ca(f"{name} Issuing", ca(name))


def message(
    sender: str, to: str, subject: str = "Hello", body: str = "Good morning.\r\n", *fields: str
) -> bytes:
    """Return a small message with CRLF."""
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def only(outcomes: Sequence[Outcome]) -> machine.Delivery:
    """Return the delivery of the one recipient, which must be ready."""
    assert len(outcomes) == 1
    assert outcomes[0].reply is None, outcomes[0].reply
    assert outcomes[0].delivery is not None
    return outcomes[0].delivery
