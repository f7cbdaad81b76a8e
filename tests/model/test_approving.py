"""What a person does with what waits (B5): approve, for whom, forget a "no", trust the issuer."""

from typing import Any

import pytest

from app.model import domains, partners, pending, trust
from app.model.database import Database
from app.model.errors import Refused
from app.model.schema import STEPS
from app.model.snapshot import Store
from app.model.vouching import trust_issuer
from app.pki.certificate import Certificate
from tests.model.conftest import look_again
from tests.model.house import ALICE, BOB, DAY, NORD, person, root
from tests.model.test_harvesting import FOREIGN, found, harvest, known, queued, waiting
from tests.model.test_only_and_grace import server, url
from tests.model.test_partners import chosen, prints
from tests.testpki import AT, TestCA, ca, private_key
from tests.timing import own_time

__all__ = ["server", "url"]

PARTNER = "partner.example"
CAROL, DAVE = "carol@partner.example", "dave@elsewhere.example"


def several(*addresses: str) -> Certificate:
    return Certificate.from_der(ca("Another Root").issue(addresses).certificate)


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["name"] for row in rows]


# B2 step 3: "Other addresses in the certificate are shown in the approval entry and bound on
# approval."
def test_the_other_addresses_are_shown_and_bound_on_approval(store: Store) -> None:
    entry = queued(store, several(BOB, CAROL, DAVE))
    assert pending.get_pending(store.database, entry)["certificate_addresses"] == [BOB, CAROL, DAVE]
    rows = pending.approve(store.database, entry, AT)
    assert names(rows) == [BOB, CAROL, DAVE]
    assert all(row["warnings"] == [] for row in rows)


def test_chosen_addresses_are_all_that_are_bound(store: Store) -> None:
    entry = queued(store, several(BOB, CAROL))
    assert names(pending.approve(store.database, entry, AT, names=[BOB])) == [BOB]


# T97: a stranger does not become a reader of somebody known by the way
def test_somebody_known_and_our_own_people_are_not_bound_by_the_way(store: Store) -> None:
    domains.add(store.database, NORD, AT)
    partners.import_partner(store.database, person(CAROL).pem, AT)
    (row,) = pending.approve(store.database, queued(store, several(BOB, CAROL, ALICE)), AT)
    assert row["name"] == BOB
    assert [each.partition(":")[0] for each in row["warnings"]] == [
        f"not for {CAROL}",
        f"not for {ALICE}",
    ]
    assert chosen(store, CAROL)[1] == [Certificate.from_der(person(CAROL).certificate).fingerprint]


# T97: nor of somebody whose mail is encrypted to his domain, or to one above it
@pytest.mark.parametrize("who", [CAROL, "carol@deep.partner.example"])
def test_who_is_reached_by_a_domain_is_not_bound_by_the_way(store: Store, who: str) -> None:
    everybody = person(f"all@{PARTNER}")
    partners.import_partner(
        store.database, everybody.pem, AT, name=PARTNER, include_subdomains=who != CAROL
    )
    entry = queued(store, several(BOB, who, DAVE))
    rows = pending.approve(store.database, entry, AT)
    assert names(rows) == [BOB, DAVE]
    assert rows[0]["warnings"] == [f"not for {who}: another certificate is known; give --for {who}"]
    assert chosen(store, who)[:2] == ("domain", prints(Certificate.from_der(everybody.certificate)))


# B4: who was switched off is switched on by name and not by the way
@pytest.mark.parametrize("as_domain", [False, True])
def test_an_approval_does_not_enable_what_a_person_disabled(store: Store, as_domain: bool) -> None:
    name = PARTNER if as_domain else CAROL
    stranger = several(BOB)
    (row,) = partners.import_partner(store.database, stranger.der, AT, name=name)
    partners.disable(store.database, row["id"])
    entry = queued(store, stranger)
    how: dict[str, Any] = {"as_domain": True} if as_domain else {"names": [CAROL]}
    with pytest.raises(Refused, match=f"sealmon partner enable {row['id']}"):
        pending.approve(store.database, entry, AT, **how)
    assert pending.get_pending(store.database, entry)["id"] == entry
    assert partners.get_partner(store.database, row["id"])["status"] == "disabled"


def test_an_address_whose_certificates_were_rejected_is_not_bound_by_the_way(store: Store) -> None:
    comes = found(several(CAROL), "untrusted", address=CAROL)
    assert harvest(store, comes, "on_error", AT) == "pending"
    (row,) = pending.list_pending(store.database, AT)
    pending.reject(store.database, row["id"], all_of_sender=True)
    (row,) = pending.approve(store.database, queued(store, several(BOB, CAROL)), AT)
    assert row["name"] == BOB
    assert row["warnings"] == [f"not for {CAROL}: it was rejected"]


def test_too_many_addresses_are_bound_one_by_one(store: Store) -> None:
    many = [f"p{number}@partner.example" for number in range(11)]
    (row,) = pending.approve(store.database, queued(store, several(BOB, *many)), AT)
    assert row["name"] == BOB
    assert "12 addresses" in row["warnings"][0]


def test_a_domain_is_approved_with_its_subdomains(store: Store) -> None:
    entry = queued(store)
    pending.approve(store.database, entry, AT, as_domain=True, include_subdomains=True)
    assert chosen(store, "x@deep.partner.example") == ("domain", prints(FOREIGN), [])


def test_what_has_waited_too_long_cannot_be_approved_any_more(store: Store) -> None:
    entry = queued(store)
    with pytest.raises(Refused, match="nothing waits"):
        pending.approve(store.database, entry, AT + 31 * DAY)
    assert partners.list_partners(store.database) == []


def test_a_no_is_listed_and_can_be_taken_back(store: Store) -> None:
    entry = queued(store)
    pending.reject(store.database, entry, all_of_sender=True)
    later = AT + 2 * DAY
    assert harvest(store, found(FOREIGN, "untrusted"), "on_error", later) == "dropped"
    (row,) = pending.list_rejected(store.database)
    assert (row["id"], row["state"], row["from"]) == (entry, "sender-rejected", BOB)
    assert pending.forget(store.database, entry)["fingerprint"] == FOREIGN.fingerprint
    assert pending.list_rejected(store.database) == []
    assert harvest(store, found(FOREIGN, "untrusted"), "on_error", later) == "pending"
    with pytest.raises(Refused, match="--rejected"):
        pending.forget(store.database, entry)


# B5: "trust the CA instead"


def brought(store: Store, leaf: Certificate, *bag: TestCA, reasons: tuple[str, ...]) -> int:
    """Put what a message brought before an administrator."""
    authorities = tuple(Certificate.from_der(each.certificate) for each in bag)
    comes = found(leaf, *reasons, intermediates=authorities)
    assert harvest(store, comes, "on_error", AT) == "pending"
    return int(pending.list_pending(store.database, AT)[0]["id"])


def below() -> tuple[TestCA, TestCA, Certificate]:
    top = ca("Waiting Root")
    issuing = ca("Waiting Issuing", top)
    return top, issuing, Certificate.from_der(issuing.issue(BOB).certificate)


def test_the_issuer_may_be_trusted_instead(store: Store) -> None:
    top, issuing, leaf = below()
    entry = brought(store, leaf, ca("Stranger"), issuing, top, reasons=("no-path",))
    done = trust_issuer(store.database, entry, AT)
    assert done["anchor"]["fingerprint"] == Certificate.from_der(top.certificate).fingerprint
    assert names(done["entries"]) == [BOB]
    (row,) = partners.list_partners(store.database)
    assert (row["source"], row["pinned"]) == ("harvested", False)
    assert waiting(store.database) == []
    assert chosen(look_again(store), BOB) == ("personal", prints(leaf), [])
    trust.remove(store.database, trust.list_anchors(store.database)[0]["id"])
    assert chosen(store, BOB)[1] == [], "it is the issuer who is believed, and not the certificate"


# T110: twins that all vouch for one another
def test_many_twins_cost_no_more_than_themselves(store: Store) -> None:
    issuing = below()[1]
    twins = [ca("Waiting Issuing", private=issuing.key) for _ in range(40)]
    leaf = Certificate.from_der(issuing.issue(BOB).certificate)
    entry = brought(store, leaf, *twins, issuing, reasons=("no-path",))
    with own_time() as own:
        done = trust_issuer(store.database, entry, AT)
    assert own.seconds < 5
    assert done["anchor"]["subject"] == "CN=Waiting Issuing"


def test_without_a_root_the_highest_that_was_sent_is_trusted(store: Store) -> None:
    _, issuing, leaf = below()
    done = trust_issuer(store.database, brought(store, leaf, issuing, reasons=("no-path",)), AT)
    assert done["anchor"]["subject"] == "CN=Waiting Issuing"


def test_who_is_trusted_but_surprises_still_waits(store: Store) -> None:
    top, issuing, leaf = below()
    partners.import_partner(store.database, person(BOB).pem, AT)
    entry = brought(store, leaf, issuing, top, reasons=("no-path",))
    done = trust_issuer(store.database, entry, AT)
    assert (done["entries"], [each["code"] for each in done["reasons"]]) == ([], ["key-change"])
    assert len(trust.list_anchors(store.database)) == 1
    assert waiting(store.database) == [leaf.fingerprint]
    assert len(known(store)) == 1


# T45: a name in a bag is not an issuer
def test_nobody_is_trusted_who_did_not_issue_it(store: Store) -> None:
    _, _, leaf = below()
    twin = ca("Waiting Issuing", private=private_key("p256", "twin"))
    entry = brought(store, leaf, twin, root(), reasons=("no-path",))
    with pytest.raises(Refused, match="sealmon trust add"):
        trust_issuer(store.database, entry, AT)
    assert trust.list_anchors(store.database) == []
    assert waiting(store.database) == [leaf.fingerprint]


def test_a_queue_of_an_earlier_version_is_kept(database: Database) -> None:
    database.sql_run("ALTER TABLE pending DROP COLUMN chain")
    with database.transaction():
        STEPS[4](database)
    assert database.sql("SELECT chain FROM pending") == []
