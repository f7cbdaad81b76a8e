""" "Encryption decision": "only this one", and days of grace, for each partner.

Both are about encrypting. Who signs is judged as if they were not there. The same on both engines.
"""

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from app.mail.address import originator
from app.mail.headers import split
from app.model import partners, trust
from app.model.choice import Question
from app.model.database import Database
from app.model.errors import Refused
from app.model.harvesting import CERTIFICATES_OF_ONE_ADDRESS
from app.model.lookups import Judge
from app.model.plan import plan
from app.model.schema import STEPS
from app.model.snapshot import Store
from app.pki.certificate import Certificate
from app.smime.finding import Status
from app.smime.kinds import recognise
from app.smime.reasons import Reason
from app.smime.verify import verify
from tests.model.conftest import look_again
from tests.model.house import BOB, DAY, TO_BOB, certificate, facts, person, root, world
from tests.model.test_harvesting import found, harvest
from tests.model.test_partners import chosen, prints, signed, taken
from tests.model.test_postgresql import server
from tests.testpki import AT, TestIdentity

__all__ = ["server"]

PARTNER = "partner.example"
_NUMBERS = count(1)


@pytest.fixture(params=["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.interop)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "SQLite":
        return f"sqlite:///{tmp_path}/sealmon.db"
    return str(request.getfixturevalue("server").url(f"only{next(_NUMBERS)}"))


def older(**how: Any) -> TestIdentity:
    return person(BOB, "older", not_before=AT - 9 * DAY, **how)


def newer() -> TestIdentity:
    return person(BOB, "newer", key="rsa2048", not_before=AT - 2 * DAY)


OLDER, NEWER = (Certificate.from_der(each.certificate).fingerprint for each in (older(), newer()))


def two(database: Database, **how: Any) -> tuple[int, int]:
    """Put an older and a newer certificate of Bob's into the book and return their entries."""
    first, second = (taken(database, each.pem)[0]["id"] for each in (older(**how), newer()))
    return first, second


def test_only_this_one_is_encrypted_to_and_the_plan_says_so(store: Store) -> None:
    first, second = two(store.database)
    assert chosen(store, BOB)[1] == [NEWER, OLDER]
    row = partners.use_only(store.database, first)
    assert (row["id"], row["only_this_one"]) == (first, True)
    assert chosen(store, BOB) == ("personal", [OLDER], ["only-this-one"])
    partner = look_again(store).usable_for(BOB, at=AT)
    decided = plan("outbound", TO_BOB, facts(partner=partner), world())
    assert decided.encrypt is not None
    assert Reason("only-this-one", OLDER[:16]) in decided.reasons
    partners.use_only(store.database, second)
    assert chosen(store, BOB)[1] == [NEWER]
    partners.use_only(store.database, second, is_only=False)
    assert chosen(store, BOB) == ("personal", [NEWER, OLDER], [])


def test_one_that_comes_later_is_not_used_either(store: Store) -> None:
    (row,) = taken(store.database, person(BOB, "first").pem)
    partners.use_only(store.database, row["id"])
    taken(store.database, person(BOB, "second").pem)
    assert chosen(store, BOB)[1] == prints(certificate(BOB, "first"))
    taken(store.database, person(BOB, "first").pem)
    assert chosen(store, BOB)[1] == prints(certificate(BOB, "first")), "an import changes nothing"


# T88: what is meant to be the only reader is not replaced by another one
def test_the_others_do_not_help_where_the_only_one_has_ended(store: Store) -> None:
    first, _ = two(store.database, not_after=AT + DAY)
    partners.use_only(store.database, first)
    at = AT + 2 * DAY
    assert chosen(store, BOB, at=at) == ("", [], ["only-this-one", "expired"])
    everybody = certificate(f"all@{PARTNER}")
    taken(store.database, everybody.der, name=PARTNER)
    assert chosen(store, BOB, at=at)[:2] == ("domain", prints(everybody))


def test_only_one_of_a_domain_may_be_used_too(store: Store) -> None:
    rows = [
        taken(store.database, person(f"{each}@{PARTNER}").pem, name=PARTNER)[0] for each in "ab"
    ]
    partners.use_only(store.database, rows[0]["id"])
    assert chosen(store, BOB)[1] == [rows[0]["fingerprint"]]
    # D4: both still say who signs for the domain.
    registered = look_again(store).trust.domain_certificates(PARTNER)
    assert registered == {each["fingerprint"] for each in rows}


def test_an_entry_that_is_disabled_is_not_the_only_one_any_more(store: Store) -> None:
    first, second = two(store.database)
    partners.use_only(store.database, first)
    assert partners.enable(store.database, first)["only_this_one"]
    assert not partners.disable(store.database, first)["only_this_one"]
    assert chosen(store, BOB)[1] == [NEWER]
    with pytest.raises(Refused, match="partner enable"):
        partners.use_only(store.database, first)
    partners.use_only(store.database, second)
    partners.remove(store.database, second)
    partners.enable(store.database, first)
    assert chosen(store, BOB) == ("personal", [OLDER], [])


def test_only_this_one_says_nothing_about_signatures(store: Store) -> None:
    first, _ = two(store.database)
    partners.use_only(store.database, first)
    for fingerprint in (OLDER, NEWER):
        assert look_again(store).trust.is_pinned(fingerprint, BOB)


def test_a_source_does_not_add_another_one(store: Store) -> None:
    (row,) = taken(store.database, person(BOB, not_after=AT - DAY).pem)
    store.database.sql_run("UPDATE partner SET is_pinned = ?", (False,))
    renewed = certificate(BOB, "renewed", not_after=AT + 900 * DAY)
    trust.add(store.database, root().certificate, AT)
    judge = Judge(store.database, Question(look_again(store).trust, AT, "off"))
    assert judge.usable("smimea", BOB, (renewed,)).certificates == (renewed,)
    partners.use_only(store.database, row["id"])
    judged = judge.usable("smimea", BOB, (renewed,))
    assert judged.certificates == ()
    assert [each.code for each in judged.reasons] == ["only-this-one"]


GRACE: list[tuple[int | None, int, int, bool]] = [
    # grace of the partner, of the policy, days since the end, is it used
    (None, 0, 1, False),
    (None, 5, 5, True),
    (0, 5, 1, False),
    (5, 0, 5, True),
    (5, 0, 6, False),
    (5, 9, 6, False),
]


@pytest.mark.parametrize(("own", "policy", "since", "is_used"), GRACE)
def test_the_days_of_a_partner_win_over_those_of_the_policy(
    store: Store, own: int | None, policy: int, since: int, is_used: bool
) -> None:
    (row,) = taken(store.database, person(BOB, not_after=AT + DAY).pem)
    assert partners.set_grace(store.database, row["id"], own)["grace_days"] == own
    at = AT + DAY + since * DAY
    kind, _, reasons = chosen(store, BOB, at=at, grace_days=policy)
    assert kind == ("personal" if is_used else "")
    assert reasons == (["within-grace"] if is_used else ["expired"])


@pytest.mark.parametrize("days", [-1, 3651])
def test_no_number_of_days_is_refused(database: Database, days: int) -> None:
    (row,) = taken(database, person(BOB).pem)
    with pytest.raises(Refused, match="from 0 to 3650"):
        partners.set_grace(database, row["id"], days)
    with pytest.raises(Refused, match="no entry"):
        partners.set_grace(database, 10**6, 1)
    assert partners.get_partner(database, row["id"])["grace_days"] is None


# T56, D4: validity at receipt is required, whatever is still encrypted to
@pytest.mark.parametrize("name", [BOB, PARTNER])
def test_grace_believes_no_signature(store: Store, name: str) -> None:
    who = person(BOB, not_after=AT + DAY)
    (row,) = taken(store.database, who.pem, name=name)
    partners.set_grace(store.database, row["id"], 30)
    message = signed(who)
    for at, status in (
        (AT, Status.VALID if name == BOB else Status.VALID_DOMAIN),
        (AT + 3 * DAY, Status.UNTRUSTED),
    ):
        by = originator(split(message).headers)
        finding = verify(message, recognise(message), by, look_again(store).trust, at=at)
        assert finding.status is status
        assert chosen(store, BOB, at=at)[0] == ("personal" if name == BOB else "domain")


def test_a_book_of_an_earlier_version_is_used_as_it_was(store: Store) -> None:
    database = store.database
    taken(database, person(BOB).pem)
    for column in ("is_only", "grace_days"):
        database.sql_run(f"ALTER TABLE partner DROP COLUMN {column}")
    with database.transaction():
        STEPS[2](database)
    row = partners.list_partners(database)[0]
    assert (row["only_this_one"], row["grace_days"]) == (False, None)
    assert chosen(store, BOB) == ("personal", prints(certificate(BOB)), [])
    partners.use_only(database, row["id"])
    taken(database, person(BOB, "another").pem)
    assert chosen(store, BOB)[1] == prints(certificate(BOB))


# R30: what a person said is never forgotten
def test_an_entry_that_a_person_spoke_of_is_not_forgotten_for_newer_ones(store: Store) -> None:
    made = [
        certificate(BOB, f"made {each}", not_before=AT - 9 * DAY, not_after=AT + (each + 1) * DAY)
        for each in range(CERTIFICATES_OF_ONE_ADDRESS + 3)
    ]
    for number, each in enumerate(made):
        outcome = harvest(look_again(store), found(each), "on_error", AT + number * DAY)
        assert outcome == "stored"
        (row,) = [
            row
            for row in partners.list_partners(store.database, name=BOB)
            if row["fingerprint"] == each.fingerprint
        ]
        if number == 0:
            partners.use_only(store.database, row["id"])
        if number == 1:
            partners.set_grace(store.database, row["id"], 9)
    kept = {row["fingerprint"] for row in partners.list_partners(store.database)}
    assert {each.fingerprint for each in made} - kept == {made[2].fingerprint}
