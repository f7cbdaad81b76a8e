"""The book fills itself only where nobody is surprised; the rest waits or is dropped (T97)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.model import domains, harvesting, partners, pending, quotas
from app.model.database import Database
from app.model.errors import Refused
from app.model.quotas import NEW_OF_ONE_SENDER_A_DAY, WAITING_AT_MOST
from app.model.snapshot import Store
from app.model.stored import stamp
from app.model.tables import Pending
from app.pki.certificate import Certificate
from app.smime.harvest import Harvest
from app.smime.reasons import Reason
from tests.model.conftest import look_again
from tests.model.house import ALICE, BOB, DAY, NORD, certificate, person, root
from tests.testpki import AT, ca

OTHER = ca("Another Root")
FIRST = certificate(BOB, not_after=AT + 200 * DAY)
ENDS_SOON = certificate(BOB, not_after=AT + 50 * DAY)
ENDED = certificate(BOB, not_after=AT - 50 * DAY)
NEXT = certificate(BOB, "next", not_before=AT - DAY, not_after=AT + 800 * DAY)
FOREIGN = Certificate.from_der(OTHER.issue(BOB).certificate)


def found(what: Certificate = FIRST, *reasons: str, address: str = BOB, **how: Any) -> Harvest:
    return Harvest(
        **{
            "certificate": what,
            "address": address,
            "other_addresses": (),
            "capabilities": ("aes256-cbc",),
            "signed_at": AT,
            "reasons": tuple(Reason(each) for each in reasons),
            "intermediates": (),
            **how,
        }
    )


def harvest(store: Store, what: Harvest, approval: str, at: datetime, message_id: str = "") -> str:
    """Return what became of a certificate."""
    return harvesting.harvest(store, what, approval, at, message_id).outcome


def known(store: Store) -> list[str]:
    """Return the fingerprints that Bob's mail would be considered for."""
    choice = look_again(store).partners_for(BOB)
    return [each.certificate.fingerprint for each in choice.personal]


def waiting(database: Database, at: datetime = AT) -> list[str]:
    return [row["fingerprint"] for row in pending.list_pending(database, at)]


# B5: (what is known, what comes, with what doubts, the setting) -> what becomes of it
CASES: list[tuple[str, list[Certificate], Harvest, str, str]] = [
    ("an empty slot", [], found(), "on_error", "stored"),
    ("an empty slot", [], found(), "never", "stored"),
    ("an empty slot", [], found(), "always", "pending"),
    ("a doubt", [], found(FIRST, "untrusted"), "on_error", "pending"),
    ("a doubt", [], found(FIRST, "self-signed"), "on_error", "pending"),
    ("a doubt", [], found(FIRST, "untrusted"), "always", "pending"),
    ("a doubt", [], found(FIRST, "untrusted"), "never", "dropped"),
    ("the same again", [FIRST], found(), "on_error", "known"),
    ("another while the first lasts", [FIRST], found(NEXT), "on_error", "pending"),
    ("another while the first lasts", [FIRST], found(NEXT), "never", "dropped"),
    ("a renewal near the end", [ENDS_SOON], found(NEXT), "on_error", "stored"),
    ("a renewal after the end", [ENDED], found(NEXT), "on_error", "stored"),
    ("another issuer near the end", [ENDS_SOON], found(FOREIGN), "on_error", "pending"),
    ("another issuer near the end", [ENDS_SOON], found(FOREIGN), "never", "dropped"),
    ("an older one of the same issuer", [ENDS_SOON], found(ENDED), "on_error", "pending"),
    ("an authority", [], found(Certificate.from_der(root().certificate)), "on_error", "dropped"),
    ("one of ours", [], found(certificate(ALICE), address=ALICE), "on_error", "dropped"),
]


@pytest.mark.parametrize(("what", "there", "comes", "approval", "expected"), CASES)
def test_only_an_empty_slot_and_a_renewal_fill_themselves(
    store: Store,
    what: str,
    there: list[Certificate],
    comes: Harvest,
    approval: str,
    expected: str,
) -> None:
    domains.add(store.database, NORD, AT)
    for number, each in enumerate(there):
        early = AT - (10 + number) * DAY
        assert harvest(store, found(each, signed_at=early), "never", early) == "stored"
        look_again(store)
    before = known(store)
    assert harvest(store, comes, approval, AT) == expected
    is_new = [comes.certificate.fingerprint] if expected == "stored" else []
    assert set(known(store)) == {*before, *is_new}
    assert bool(waiting(store.database)) == (expected == "pending")


# T97: a thousand messages
def test_a_thousand_messages_of_a_stranger_change_nothing(store: Store) -> None:
    harvest(store, found(), "on_error", AT)
    for number in range(1000):
        harvest(store, found(FOREIGN), "on_error", AT + timedelta(minutes=number))
    assert known(store) == [FIRST.fingerprint]
    assert waiting(store.database, AT + DAY) == [FOREIGN.fingerprint]


# B2 step 6, T136
def test_a_sender_brings_only_so_many_new_ones_a_day(store: Store) -> None:
    many = [Certificate.from_der(OTHER.issue(BOB).certificate) for _ in range(6)]
    outcomes = [harvest(store, found(each, "untrusted"), "on_error", AT) for each in many]
    assert outcomes == ["pending"] * NEW_OF_ONE_SENDER_A_DAY + ["dropped"] * 3
    assert harvest(store, found(many[5], "untrusted"), "on_error", AT + 2 * DAY) == "pending"
    other = found(certificate("x@y.example"), address="x@y.example")
    assert harvest(store, other, "on_error", AT) == "stored", "others are not hindered"


# T136
def test_the_queue_is_bounded(store: Store) -> None:
    blank = {"certificate": FIRST.der, "state": pending.WAITING, "added_at": stamp(AT)}
    rows = [
        {"address": f"a{number}@b.example", "fingerprint": str(number), **blank}
        for number in range(WAITING_AT_MOST)
    ]
    with store.database.transaction():
        for at in range(0, len(rows), 1000):
            store.database.insert_many(Pending, rows[at : at + 1000])
    assert harvest(store, found(FIRST, "untrusted"), "on_error", AT) == "dropped"
    assert harvest(store, found(FIRST, "untrusted"), "on_error", AT + 31 * DAY) == "pending"


def test_the_book_is_bounded_by_what_is_in_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "BOOK_AT_MOST", 2)
    database = store.database
    for name in ("one.example", "two.example", "three.example"):
        partners.import_partner(database, FIRST.der, AT, name=name)
    for row in partners.list_partners(database)[:2]:
        partners.remove(database, row["id"])
    assert harvest(store, found(address="a@b.example"), "on_error", AT) == "stored"
    assert harvest(store, found(), "on_error", AT) == "dropped"


# B4
def test_a_disabled_certificate_is_not_harvested_again_and_a_removed_one_is(store: Store) -> None:
    harvest(store, found(), "on_error", AT)
    (row,) = partners.list_partners(store.database)
    partners.disable(store.database, row["id"])
    look_again(store)
    assert harvest(store, found(), "on_error", AT) == "known"
    newer = found(capabilities=("aes256-gcm",), signed_at=AT + DAY)
    assert harvest(store, newer, "on_error", AT) == "known", "nothing about it is learned either"
    assert known(store) == []
    partners.remove(store.database, row["id"])
    look_again(store)
    assert harvest(store, found(), "on_error", AT + 2 * DAY) == "stored"
    assert known(store) == [FIRST.fingerprint]


# T97, R30: what a person said wins
def test_a_harvest_never_touches_what_a_person_imported(store: Store) -> None:
    partners.import_partner(store.database, FIRST.der, AT)
    assert harvest(store, found(), "on_error", AT) in {"known", "updated"}
    (row,) = partners.list_partners(store.database)
    assert (row["source"], row["pinned"]) == ("manual", True)
    assert harvest(store, found(FOREIGN), "on_error", AT) == "pending"


# RFC 8551 §2.7.1
def test_capabilities_follow_the_newest_signature(store: Store) -> None:
    harvest(store, found(), "on_error", AT)

    def said() -> Any:
        look_again(store)
        return partners.list_partners(store.database)[0]["capabilities"]

    assert said() == ["aes256-cbc"]
    older = found(capabilities=("3des",), signed_at=AT - DAY)
    assert (harvest(store, older, "on_error", AT), said()) == ("known", ["aes256-cbc"])
    newer = found(capabilities=("aes256-gcm",), signed_at=AT + DAY)
    assert (harvest(store, newer, "on_error", AT), said()) == ("updated", ["aes256-gcm"])
    undated = found(capabilities=("rc2",), signed_at=None)
    assert (harvest(store, undated, "on_error", AT), said()) == ("known", ["aes256-gcm"])


def queued(store: Store, what: Certificate = FOREIGN) -> int:
    """Put a certificate before an administrator and return its id."""
    assert harvest(store, found(what, "untrusted"), "on_error", AT, "<1@x>") == "pending"
    return int(pending.list_pending(store.database, AT)[0]["id"])


def test_an_entry_says_everything_a_person_needs(store: Store) -> None:
    row = pending.get_pending(store.database, queued(store))
    assert row["from"] == BOB
    assert row["message_id"] == "<1@x>"
    assert row["reasons"] == [{"code": "untrusted", "text": "the path to an anchor is missing"}]
    assert row["fingerprint"] == FOREIGN.fingerprint
    assert row["expires_at"] == AT + 30 * DAY


# B5, B6
def test_an_approved_certificate_is_used_and_pinned(store: Store) -> None:
    (row,) = pending.approve(store.database, queued(store), AT)
    assert (row["name"], row["source"], row["pinned"]) == (BOB, "approved", True)
    assert known(store) == [FOREIGN.fingerprint]
    assert store.trust.is_pinned(FOREIGN.fingerprint, BOB)
    assert not store.trust.is_pinned(FOREIGN.fingerprint, "other@partner.example")
    assert store.usable_for(BOB, at=AT).certificates == (FOREIGN,), "no path is asked for"
    assert waiting(store.database) == []


def test_a_certificate_may_be_approved_for_chosen_names_or_as_domain(store: Store) -> None:
    rows = pending.approve(store.database, queued(store), AT, names=["x@partner.example", BOB])
    assert [row["name"] for row in rows] == ["x@partner.example", BOB]
    other = Certificate.from_der(OTHER.issue(BOB).certificate)
    (row,) = pending.approve(store.database, queued(store, other), AT, as_domain=True)
    assert (row["name"], row["is_domain"]) == ("partner.example", True)
    assert look_again(store).trust.domain_certificates("partner.example") == {other.fingerprint}


NOT_APPROVED: list[tuple[dict[str, Any], timedelta, str]] = [
    ({"names": [ALICE]}, timedelta(), "is one of ours"),
    ({"names": ["nonsense"]}, timedelta(), "single label"),
    ({"names": [BOB, "co.uk"]}, timedelta(), "public suffix"),
]


@pytest.mark.parametrize(("how", "later", "why"), NOT_APPROVED)
def test_what_cannot_be_approved_stays_in_the_queue(
    store: Store, how: dict[str, Any], later: timedelta, why: str
) -> None:
    domains.add(store.database, NORD, AT)
    entry = queued(store)
    with pytest.raises(Refused, match=why):
        pending.approve(store.database, entry, AT + later, **how)
    assert partners.list_partners(store.database) == []
    assert waiting(store.database) == [FOREIGN.fingerprint]


def test_what_ends_while_it_waits_cannot_be_approved(store: Store) -> None:
    ends = Certificate.from_der(OTHER.issue(BOB, not_after=AT + DAY).certificate)
    entry = queued(store, ends)
    with pytest.raises(Refused, match="expired"):
        pending.approve(store.database, entry, AT + 2 * DAY)
    assert partners.list_partners(store.database) == []
    assert waiting(store.database) == [ends.fingerprint]


def test_a_rejected_certificate_does_not_come_back(store: Store) -> None:
    entry = queued(store)
    pending.reject(store.database, entry)
    later = AT + 2 * DAY
    assert harvest(store, found(FOREIGN, "untrusted"), "on_error", later) == "dropped"
    assert harvest(store, found(NEXT, "untrusted"), "on_error", later) == "pending"
    with pytest.raises(Refused, match="nothing waits"):
        pending.approve(store.database, entry, AT)


def test_all_of_a_sender_may_be_rejected(store: Store) -> None:
    pending.reject(store.database, queued(store), all_of_sender=True)
    later = AT + 2 * DAY
    assert harvest(store, found(NEXT, "untrusted"), "on_error", later) == "dropped"
    assert harvest(store, found(), "on_error", later) == "dropped"
    other = found(certificate("x@y.example"), address="x@y.example")
    assert harvest(store, other, "on_error", later) == "stored"


def test_entries_end_after_thirty_days(store: Store) -> None:
    queued(store)
    assert waiting(store.database, AT + 29 * DAY) == [FOREIGN.fingerprint]
    assert waiting(store.database, AT + 31 * DAY) == []
    assert pending.expire(store.database, AT + 31 * DAY) == 1


# D4
def test_the_two_names_of_a_domain_certificate_are_a_hint(store: Store) -> None:
    name = "domain-confidentiality-authority@partner.example"
    comes = found(certificate(name), address=name)
    assert harvest(store, comes, "on_error", AT) == "pending"
    (row,) = pending.list_pending(store.database, AT)
    assert row["reasons"][0]["code"] == "looks-like-domain-certificate"


def test_a_partner_by_harvest_needs_a_path_at_the_time_of_use(store: Store) -> None:
    from app.model import trust

    harvest(store, found(), "on_error", AT)
    assert look_again(store).usable_for(BOB, at=AT).certificates == ()
    trust.add(store.database, root().certificate, AT)
    assert look_again(store).usable_for(BOB, at=AT).certificates == (FIRST,)
    trust.remove(store.database, trust.list_anchors(store.database)[0]["id"])
    usable = look_again(store).usable_for(BOB, at=AT)
    assert usable.certificates == ()
    assert usable.reasons[0].code == "no-path"


def test_person_and_certificate_are_the_same_bob() -> None:
    assert person(BOB).certificate == certificate(BOB).der
