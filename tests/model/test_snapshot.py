"""A snapshot is one state of things, soon replaced by the next; a lost store says so."""

import sqlite3
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.model import domains, keys, marktexts, partners, policies, relays, snapshot
from app.model.cache import VersionedCache
from app.model.errors import StoreUnavailable
from app.model.snapshot import Store
from tests.model.conftest import look_again, master_key
from tests.model.house import ALICE, BOB, NORD, person
from tests.model.test_routes import BANK, LAST
from tests.testpki import AT


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(snapshot, "clock", found)
    return found


def test_the_store_is_asked_at_most_once_a_second(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    version = store.database.version

    def counted() -> tuple[int, int]:
        asked.append(1)
        return version()

    monkeypatch.setattr(store.database, "version", counted)
    for _ in range(1000):
        store.snapshot()
        clock.seconds += 0.0015
    assert len(asked) == 2


# B6
def test_a_change_elsewhere_is_seen_within_a_second(store: Store, clock: Clock, url: str) -> None:
    other = Store.open(url, master_key())
    assert store.snapshot().domains == {}
    assert store.partners_for(BOB).personal == ()
    domains.add(other.database, NORD, AT)
    (row,) = partners.import_partner(other.database, person(BOB).pem, AT)
    assert store.snapshot().domains == {}
    assert store.partners_for(BOB).personal == ()
    clock.seconds += 1
    assert list(store.snapshot().domains) == [NORD]
    assert [each.id for each in store.partners_for(BOB).personal] == [row["id"]]
    other.close()


def test_what_did_not_change_is_not_read_again(store: Store) -> None:
    before = store.snapshot()
    partners.import_partner(store.database, person(BOB).pem, AT)
    assert look_again(store).snapshot() is before, "the partner book is not in the snapshot"
    domains.add(store.database, NORD, AT)
    assert look_again(store).snapshot() is not before
    assert before.domains == {}, "a snapshot stays as it was"


def test_fresh_snapshot_never_waits(store: Store, clock: Clock) -> None:
    assert store.fresh_snapshot() is None
    found = store.snapshot()
    assert store.fresh_snapshot() is found
    clock.seconds += 1
    assert store.fresh_snapshot() is None


# T8, T88: a lost database is never "no policy" and never "no certificate"
def test_a_lost_store_is_unavailable_and_comes_back(
    store: Store, clock: Clock, tmp_path: Path
) -> None:
    partners.import_partner(store.database, person(BOB).pem, AT)
    store.snapshot()
    gone = tmp_path / "gone.db"
    (tmp_path / "sealmon.db").rename(gone)
    clock.seconds += 1
    asks: list[Any] = [
        store.snapshot,
        lambda: store.trust,
        lambda: store.partners_for(BOB),
        lambda: store.usable_for(BOB, at=AT),
    ]
    for ask in asks:
        with pytest.raises(StoreUnavailable):
            ask()
    assert store.fresh_snapshot() is None
    gone.rename(tmp_path / "sealmon.db")
    assert store.usable_for(BOB, at=AT).certificates


def test_a_writer_does_not_hold_up_reading(store: Store, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "sealmon.db")
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE meta SET number = number + 1")
    assert look_again(store).snapshot().domains == {}
    other.close()


def test_threads_share_a_store(store: Store) -> None:
    domains.add(store.database, NORD, AT)
    (key,) = keys.import_keys(store.database, person(ALICE).key_pem + person(ALICE).pem, None, AT)
    partners.import_partner(store.database, person(BOB).pem, AT)
    look_again(store)
    wrong: list[object] = []

    def work() -> None:
        for number in range(50):
            if number % 10 == 0:
                look_again(store)
            found = store.snapshot()
            if NORD not in found.domains or store.ring.signer(key["id"]) is None:
                wrong.append(found)
            if not store.usable_for(BOB, at=AT).certificates:
                wrong.append(number)
        store.database.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_snapshot_holds_what_an_administrator_decided(store: Store) -> None:
    domains.add(store.database, "Bücher.Example", AT)
    relays.add(store.database, "192.0.2.0/24", AT)
    (key,) = keys.import_keys(store.database, person(ALICE).key_pem + person(ALICE).pem, None, AT)
    relays.add_key(store.database, key["id"])
    policies.apply(store.database, BANK + LAST)
    marktexts.set_text(store.database, "valid", "[ECHT]", AT)
    found = store.snapshot()
    assert found.is_managed("a@bücher.example")
    assert found.is_managed("A@XN--BCHER-KVA.example.")
    assert found.is_managed("xn--bcher-kva.example")
    assert not found.is_managed("a@sub.bücher.example")
    assert not found.is_managed("a@@")
    assert not found.is_managed("")
    assert str(found.relays[0].network) == "192.0.2.0/24"
    assert found.relay_key_ids == {key["id"]}
    assert found.policy.settings("outbound", ALICE, "x@bank.example").word("encrypt") == "require"
    assert found.marks.text("valid", "de") == "[ECHT]"


def test_a_cache_forgets_with_the_version_and_is_bounded() -> None:
    made: list[str] = []
    cache: VersionedCache[str, int] = VersionedCache(limit=3)

    def make(key: str) -> int:
        made.append(key)
        return len(made)

    assert [cache.get(1, "a", make), cache.get(1, "a", make), cache.get(2, "a", make)] == [1, 1, 2]
    for key in "bcdef":
        cache.get(2, key, make)
        assert len(cache._held[1]) <= 3


def test_a_value_of_an_old_version_is_not_kept_for_the_new_one() -> None:
    cache: VersionedCache[str, str] = VersionedCache()

    def slow(key: str) -> str:
        cache.get(2, "other", str)  # meanwhile another thread saw the next version
        return f"old {key}"

    assert cache.get(1, "a", slow) == "old a"
    assert cache.get(2, "a", lambda key: f"new {key}") == "new a"


# P9 in small: what grows with the store is read by index
def test_a_look_up_uses_the_index(store: Store) -> None:
    plan = store.database.sql(
        "EXPLAIN QUERY PLAN SELECT id FROM partner WHERE name IN (?, ?) AND is_enabled", ("a", "b")
    )
    assert "USING INDEX partner_name_fingerprint" in str(plan)
    for table, column in (
        ("keyaddress", "address"),
        ("domainkey", "domain"),
        ("trace", "recipient"),
    ):
        found = store.database.sql(
            f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE {column} = ?", ("a",)
        )
        assert "USING INDEX" in str(found)


def test_the_clock_of_these_tests_stands_still(clock: Clock) -> None:
    assert clock.monotonic() == 1000.0
    assert timedelta(seconds=1).total_seconds() == 1
