"""Authorities that are kept as intermediates go when they have ended for a month."""

from datetime import datetime, timedelta

import pytest
from cryptography import x509

from app.model import keys, partners, trust
from app.model.fetched import keep_issuers
from app.model.keyrows import ENDED_FOR, forget_ended, store_intermediates
from app.model.schema import STEPS
from app.model.snapshot import Store
from app.pki.certificate import Certificate
from tests.model.conftest import look_again
from tests.model.house import BOB, DAY, root
from tests.model.test_only_and_grace import server, url
from tests.model.test_trace import row
from tests.testpki import AT, ca, pem, private_key

__all__ = ["server", "url"]


def authority(name: str, not_after: datetime) -> Certificate:
    return Certificate.from_der(ca(name, root(), not_after=not_after).certificate)


LASTS = authority("Lasts", AT + 400 * DAY)
ENDED = authority("Ended", AT - ENDED_FOR + timedelta(minutes=1))
LONG_ENDED = authority("Long Ended", AT - ENDED_FOR - timedelta(minutes=1))
ALL = (LASTS, ENDED, LONG_ENDED)


def kept(store: Store) -> set[Certificate]:
    return set(look_again(store).snapshot().intermediates)


@pytest.fixture
def full(store: Store) -> Store:
    trust.add(store.database, root().certificate, AT)
    with store.database.change():
        store_intermediates(store.database, ALL, AT - 500 * DAY)
    assert kept(store) == set(ALL)
    return store


# T136
def test_ended_authorities_are_forgotten_where_old_traces_are(full: Store) -> None:
    full.trace.write(row(1, at=AT))
    full.trace.close()
    assert kept(full) == {LASTS, ENDED}, "and every worker lets go of them"


def test_nobody_reads_again_where_nothing_is_forgotten(full: Store) -> None:
    with full.database.transaction():
        forget_ended(full.database, AT)
    before = full.database.version()
    with full.database.transaction():
        forget_ended(full.database, AT)
    assert full.database.version() == before


def test_what_was_forgotten_leaves_its_place_to_others(
    full: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.model.fetched.INTERMEDIATES_AT_MOST", len(ALL))
    newcomer = authority("Newcomer", AT + 400 * DAY)
    keep_issuers(full.database, [newcomer], AT)
    assert newcomer not in kept(full)
    with full.database.transaction():
        forget_ended(full.database, AT)
    keep_issuers(full.database, [newcomer], AT)
    assert kept(full) == {LASTS, ENDED, newcomer}


def test_authorities_of_an_earlier_version_get_their_end(full: Store) -> None:
    database = full.database
    database.sql_run("ALTER TABLE intermediate DROP COLUMN not_after")
    with database.transaction():
        STEPS[5](database)
        forget_ended(database, AT)
    assert database.sql("SELECT COUNT(*) FROM intermediate") == [(2,)]
    look_again(full)
    assert kept(full) == {LASTS, ENDED}


# RFC 8550 §2.3: what goes along with our mail is what verifies it
def test_chain_of_an_own_key_is_of_who_issued_it_and_lasts(store: Store) -> None:
    issuing = ca("Own Issuing", root())
    older = ca("Own Issuing", root(), private=issuing.key, not_after=AT - DAY)
    ski = x509.SubjectKeyIdentifier.from_public_key(issuing.key.public_key())
    namesakes = [
        ca("Own Issuing", root(), private=private_key("p256", f"{each}"), extensions=[(ski, False)])
        for each in range(9)
    ]
    bag = [Certificate.from_der(each.certificate) for each in (older, *namesakes, issuing)]
    with store.database.change():
        store_intermediates(store.database, bag, AT)
    alice = issuing.issue("alice@nord.example")
    (row,) = keys.import_keys(store.database, alice.key_pem + alice.pem, None, AT)
    assert store.ring.chain(row["id"]) == (issuing.certificate,)


# T110: a person takes over a message or a file, and not whoever hides in its bag
def test_import_keeps_who_stands_above_its_certificates(store: Store) -> None:
    issuing = ca("Imported Issuing", root())
    twins = [
        ca("Imported Issuing", private=private_key("p256", f"twin {each}")) for each in range(9)
    ]
    others = [ca("Imported Stranger", root()), *twins]
    first, second = issuing.issue(BOB), root().issue("carol@partner.example")
    file = [*(each.certificate for each in (*others, issuing)), first.certificate]
    file.append(second.certificate)
    rows = partners.import_partner(store.database, b"".join(map(pem, file)), AT)
    assert len(rows) == 2
    assert kept(store) == {Certificate.from_der(issuing.certificate)}


# T136: quotas are for what mail brings
@pytest.mark.parametrize("quota", ["NEW_A_DAY", "INTERMEDIATES_AT_MOST"])
def test_what_a_person_imports_leaves_the_places_to_mail(
    store: Store, monkeypatch: pytest.MonkeyPatch, quota: str
) -> None:
    monkeypatch.setattr(f"app.model.fetched.{quota}", 1)
    by_hand = [ca(f"By Hand {number}", root()) for number in range(2)]
    alice = by_hand[0].issue("alice@nord.example")
    octets = alice.key_pem + alice.pem + pem(by_hand[0].certificate)
    keys.import_keys(store.database, octets, None, AT)
    file = by_hand[1].issue(BOB).pem + pem(by_hand[1].certificate)
    partners.import_partner(store.database, file, AT)
    keep_issuers(store.database, [LASTS], AT)
    expected = {*(Certificate.from_der(each.certificate) for each in by_hand), LASTS}
    assert kept(store) == expected
    keep_issuers(store.database, [authority("One More", AT + 400 * DAY)], AT)
    assert kept(store) == expected
