"""A stored certificate that this version cannot read stops its own mail and nobody else's."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.model import keys, partners, pending, readable, trust
from app.model.continuity import find_change_among
from app.model.database import Database
from app.model.errors import Refused, StoreUnavailable, Unreadable
from app.model.keyrows import forget_ended, store_intermediates
from app.model.schema import STEPS, migrate
from app.model.snapshot import Store
from app.model.stored import stamp
from app.pki.certificate import Certificate
from tests.houses import INSIDER, House, authority, message, only
from tests.model.conftest import look_again
from tests.model.house import ALICE, BOB, DAY, person, root
from tests.testpki import AT, ca, pem

CAROL = "carol@other.example"
# What a parser before ours may have taken, and ours does not: an octet after the end.
REFUSED = person(BOB).certificate + b"\0"


@pytest.fixture(autouse=True)
def forget_warnings() -> Iterator[None]:
    readable._warned.clear()
    yield
    readable._warned.clear()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path / "house")
    yield found
    found.close()


def _spoil(database: Database, table: str, where: str = "1 = 1") -> None:
    with database.change("settings", "partners"):
        database.sql_run(f'UPDATE "{table}" SET certificate = ? WHERE {where}', (REFUSED,))


def _add_intermediate(database: Database) -> Certificate:
    found = Certificate.from_der(ca("Readable Sub", root()).certificate)
    with database.change():
        store_intermediates(database, [found])
    return found


def test_the_octets_are_refused() -> None:
    with pytest.raises(ValueError, match="certificate"):
        Certificate.from_der(REFUSED)


def test_snapshot_leaves_out_what_cannot_be_read_and_says_so_once(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("Good Root", "Odd Root"):
        trust.add(store.database, pem(ca(name).certificate), AT)
    _add_intermediate(store.database)
    odd = trust.list_anchors(store.database)[1]
    _spoil(store.database, "anchor", f"fingerprint = '{odd['fingerprint']}'")
    _spoil(store.database, "intermediate")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            snapshot = look_again(store).snapshot()
            store._snapshot = None
    assert [each.subject for each in snapshot.anchors.ders] == ["CN=Good Root"]
    assert snapshot.intermediates == ()
    assert len(caplog.records) == 2
    assert f"anchor {odd['id']} cannot be read and is left out" in caplog.text
    shown = trust.get_anchor(store.database, odd["id"])
    assert shown["subject"] == "(cannot be read)"
    assert trust.remove(store.database, odd["id"])["id"] == odd["id"]
    assert len(trust.list_anchors(store.database)) == 1


def test_schema_step_passes_an_intermediate_that_cannot_be_read(database: Database) -> None:
    kept = _add_intermediate(database)
    with database.change():
        store_intermediates(database, [Certificate.from_der(ca("Odd Sub", root()).certificate)])
    _spoil(database, "intermediate", f"fingerprint <> '{kept.fingerprint}'")
    with database.transaction():
        database.sql_run("ALTER TABLE intermediate DROP COLUMN not_after")
        database.sql_run("UPDATE meta SET number = 5 WHERE name = 'schema'")
    assert migrate(database) == len(STEPS)
    ends = dict(database.sql("SELECT fingerprint, not_after FROM intermediate"))
    assert ends.pop(kept.fingerprint) == stamp(kept.not_after)
    assert len(ends) == 1
    with database.change():
        forget_ended(database, AT)
    assert len(database.sql("SELECT 1 FROM intermediate")) == 2, "it may be read again one day"


# R13, T8: what cannot be read is our trouble, and no reason to send in clear
def test_mail_to_a_partner_who_cannot_be_read_waits_and_other_mail_does_not(house: House) -> None:
    issuing = authority()
    house.trusts(issuing)
    house.knows(issuing.issue(BOB))
    house.knows(issuing.issue(CAROL))
    _spoil(house.database, "partner", f"name = '{BOB}'")
    house.changed()
    nobody = "nobody@far.example"
    outcomes = house.send(message(ALICE, BOB), BOB, CAROL, nobody, reverse_path=ALICE, peer=INSIDER)
    refused, carol, other = outcomes
    assert refused.reply is not None
    assert refused.reply.code == 451
    assert carol.delivery is not None
    assert b"enveloped-data" in carol.delivery.octets
    assert other.delivery is not None
    assert other.reply is None


def test_what_can_be_read_of_a_partner_is_used(store: Store) -> None:
    for name in ("old", "new"):
        octets = pem(person(BOB, name).certificate)
        partners.import_partner(store.database, octets, AT)
    first, second = partners.list_partners(store.database, name=BOB)
    _spoil(store.database, "partner", f"id = {first['id']}")
    usable = look_again(store).usable_for(BOB, at=AT)
    assert [each.fingerprint for each in usable.certificates] == [second["fingerprint"]]
    # "Only this one" closes the others, whether it can be used or not.
    partners.use_only(store.database, first["id"])
    with pytest.raises(Unreadable, match=str(first["id"])):
        look_again(store).usable_for(BOB, at=AT)
    partners.disable(store.database, first["id"])
    assert look_again(store).usable_for(BOB, at=AT).certificates


def test_domain_that_cannot_be_read_is_no_reason_for_clear_mail(store: Store) -> None:
    octets = pem(person(BOB).certificate)
    partners.import_partner(store.database, octets, AT, name="partner.example")
    _spoil(store.database, "partner")
    with pytest.raises(Unreadable):
        look_again(store).usable_for(BOB, at=AT)
    assert look_again(store).usable_for(BOB, at=AT, personal_only=True).certificates == ()
    assert look_again(store).usable_for("bob@sub.partner.example", at=AT).certificates == ()
    assert look_again(store).usable_for(CAROL, at=AT).certificates == ()


def test_partner_who_cannot_be_read_can_be_listed_disabled_and_removed(store: Store) -> None:
    partners.import_partner(store.database, pem(person(BOB).certificate), AT)
    _spoil(store.database, "partner")
    (row,) = partners.list_partners(store.database)
    assert "unreadable" in row
    assert partners.disable(store.database, row["id"])["status"] == "disabled"
    assert partners.remove(store.database, row["id"])["fingerprint"] == row["fingerprint"]


# B5: nobody knows whether a new certificate follows it
def test_new_certificate_beside_one_that_cannot_be_read_waits(house: House) -> None:
    issuing = authority()
    house.trusts(issuing)
    house.knows(issuing.issue(BOB))
    _spoil(house.database, "partner")
    new = Certificate.from_der(issuing.issue(BOB).certificate)
    rows = house.database.sql("SELECT certificate, is_enabled FROM partner")
    change = find_change_among(new, rows, AT)
    assert change is not None
    assert change.code == "key-change"


# A1: what cannot be signed now waits; it is never sent unsigned
def test_mail_of_an_owner_whose_key_cannot_be_read_waits(house: House) -> None:
    issuing = authority()
    alice = house.own(issuing.issue(ALICE))
    house.own(issuing.issue("dora@nord.example"))
    _spoil(house.database, "key", f"id = '{alice}'")
    house.changed()
    to = "nobody@far.example"
    (refused,) = house.send(message(ALICE, to), to, reverse_path=ALICE, peer=INSIDER)
    assert refused.reply is not None
    assert refused.reply.code == 451
    (inbound,) = house.send(message("x@far.example", ALICE), ALICE)
    assert inbound.reply is not None
    assert inbound.reply.code == 451
    dora = house.send(
        message("dora@nord.example", to), to, reverse_path="dora@nord.example", peer=INSIDER
    )
    assert b"pkcs7-signature" in only(dora).octets
    assert house.store.ring.find_useless(alice)
    # The way out is there: it is retired, and mail goes on.
    keys.retire(house.database, alice)
    house.changed()
    assert only(house.send(message("x@far.example", ALICE), ALICE)).octets


def test_key_that_cannot_be_read_is_listed_and_not_exported(store: Store) -> None:
    alice = person(ALICE)
    (row,) = keys.import_keys(store.database, alice.key_pem + alice.pem, None, AT)
    _spoil(store.database, "key")
    assert keys.get_key(store.database, row["id"])["subject"] == "(cannot be read)"
    with pytest.raises(StoreUnavailable):
        look_again(store).ring.signer(row["id"])
    with pytest.raises(Refused, match="cannot be read"):
        keys.export(look_again(store).ring, store.database, row["id"], "a long password")


def test_queue_with_a_certificate_that_cannot_be_read_is_shown(store: Store) -> None:
    found = Certificate.from_der(person(BOB).certificate)
    with store.database.transaction():
        store.database.sql_run(
            "INSERT INTO pending (address, fingerprint, certificate, reasons, state, chain,"
            " capabilities, capabilities_at, message_id, added_at)"
            " VALUES (?, ?, ?, '[]', 'waiting', '[]', '', 0, '', ?)",
            (BOB, found.fingerprint, REFUSED, stamp(AT)),
        )
    (row,) = pending.list_pending(store.database, AT + DAY)
    assert row["subject"] == "(cannot be read)"
    with pytest.raises(Refused, match="cannot be read"):
        pending.approve(store.database, row["id"], AT + DAY)
    assert pending.reject(store.database, row["id"])["id"] == row["id"]


def test_check_names_each_of_them(store: Store) -> None:
    alice = person(ALICE)
    keys.import_keys(store.database, alice.key_pem + alice.pem, None, AT)
    trust.add(store.database, pem(ca("Odd Root").certificate), AT)
    partners.import_partner(store.database, pem(person(BOB).certificate), AT)
    _add_intermediate(store.database)
    assert list(readable.list_unreadable(store.database)) == []
    for table in ("anchor", "intermediate", "key", "partner"):
        _spoil(store.database, table)
    found = [each[0] for each in readable.list_unreadable(store.database)]
    assert found == ["anchor", "intermediate", "key", "partner"]
