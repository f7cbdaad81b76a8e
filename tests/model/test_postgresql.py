"""The same store on PostgreSQL: nothing in it depends on SQLite."""

import os
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from app.model import (
    accounts,
    domains,
    engines,
    keys,
    marktexts,
    partners,
    pending,
    policies,
    relays,
    revocations,
    trace,
    trust,
)
from app.model.database import Database, open_database
from app.model.errors import Refused, StoreUnavailable
from app.model.lookups import find_answer, keep_answer
from app.model.revocations import RevocationStore, count_answers, forget, list_failures
from app.model.schema import STEPS, is_initialised, migrate
from app.model.setup import initialise
from app.model.snapshot import Store
from app.model.tables import Domain
from app.model.trace import Search, TraceWriter, find_traces
from app.pki.certificate import Certificate
from app.pki.flights import OURS, THEIRS, Stored
from tests.model.conftest import look_again, master_key
from tests.model.house import ALICE, BOB, NORD, certificate, person, root
from tests.model.postgresql import INSTALL, PostgreSQL, programs
from tests.model.test_harvesting import FOREIGN, found, harvest
from tests.model.test_revocations import claimed_at_once
from tests.model.test_routes import BANK, LAST
from tests.model.test_trace import row
from tests.testpki import AT

pytestmark = pytest.mark.interop

_NUMBERS = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    folder = programs()
    if folder is None:
        if os.environ.get("CI"):
            pytest.fail(f"no PostgreSQL here: {INSTALL}")
        pytest.skip(f"no PostgreSQL here: {INSTALL}")
    with PostgreSQL(folder) as running:
        yield running


@pytest.fixture
def url(server: PostgreSQL) -> str:
    return server.url(f"sealmon{next(_NUMBERS)}")


def test_everything_an_administrator_does(store: Store) -> None:
    database = store.database
    domains.add(database, NORD, AT)
    (key,) = keys.import_keys(database, person(ALICE).key_pem + person(ALICE).pem, None, AT)
    waiting = keys.new_request(database, ["carol@nord.example"], AT, kind="ec-p256")
    domains.use_key(database, NORD, key["id"])
    domains.sign_to(database, NORD, ["partner.example"])
    relays.add(database, "192.0.2.0/24", AT, header="X-Tenant:0123456789abcdef")
    relays.add_key(database, key["id"])
    accounts.add(database, "alice", "a good password", AT)
    accounts.assign(database, "alice", key["id"])
    accounts.group(database, "alice", "system-mail")
    policies.apply(database, BANK + LAST)
    marktexts.set_text(database, "valid", "[ECHT]", AT)
    trust.add(database, root().certificate, AT)
    (entry,) = partners.import_partner(database, person(BOB).pem, AT)
    partners.disable(database, entry["id"])
    partners.enable(database, entry["id"])
    snapshot = look_again(store).snapshot()
    assert snapshot.accounts["alice"].addresses == {ALICE}
    assert snapshot.domains[NORD].key_ids == (key["id"],)
    assert [each.id for each in store.ring.signing_keys(ALICE)] == [key["id"]]
    assert store.ring.signer(key["id"]).certificate == person(ALICE).certificate
    assert store.usable_for(BOB, at=AT).certificates == (certificate(BOB),)
    assert store.trust.is_pinned(certificate(BOB).fingerprint, BOB)
    assert accounts.authenticate(database, "alice", "a good password")
    assert {each["id"] for each in keys.list_keys(database)} == {key["id"], waiting["id"]}
    domains.remove(database, NORD)
    accounts.remove(database, "alice")
    partners.remove(database, entry["id"])
    trust.remove(database, trust.list_anchors(database)[0]["id"])
    assert look_again(store).snapshot().domains == {}


def test_harvest_and_approval(store: Store) -> None:
    assert harvest(store, found(), "on_error", AT) == "stored"
    assert harvest(look_again(store), found(), "on_error", AT) == "known"
    assert harvest(store, found(FOREIGN), "on_error", AT) == "pending"
    (entry,) = pending.list_pending(store.database, AT)
    pending.approve(store.database, entry["id"], AT)
    assert len(look_again(store).partners_for(BOB).personal) == 2


def test_traces(store: Store) -> None:
    store.trace.write(row(1))
    store.trace.write(row(2, reverse_path="\0\ud800", message_id="\0", reply="\0"))
    store.trace.close()
    assert [each["id"] for each in find_traces(store.database, Search())] == ["t2", "t1"]
    assert [each["id"] for each in find_traces(store.database, Search(address=ALICE))] == ["t1"]


def test_workers_that_note_the_same_partners_lose_no_trace(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a slow disk one of six may wait longer for the others than mail waits.
    monkeypatch.setattr(engines, "BUSY_SECONDS", 60)
    monkeypatch.setattr(trace, "_CLOSE_SECONDS", 100.0)
    known = [
        partners.import_partner(database, person(f"{number}@partner.example").pem, AT)[0]["id"]
        for number in range(40)
    ]
    lost: list[int] = []

    def work(order: list[int]) -> None:
        other = open_database(database.url)
        writer = TraceWriter(other)
        for number in range(1000):
            writer.write(row(number, partner_ids=(order[number % len(order)],)))
        writer.close()
        lost.append(writer.lost)

    threads = [threading.Thread(target=work, args=(each,)) for each in (known, known[::-1]) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == [0] * 6


# T8: what is forgotten by one node is being written by another
def test_nodes_that_forget_together_lose_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revocations, "_SWEEP_SECONDS", -1.0)
    monkeypatch.setattr(engines, "BUSY_SECONDS", 60)
    before = deadlocks(database)

    def work(seed: int) -> None:
        other = open_database(database.url)
        cache, chance = RevocationStore(other), random.Random(seed)
        for number in range(150):
            at = AT + timedelta(seconds=number)
            key = f"k{chance.randrange(9)}"
            url = f"http://pki.example/{key}"
            cache.claim(key)
            if chance.random() < 0.4:
                cache.failed(key, url, at, "gone")
            else:
                until = at + timedelta(seconds=chance.randrange(5))
                cache.put(key, Stored(b"list", at, until, url))
            keep_answer(other, "smimea", f"{key}@x.example", (), at - timedelta(hours=1))
        other.close()

    threads = [threading.Thread(target=work, args=(each,)) for each in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert deadlocks(database) == before


def deadlocks(database: Database) -> int:
    """Return how many the server has seen in this database."""
    database.sql("SELECT pg_stat_clear_snapshot()")
    rows = database.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return int(rows[0][0])


def test_a_change_that_fails_leaves_nothing(database: Database) -> None:
    domains.add(database, NORD, AT)
    before = database.version()
    with pytest.raises(Refused, match="somebody else"), database.change():
        database.insert(Domain, {"name": NORD, "added_at": 0})
    assert database.version() == before
    with pytest.raises(Refused):
        partners.import_partner(database, b"nonsense", AT)


# T97: two workers, one empty slot
def test_two_workers_do_not_fill_one_slot_twice(store: Store, url: str) -> None:
    first, second = (certificate(BOB, name) for name in ("first", "second"))
    outcomes: list[str] = []

    def work(what: Certificate) -> None:
        other = Store.open(url, master_key())
        outcomes.append(harvest(other, found(what), "on_error", AT))
        other.close()

    threads = [threading.Thread(target=work, args=(each,)) for each in (first, second) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("stored") == 1
    assert len(look_again(store).partners_for(BOB).personal) == 1


# T8
def test_a_connection_that_is_cut_is_made_again(database: Database) -> None:
    database.version()
    ours = database.sql("SELECT pg_backend_pid()")[0][0]
    other = open_database(database.url)
    other.sql("SELECT pg_terminate_backend(?)", (ours,))
    other.close()
    with pytest.raises(StoreUnavailable):
        database.version()
    assert database.version()[0] > 0


# T8
def test_a_connection_that_is_cut_within_a_change_leaves_nothing(database: Database) -> None:
    other = open_database(database.url)
    ours = database.sql("SELECT pg_backend_pid()")[0][0]

    def half() -> None:
        with database.change():
            database.insert(Domain, {"name": NORD, "added_at": 0})
            other.sql("SELECT pg_terminate_backend(?)", (ours,))

    with pytest.raises(StoreUnavailable):
        half()
    assert domains.list_domains(database) == []
    domains.add(database, NORD, AT)
    other.close()


# T8
def test_a_server_that_is_gone_is_unavailable_and_comes_back(
    store: Store, server: PostgreSQL
) -> None:
    store.snapshot()
    server.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                look_again(store).snapshot()
        assert not is_lost(store)
    finally:
        server.start()
    assert store.snapshot().version > 0


def is_lost(store: Store) -> bool:
    """Return whether a trace row holds up its writer."""
    store.trace.write(row(1))
    store.trace.close()
    return store.trace.lost != 1


def test_revocation_data_of_one_node_serve_the_other(database: Database) -> None:
    cache, other = RevocationStore(database), open_database(database.url)
    stored = Stored(bytes(range(256)), AT, AT + timedelta(days=7), "http://pki.example/a.crl")
    cache.failed("k", stored.url, AT, "\0 gone")
    assert len(list_failures(other, AT)) == 1
    cache.put("a", replace(stored, octets=b"older"))
    cache.put("a", stored)
    assert RevocationStore(other).find("a") == stored
    assert cache.find("a") == stored
    assert list_failures(other, AT) == []
    assert count_answers(other, AT) == 1
    with other.transaction():
        forget(other, AT + timedelta(days=8))
    assert count_answers(other, AT) == 0
    other.close()


def test_of_nodes_that_want_the_same_one_goes(database: Database, url: str) -> None:  # T114
    for _ in range(5):
        assert claimed_at_once(url) == [OURS] + [THEIRS] * 7
        RevocationStore(database).release("a")


def test_what_one_node_looked_up_serves_the_other(database: Database) -> None:
    other = open_database(database.url)
    keep_answer(database, "smimea", "\ud800\0@x.example", (), AT)
    keep_answer(database, "smimea", BOB, (), AT)
    keep_answer(database, "smimea", BOB, (certificate(BOB),), AT)
    assert find_answer(other, "smimea", BOB, AT) == (certificate(BOB),)
    assert find_answer(other, "smimea", BOB, AT + timedelta(days=1)) is None
    other.close()


def test_nodes_that_start_together_make_one_store(server: PostgreSQL) -> None:
    url = server.url("together")
    outcomes: list[str] = []

    def start() -> None:
        database = open_database(url)
        try:
            initialise(database, master_key().public)
            outcomes.append("made")
        except Refused:
            outcomes.append("refused")
        database.close()

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database = open_database(url)
    assert outcomes.count("made") == 1
    assert len(outcomes) == 6
    assert is_initialised(database)
    assert migrate(database) == len(STEPS)
    database.close()
