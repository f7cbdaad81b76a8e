"""Trust anchors, and what the verifier may ask of the store."""

from contextlib import nullcontext
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256

from app.model import partners, trust
from app.model.database import Database
from app.model.errors import Refused
from app.model.partnerrows import Entry, store_entry
from app.model.snapshot import Store
from app.pki.certificate import Certificate
from app.pki.path import validate
from tests import certdata
from tests.model.conftest import look_again
from tests.model.house import BOB, DAY, certificate, person, root
from tests.testpki import AT, ca, pem, private_key


def test_an_anchor_is_believed_from_the_next_look_on(store: Store) -> None:
    assert store.snapshot().anchors.ders == ()
    (row,) = trust.add(store.database, pem(root().certificate), AT)
    found = look_again(store).snapshot().anchors
    assert [each.der for each in found.ders] == [root().certificate]
    assert row["id"] == row["fingerprint"][:16]
    trust.remove(store.database, row["id"])
    after = look_again(store).snapshot().anchors
    assert (after.ders, after.key != found.key) == ((), True)


def test_adding_twice_is_adding_once(database: Database) -> None:
    trust.add(database, root().certificate, AT)
    trust.add(database, root().certificate, AT)
    assert len(trust.list_anchors(database)) == 1


@pytest.mark.parametrize(("seconds", "is_believed"), [(-1, False), (0, False), (1, True)])
def test_the_end_of_trust_in_a_public_list_is_to_the_second(
    database: Database, seconds: int, is_believed: bool
) -> None:
    der, end = root().certificate, AT + timedelta(seconds=seconds)
    octets = certdata.HEAD + certdata.certificate(der, ends_at=end) + certdata.trust(der)
    with nullcontext() if is_believed else pytest.raises(Refused, match="trusts no authority"):
        trust.add(database, octets, AT)
    assert len(trust.list_anchors(database)) == is_believed


@pytest.mark.parametrize(
    "form", [str, str.upper, lambda text: ":".join(text[at : at + 2] for at in range(0, 64, 2))]
)
def test_an_anchor_is_known_by_its_fingerprint_too(database: Database, form: Any) -> None:
    (row,) = trust.add(database, root().certificate, AT)
    assert trust.get_anchor(database, form(row["fingerprint"]))["id"] == row["id"]


@cache
def alone() -> bytes:
    """Return a certificate that vouches for itself and is no authority's."""
    return ca("Alone", is_ca=None, usage=None).certificate


@cache
def of_version_one() -> bytes:
    """Return the certificate of a root from before there were extensions (RFC 5280 §4.1.2.1)."""
    made = asn1_x509.Certificate.load(alone())
    body = made["tbs_certificate"]
    del body["extensions"]
    body["version"] = "v1"
    signature = private_key("p256", "Alone").sign(body.dump(), ECDSA(SHA256()))
    made["signature_value"] = signature
    return bytes(made.dump())


ODD = [
    (ca("Old", not_after=AT - DAY).certificate, ["it ended on 2026-06-14"]),
    (of_version_one(), ["it is of an old version"]),
    (root().certificate, []),
]


def test_what_is_no_authority_is_left_out_of_a_bundle_with_a_warning(database: Database) -> None:
    (row,) = trust.add(database, pem(root().certificate) + person(BOB).pem, AT)
    assert row["warnings"] == ["left out, as no authority's: CN=bob"]
    assert [each["id"] for each in trust.list_anchors(database)] == [row["id"]]


# RFC 5280 §6.1.1 (d): an anchor is a name and a key
@pytest.mark.parametrize(("octets", "warnings"), ODD)
def test_an_odd_anchor_is_taken_with_a_warning(
    database: Database, octets: bytes, warnings: list[str]
) -> None:
    (row,) = trust.add(database, octets, AT)
    assert len(row["warnings"]) == len(warnings)
    assert all(map(str.startswith, row["warnings"], warnings))


BAD = [
    (b"", ""),
    (b"nonsense", ""),
    (person(BOB).certificate, "not a certificate authority"),
    (alone(), "sealmon partner import"),
]


@pytest.mark.parametrize(("octets", "why"), BAD)
def test_what_is_no_authority_is_refused_and_nothing_stored(
    database: Database, octets: bytes, why: str
) -> None:
    before = database.version()
    with pytest.raises(Refused) as refused:
        trust.add(database, octets, AT)
    assert why in str(refused.value)
    assert trust.list_anchors(database) == []
    assert database.version() == before


def test_an_anchor_that_is_not_there_is_refused(database: Database) -> None:
    with pytest.raises(Refused, match="no trust anchor"):
        trust.remove(database, "0123")


def test_an_anchor_that_signed_by_itself_is_known(store: Store) -> None:
    anchor = Certificate.from_der(root().certificate)
    trust.add(store.database, anchor.der, AT)
    view = look_again(store).trust
    assert view.certificates_by_id(anchor.issuer_der, anchor.serial, None) == (anchor,)
    assert view.certificates_by_id(None, None, anchor.ski) == (anchor,)
    assert view.certificates_by_id(anchor.issuer_der, anchor.serial + 1, None) == ()


# D4
def test_a_domain_certificate_is_registered_for_its_domain_only(store: Store) -> None:
    partners.import_partner(store.database, person(BOB).pem, AT, name="partner.example")
    view = look_again(store).trust
    assert view.domain_certificates("partner.example") == {certificate(BOB).fingerprint}
    assert view.domain_certificates("sub.partner.example") == frozenset()
    assert view.domain_certificates("example") == frozenset()
    assert not view.is_pinned(certificate(BOB).fingerprint, BOB)


def test_a_domain_certificate_with_subdomains_is_registered_for_them(store: Store) -> None:
    partners.import_partner(
        store.database, person(BOB).pem, AT, name="partner.example", include_subdomains=True
    )
    view = look_again(store).trust
    assert view.domain_certificates("a.b.partner.example") == {certificate(BOB).fingerprint}


# RFC 8550 §2.3: messages without certificates work from the store
def test_a_certificate_is_found_by_issuer_and_serial_and_by_key_id(store: Store) -> None:
    bob = certificate(BOB)
    partners.import_partner(store.database, bob.der, AT)
    view = look_again(store).trust
    assert view.certificates_by_id(bob.issuer_der, bob.serial, None) == (bob,)
    assert view.certificates_by_id(None, None, bob.ski) == (bob,)
    assert view.certificates_by_id(b"", 0, bob.ski) == (bob,)
    assert view.certificates_by_id(bob.issuer_der, bob.serial + 1, None) == ()
    assert view.certificates_by_id(None, None, b"") == ()
    assert view.certificates_by_id(None, None, None) == ()


def test_a_disabled_entry_helps_no_verification(store: Store) -> None:
    (row,) = partners.import_partner(store.database, person(BOB).pem, AT)
    bob = certificate(BOB)
    assert look_again(store).trust.is_pinned(bob.fingerprint, BOB)
    partners.disable(store.database, row["id"])
    view = look_again(store).trust
    assert not view.is_pinned(bob.fingerprint, BOB)
    assert view.certificates_by_id(bob.issuer_der, bob.serial, None) == ()


def test_the_root_of_these_tests_is_an_authority() -> None:
    assert Certificate.from_der(root().certificate).is_ca


def test_an_intermediate_that_was_seen_helps_and_is_not_believed(store: Store) -> None:
    below = ca("Seen Below", parent=root())
    bob = below.issue(BOB)
    partners.import_partner(store.database, person("x@y.example").pem + pem(below.certificate), AT)
    leaf = Certificate.from_der(bob.certificate)

    def status() -> str:
        view = look_again(store).trust
        return validate(leaf, view.intermediates, view.anchors, at=AT).status

    assert status() == "untrusted"
    trust.add(store.database, root().certificate, AT)
    assert status() == "trusted"


def test_only_what_a_person_registered_speaks_for_a_domain(store: Store) -> None:
    entry = Entry(
        name="partner.example",
        is_domain=True,
        certificate=certificate(BOB),
        source="harvested",
        at=AT,
        is_pinned=False,
    )
    with store.database.change():
        store_entry(store.database, entry)
    assert look_again(store).trust.domain_certificates("partner.example") == frozenset()
