"""The store as the mail path sees it: immutable snapshots, caches and the key ring.

A Snapshot holds everything an administrator decides; it is read again when the counter in the
database moved, which is looked at once a second. So a change is in force in every worker within a
second or two, and a message is judged by one state of things. A database that does not answer
raises StoreUnavailable: the caller defers, and nothing is decided from memory (T8, R13).

Open a Store after the fork. Its threads may share it.
"""

import threading
from datetime import datetime
from typing import Final

from app import clock
from app.model.cache import VersionedCache
from app.model.choice import PartnerChoice, find_partners
from app.model.database import Database, open_database
from app.model.errors import Refused, StoreUnavailable
from app.model.facts import Usable
from app.model.fetched import sources
from app.model.keyring import KeyRing
from app.model.loading import Snapshot, load_snapshot
from app.model.schema import is_initialised, migrate, public_half
from app.model.trace import TraceWriter
from app.model.trustview import StoreTrust
from app.pki.guard import Guard
from app.pki.issuers import IssuerFetch
from app.pki.sealing import MasterKey

__all__ = ["Snapshot", "Store", "StoreUnavailable"]

_CHECK_SECONDS: Final = 1.0


class Store:
    """One open store of a process."""

    def __init__(
        self,
        database: Database,
        master_key: MasterKey | None = None,
        guard: Guard | None = None,
        issuers: IssuerFetch | None = None,
    ) -> None:
        self.database = database
        self.ring = KeyRing(database, master_key)
        self.trace = TraceWriter(database)
        self._sources = sources(database, guard, issuers)
        self._partners: VersionedCache[str, PartnerChoice] = VersionedCache()
        self._reading = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._trust: StoreTrust | None = None
        self._partner_version = 0
        self._checked_at = float("-inf")

    @staticmethod
    def open(
        url: str,
        master_key: MasterKey | None = None,
        guard: Guard | None = None,
        issuers: IssuerFetch | None = None,
    ) -> "Store":
        """Open an existing store; only with a guard are revocation data fetched for it.

        Missing issuers are fetched as ``issuers`` says, without it not at all.

        Brings its tables up to date. Raises Refused if there is none or its master key is another
        one, StoreUnavailable if the database does not answer.
        """
        store = Store(open_database(url), master_key, guard, issuers)
        if not is_initialised(store.database):
            raise Refused(f"{store.database.url}: no database there; run sealmon init first")
        migrate(store.database)
        if master_key is not None and public_half(store.database) != master_key.public:
            raise Refused("the master key is not the one of this database: restore the right file")
        return store

    def snapshot(self) -> Snapshot:
        """Return the store as it is now, at most a second old. Raises StoreUnavailable."""
        fresh = self.fresh_snapshot()
        if fresh is not None:
            return fresh
        self.database.will_wait()
        with self._reading:
            return self.fresh_snapshot() or self._check()

    def fresh_snapshot(self) -> Snapshot | None:
        """Return the snapshot if it was checked within the last second; never waits."""
        snapshot = self._snapshot
        is_fresh = clock.monotonic() - self._checked_at < _CHECK_SECONDS
        return snapshot if is_fresh else None

    def last_snapshot(self) -> Snapshot | None:
        """Return the snapshot however old it is; never waits."""
        return self._snapshot

    def _check(self) -> Snapshot:
        """Ask for the counters, and read again what moved."""
        asked_at = clock.monotonic()
        settings, partners = self.database.version()
        snapshot = self._snapshot
        if snapshot is None or snapshot.version != settings:
            snapshot = load_snapshot(self.database)
            self.ring.settle(snapshot.version)
            self._trust = StoreTrust(self.database, snapshot.anchors, *self._sources)
            self._snapshot = snapshot
        self._partner_version = partners
        assert self._trust is not None, "made with the snapshot"
        self._trust.settle(partners)
        self._checked_at = asked_at
        return snapshot

    @property
    def trust(self) -> StoreTrust:
        """What the verifier may ask. Raises StoreUnavailable."""
        self.snapshot()
        assert self._trust is not None, "made with the snapshot"
        return self._trust

    def partners_for(self, address: str) -> PartnerChoice:
        """Return the candidates for a recipient: exact, of the domain, of a parent domain (D3).

        Raises StoreUnavailable.
        """
        self.snapshot()
        return self._partners.get(
            self._partner_version, address, lambda name: find_partners(self.database, name)
        )

    def usable_for(
        self,
        address: str,
        *,
        at: datetime,
        revocation: str = "soft",
        grace_days: int = 0,
        post_quantum: bool = False,
        personal_only: bool = False,
    ) -> Usable:
        """Return what a message to a recipient can be encrypted to now. Raises StoreUnavailable."""
        trust = self.trust
        choice = self.partners_for(address)
        return choice.usable(
            trust,
            at=at,
            revocation=revocation,
            grace_days=grace_days,
            post_quantum=post_quantum,
            personal_only=personal_only,
        )

    def close(self) -> None:
        """Write the last trace rows and close this thread's connection."""
        self.trace.close()
        self.database.close()
