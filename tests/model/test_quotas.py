"""Who spends whose quota: nobody a person's, and no liar that of the honest (T97, T136)."""

import time
from datetime import timedelta

from cryptography import x509

from app.model import harvesting, partners, pending, quotas
from app.model.snapshot import Store
from app.model.stored import stamp
from app.model.tables import Pending
from app.pki.certificate import Certificate
from tests.model.conftest import look_again
from tests.model.house import BOB, DAY, certificate
from tests.model.test_harvesting import ENDS_SOON, FIRST, FOREIGN, NEXT, OTHER, found, harvest
from tests.model.test_only_and_grace import server, url
from tests.testpki import AT

__all__ = ["server", "url"]

TIMES = quotas.NEW_OF_ONE_SENDER_A_DAY


def strangers(count: int) -> list[Certificate]:
    """Return certificates of nobody known, for Bob's address."""
    return [Certificate.from_der(OTHER.issue(BOB).certificate) for _ in range(count)]


def lie(store: Store, count: int, *reasons: str) -> list[str]:
    """Return what becomes of certificates that liars bring under Bob's name."""
    brought = strangers(count)
    return [harvest(store, found(each, *reasons), "on_error", AT) for each in brought]


def test_what_a_person_imports_is_not_counted_as_brought(store: Store) -> None:
    for each in (ENDS_SOON, *strangers(TIMES)):
        partners.import_partner(store.database, each.der, AT, name=BOB)
    look_again(store)
    # Another issuer is in use, so that it waits; and it is not dropped as one too many.
    assert harvest(store, found(NEXT), "on_error", AT) == "pending"


def test_renewal_comes_on_the_day_of_an_import(store: Store) -> None:
    ends_soon = [
        certificate(BOB, f"old {number}", not_after=AT + 50 * DAY) for number in range(TIMES)
    ]
    for each in ends_soon:
        partners.import_partner(store.database, each.der, AT)
    assert harvest(look_again(store), found(NEXT), "on_error", AT) == "stored"


def test_person_imports_whatever_outsiders_have_brought(store: Store) -> None:
    assert lie(store, TIMES + 1, "untrusted") == ["pending"] * TIMES + ["dropped"]
    for each in strangers(TIMES + 1):
        (row,) = partners.import_partner(store.database, each.der, AT, name=BOB)
        assert row["source"] == "manual"


def test_approval_frees_the_place(store: Store) -> None:
    assert lie(store, TIMES, "untrusted") == ["pending"] * TIMES
    for row in pending.list_pending(store.database, AT):
        pending.approve(store.database, row["id"], AT)
    assert lie(look_again(store), 1, "untrusted") == ["pending"]


# T97: anybody can make three certificates a day for any address
def test_liars_do_not_spend_what_the_owner_may_bring(store: Store) -> None:
    assert lie(store, TIMES + 1, "untrusted", "self-signed")[-1] == "dropped"
    assert harvest(store, found(FIRST), "on_error", AT) == "stored"
    assert lie(store, 1, "from-differs") == ["dropped"], "all liars share one quota"
    # Nor do they hide from the administrator that he has changed his authority.
    assert harvest(look_again(store), found(FOREIGN), "on_error", AT) == "pending"


def test_owner_has_a_quota_too(store: Store) -> None:
    assert lie(store, TIMES + 1) == ["stored"] + ["pending"] * (TIMES - 1) + ["dropped"]
    assert lie(store, 1, "untrusted") == ["pending"]
    assert harvest(store, found(FIRST), "on_error", AT + timedelta(days=2)) == "pending"


# T136: ten thousand messages of liars fill the queue for a month
def test_liars_leave_room_in_the_queue(store: Store) -> None:
    blank = {"certificate": FIRST.der, "state": pending.WAITING, "added_at": stamp(AT)}
    rows = [
        {"address": f"a{number}@b.example", "fingerprint": str(number), **blank}
        for number in range(quotas.DOUBTFUL_AT_MOST)
    ]
    with store.database.transaction():
        for at in range(0, len(rows), 1000):
            store.database.insert_many(Pending, rows[at : at + 1000])
    harvest(store, found(FIRST), "on_error", AT)
    assert lie(store, 1, "untrusted") == ["dropped"]
    assert harvest(look_again(store), found(FOREIGN), "on_error", AT) == "pending"


# T136: a queue that liars filled must not make every further message dear
def test_full_queue_is_counted_without_reading_it(store: Store) -> None:
    large = {"certificate": bytes(8_000), "state": pending.WAITING, "added_at": stamp(AT)}
    rows = [
        {"address": f"a{number}@b.example", "fingerprint": str(number), **large}
        for number in range(quotas.DOUBTFUL_AT_MOST)
    ]
    with store.database.transaction():
        for at in range(0, len(rows), 100):
            store.database.insert_many(Pending, rows[at : at + 100])
    times = []
    # A server's work is not this thread's: the quickest by the clock on the wall.
    for _ in range(20):
        began = time.perf_counter()
        assert pending.count_waiting(store.database, AT) == quotas.DOUBTFUL_AT_MOST
        times.append(time.perf_counter() - began)
    assert min(times) < 0.025


# T136: nine thousand wait, and each may be as large as a message
def test_large_certificate_in_doubt_does_not_wait(store: Store) -> None:
    filling = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(64 * 1024))
    large = Certificate.from_der(OTHER.issue(BOB, extensions=[(filling, False)]).certificate)
    learned = harvesting.harvest(store, found(large, "untrusted"), "on_error", AT)
    assert learned.outcome == "dropped"
    assert "limit of size" in learned.reasons[0].text()
    assert harvest(store, found(large), "on_error", AT) == "stored", "whom an authority knows"


ROBERT = "robert@partner.example"


# B4: a key that is not to be used does not come back by another of its names
def test_disabled_certificate_waits_under_another_name(store: Store) -> None:
    harvest(store, found(FIRST), "on_error", AT)
    (row,) = partners.list_partners(store.database)
    partners.disable(store.database, row["id"])
    look_again(store)
    assert harvest(store, found(FIRST, address=ROBERT), "never", AT) == "dropped"
    assert harvest(store, found(FIRST, address=ROBERT), "on_error", AT) == "pending"
    (entry,) = pending.list_pending(store.database, AT)
    assert [each["code"] for each in entry["reasons"]] == ["blocked-certificate"]


# T97: a signed message can be sent again under any From; its signer is not to blame
def test_who_was_rejected_under_a_false_name_waits_under_his_own(store: Store) -> None:
    assert harvest(store, found(FIRST, "from-differs", address=ROBERT), "on_error", AT) == "pending"
    (row,) = pending.list_pending(store.database, AT)
    pending.reject(store.database, row["id"])
    for address in (ROBERT, "third@partner.example"):
        again = found(FIRST, "from-differs", address=address)
        assert harvest(store, again, "on_error", AT) == "dropped"
    assert harvest(store, found(FIRST), "on_error", AT) == "pending"
    (entry,) = pending.list_pending(store.database, AT)
    assert [each["code"] for each in entry["reasons"]] == ["blocked-certificate"]
