"""Key continuity: who knows a partner is not surprised without being asked (B5, T97)."""

from datetime import timedelta
from typing import Any

import pytest

from app.model import partners, pending, trust
from app.model.choice import Question
from app.model.harvesting import harvest
from app.model.lookups import Judge
from app.model.snapshot import Store
from app.pki.certificate import Certificate
from tests.model.conftest import look_again
from tests.model.house import BOB, DAY, certificate, root
from tests.model.test_harvesting import ENDED, FIRST, FOREIGN, NEXT, OTHER, found, known, waiting
from tests.testpki import AT, dn

ENDS_SOON = certificate(BOB, not_after=AT + 50 * DAY)


def of(organisation: str, **how: Any) -> Certificate:
    """Return a certificate of Bob's by the one authority, as a member of an organisation."""
    subject = dn("Bob") if not organisation else dn("Bob", organization=organisation)
    made = root().issue(BOB, key="p256", subject=subject, **how)
    return Certificate.from_der(made.certificate)


def test_a_renewal_does_not_hide_another_issuer_that_is_in_use(store: Store) -> None:
    partners.import_partner(store.database, FOREIGN.der, AT)
    partners.import_partner(store.database, ENDS_SOON.der, AT)
    assert outcome(store, NEXT) == ("pending", ["key-change"])
    assert NEXT.fingerprint not in known(store)


def test_a_renewal_is_one_where_the_other_issuer_has_ended(store: Store) -> None:
    ended = Certificate.from_der(OTHER.issue(BOB, not_after=AT - DAY).certificate)
    partners.import_partner(store.database, ended.der, AT)
    partners.import_partner(store.database, ENDS_SOON.der, AT)
    assert outcome(store, NEXT) == ("stored", [])


# B4: what a person has switched off does not come back by a successor
def test_nothing_renews_a_disabled_certificate(store: Store) -> None:
    (row,) = partners.import_partner(store.database, ENDS_SOON.der, AT)
    partners.disable(store.database, row["id"])
    assert outcome(store, NEXT) == ("pending", ["key-change"])
    assert known(store) == []


# B5: who has a mailbox in hand gets a second certificate of its authority, and would read along
def test_what_ended_long_ago_does_not_open_the_door_beside_its_successor(store: Store) -> None:
    partners.import_partner(store.database, ENDED.der, AT)
    partners.import_partner(store.database, FIRST.der, AT)
    assert outcome(store, NEXT) == ("pending", ["key-change"])
    assert NEXT.fingerprint not in known(store)


def test_a_renewal_is_renewed_once(store: Store) -> None:
    partners.import_partner(store.database, ENDS_SOON.der, AT)
    assert outcome(store, NEXT) == ("stored", [])
    second = certificate(BOB, "second", not_before=AT - DAY, not_after=AT + 900 * DAY)
    assert outcome(store, second) == ("pending", ["key-change"])


def test_nothing_renews_an_older_one_where_the_last_is_disabled(store: Store) -> None:
    partners.import_partner(store.database, ENDED.der, AT)
    (row,) = partners.import_partner(store.database, ENDS_SOON.der, AT)
    partners.disable(store.database, row["id"])
    assert outcome(store, NEXT) == ("pending", ["key-change"])


def test_an_organisation_of_former_times_is_another_one(store: Store) -> None:
    former = of("Former Ltd", not_before=AT - 500 * DAY, not_after=AT - 100 * DAY)
    partners.import_partner(store.database, former.der, AT)
    partners.import_partner(store.database, of("Partner GmbH", not_after=AT + 50 * DAY).der, AT)
    comes = of("Former Ltd", not_before=AT - DAY, not_after=AT + 800 * DAY)
    assert outcome(store, comes) == ("pending", ["key-change"])


ORGANISATIONS: list[tuple[str, str, str]] = [
    ("Partner GmbH", "Partner GmbH", "stored"),
    ("Partner GmbH", "PARTNER  gmbh", "stored"),
    ("", "", "stored"),
    ("Partner GmbH", "Mallory Ltd", "pending"),
    ("Partner GmbH", "", "pending"),
    ("", "Mallory Ltd", "pending"),
]


@pytest.mark.parametrize(("before", "after", "expected"), ORGANISATIONS)
def test_another_organisation_is_no_renewal(
    store: Store, before: str, after: str, expected: str
) -> None:
    partners.import_partner(store.database, of(before, not_after=AT + 50 * DAY).der, AT)
    comes = of(after, not_before=AT - DAY, not_after=AT + 800 * DAY)
    assert outcome(store, comes)[0] == expected
    if expected == "pending":
        (row,) = pending.list_pending(store.database, AT)
        assert "organisation" in row["reasons"][0]["text"]


def outcome(store: Store, what: Certificate) -> tuple[str, list[str]]:
    learned = harvest(look_again(store), found(what), "on_error", AT)
    rows = pending.list_pending(store.database, AT)
    return learned.outcome, [each["code"] for row in rows for each in row["reasons"]]


# T98: a directory is believed no more than a message
def test_what_a_source_says_surprises_as_well(store: Store) -> None:
    trust.add(store.database, root().certificate, AT)
    (row,) = partners.import_partner(store.database, ENDS_SOON.der, AT)
    judge = Judge(store.database, Question(look_again(store).trust, AT, "off"))
    assert judge.usable("smimea", BOB, (NEXT,)).certificates == (NEXT,)
    partners.disable(store.database, row["id"])
    judged = judge.usable("smimea", BOB, (NEXT,))
    assert [each.code for each in judged.reasons] == ["key-change"]
    assert judged.certificates == ()


# B4, T98: nor does a directory bring back what a person has disabled under another name
def test_what_is_disabled_elsewhere_is_not_used_from_a_source(store: Store) -> None:
    trust.add(store.database, root().certificate, AT)
    both = Certificate.from_der(root().issue([BOB, "bob@elsewhere.example"]).certificate)
    judge = Judge(store.database, Question(look_again(store).trust, AT, "off"))
    assert judge.usable("smimea", BOB, (both,)).certificates == (both,)
    (row,) = partners.import_partner(store.database, both.der, AT, name="bob@elsewhere.example")
    partners.disable(store.database, row["id"])
    judged = judge.usable("smimea", BOB, (both,))
    assert [each.code for each in judged.reasons] == ["blocked-certificate"]
    assert judged.certificates == ()


def test_what_has_waited_too_long_is_asked_for_again(store: Store) -> None:
    assert outcome(store, FIRST) == ("stored", [])
    assert outcome(store, FOREIGN) == ("pending", ["key-change"])
    later = AT + timedelta(days=31)
    learned = harvest(look_again(store), found(FOREIGN), "on_error", later)
    assert learned.outcome == "pending"
    assert waiting(store.database, later) == [FOREIGN.fingerprint]
