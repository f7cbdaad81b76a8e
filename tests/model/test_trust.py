"""Trust anchors, and what the verifier may ask of the store."""

from datetime import datetime, timedelta
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


def public(*listed: tuple[bytes, datetime | None]) -> bytes:
    """Return a public list of authorities, each with the end of its trust."""
    parts = [
        certdata.certificate(der, distrust_after=end) + certdata.trust(der) for der, end in listed
    ]
    return certdata.HEAD + b"".join(parts)


# CKA_NSS_EMAIL_DISTRUST_AFTER: it is the beginning of the leaf that counts, to the second
@pytest.mark.parametrize(("seconds", "status"), [(-1, "trusted"), (0, "trusted"), (1, "untrusted")])
@pytest.mark.parametrize("depth", [0, 1])
def test_what_is_issued_after_the_end_of_trust_is_not_believed(
    store: Store, seconds: int, status: str, depth: int
) -> None:
    end = AT - DAY
    trust.add(store.database, public((root().certificate, end)), AT)
    issuer = ca("Ending Below", root()) if depth else root()
    who = issuer.issue(BOB, not_before=end + timedelta(seconds=seconds))
    anchors = look_again(store).snapshot().anchors
    chain = tuple(map(Certificate.from_der, who.chain))
    found = validate(Certificate.from_der(who.certificate), chain, anchors, at=AT)
    assert found.status == status
    told = [f"distrusted-after: 2026-06-14 {Certificate.from_der(root().certificate).subject}"]
    assert list(found.reasons) == ([] if status == "trusted" else told)


def test_another_anchor_may_make_up_for_the_end_of_trust(store: Store) -> None:
    other = ca("Never Ending")
    cross = ca(root().name, other, private=root().key)
    both = public((root().certificate, AT - 30 * DAY), (other.certificate, None))
    trust.add(store.database, both, AT)
    who = Certificate.from_der(root().issue(BOB, not_before=AT - DAY).certificate)
    anchors = look_again(store).snapshot().anchors
    assert validate(who, (), anchors, at=AT).status == "untrusted"
    found = validate(who, (Certificate.from_der(cross.certificate),), anchors, at=AT)
    assert (found.status, len(found.path)) == ("trusted", 3)


def test_a_newer_list_brings_newer_ends_of_trust(store: Store) -> None:
    der = root().certificate
    keys = set()
    for end in (None, AT, AT + DAY, None):
        trust.add(store.database, public((der, end)), AT)
        anchors = look_again(store).snapshot().anchors
        assert list(anchors.distrust_after.values()) == ([] if end is None else [end])
        keys.add(anchors.key)
    assert len(keys) == 3, "nothing that was remembered of the other end is used"


def test_what_a_person_chose_no_list_changes(database: Database) -> None:
    der, other = root().certificate, ca("Not Listed")
    trust.add(database, der, AT)
    trust.add(database, other.certificate, AT)
    listed = ca("Listed").certificate
    trust.add(database, public((der, AT), (listed, None)), AT, remove_gone=True)
    rows = {row["fingerprint"]: row for row in trust.list_anchors(database)}
    assert len(rows) == 3
    mine = rows[Certificate.from_der(der).fingerprint]
    assert (mine["source"], mine["distrust_after"]) == ("", None)


def test_who_is_chosen_by_a_person_is_believed_without_an_end(database: Database) -> None:
    der, other = root().certificate, ca("Listed Alone").certificate
    trust.add(database, public((der, AT), (other, None)), AT)
    (row,) = trust.add(database, der, AT)
    assert (row["source"], row["distrust_after"]) == ("", None)
    assert row["warnings"][0].startswith(
        "believed from now on for what it issues after 2026-06-15, too"
    )
    assert trust.add(database, public((other, None)), AT, remove_gone=True)
    assert len(trust.list_anchors(database)) == 2


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
    seen = below.issue("x@y.example").pem + pem(below.certificate)
    partners.import_partner(store.database, seen, AT)
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
