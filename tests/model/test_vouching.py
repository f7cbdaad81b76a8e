"""Whom a person is asked to trust: who stands above a certificate, and nobody beside (T97)."""

from typing import Any

import pytest
from cryptography import x509

from app.model import partners, pending, trust
from app.model.errors import Refused
from app.model.snapshot import Store
from app.model.stored import stamp
from app.model.tables import Anchor
from app.model.vouching import CHAIN_OCTETS, trust_issuer
from app.pki.certificate import Certificate
from tests.certdata import HEAD
from tests.certdata import certificate as listing
from tests.certdata import trust as trusting
from tests.model.conftest import look_again
from tests.model.house import BOB, DAY
from tests.model.test_harvesting import found, harvest, waiting
from tests.testpki import AT, TestCA, ca, private_key


def read(authority: TestCA) -> Certificate:
    return Certificate.from_der(authority.certificate)


def leaf_of(authority: TestCA) -> Certificate:
    return Certificate.from_der(authority.issue(BOB).certificate)


def brought(store: Store, leaf: Certificate, *bag: TestCA) -> dict[str, Any]:
    """Return the entry of what a message brought."""
    comes = found(leaf, "no-path", intermediates=tuple(map(read, bag)))
    assert harvest(look_again(store), comes, "on_error", AT) == "pending"
    (entry,) = pending.list_pending(store.database, AT)
    return entry


def shown(entry: dict[str, Any]) -> list[str]:
    return [each["fingerprint"] for each in entry["issuers"]]


def prints(*authorities: TestCA) -> list[str]:
    return [read(each).fingerprint for each in authorities]


# A name is not a signature: who compares the fingerprint of the genuine one trusts the other.
def test_namesake_of_an_issuer_is_not_shown(store: Store) -> None:
    genuine = ca("Vouching Root")
    forged = ca("Vouching Root", private=private_key("p256", "forger"))
    for bag in ((genuine, forged), (forged, genuine)):
        entry = brought(store, leaf_of(forged), *bag)
        assert shown(entry) == prints(forged)
        done = trust_issuer(store.database, entry["id"], AT)
        assert done["anchor"]["fingerprint"] == prints(forged)[0]
        trust.remove(store.database, done["anchor"]["id"])
        partners.remove(store.database, done["entries"][0]["id"])


def test_last_issuer_that_is_shown_is_the_one_that_is_trusted(store: Store) -> None:
    top = ca("Vouching Top")
    middle = ca("Vouching Middle", top)
    issuing = ca("Vouching Issuing", middle)
    stranger = ca("Vouching Stranger")
    entry = brought(store, leaf_of(issuing), top, stranger, issuing, middle)
    assert shown(entry) == prints(issuing, middle, top)
    done = trust_issuer(store.database, entry["id"], AT)
    assert done["anchor"]["fingerprint"] == prints(top)[0]


# The certificates beside a signature are not signed: anybody can put more there, and issue a
# certificate of his own for the key of a true authority.
def test_one_line_of_issuers_is_shown_and_trusted(store: Store) -> None:
    issuing = ca("Vouching True", ca("Vouching True Root"))
    twin = ca("Vouching True", ca("Vouching True Root", private=private_key("p256", "forger")))
    copied = ca("Vouching True", twin.parent, private=issuing.key)
    assert copied.parent is not None
    entry = brought(store, leaf_of(issuing), issuing, copied, copied.parent)
    assert shown(entry) == prints(copied, copied.parent)
    done = trust_issuer(store.database, entry["id"], AT)
    assert done["anchor"]["fingerprint"] == shown(entry)[-1]


def test_without_an_issuer_nobody_is_shown_or_trusted(store: Store) -> None:
    entry = brought(store, leaf_of(ca("Vouching Absent")), ca("Vouching Stranger"))
    assert shown(entry) == []
    with pytest.raises(Refused, match="the message brought nobody"):
        trust_issuer(store.database, entry["id"], AT)


# T136: an entry of the queue is as large as a message, and ten thousand wait
def test_large_authorities_are_not_kept(store: Store) -> None:
    filling = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(CHAIN_OCTETS))
    top = ca("Vouching Large", extensions=[(filling, False)])
    issuing = ca("Vouching Small", top)
    entry = brought(store, leaf_of(issuing), issuing, top)
    assert shown(entry) == prints(issuing), "the lower ones say more about it"


def test_who_was_disabled_meanwhile_is_not_taken_over(store: Store) -> None:
    top = ca("Vouching Race")
    leaf = leaf_of(top)
    entry = brought(store, leaf, top)
    (row,) = partners.import_partner(store.database, leaf_of(ca("Vouching Other")).der, AT)
    partners.disable(store.database, row["id"])
    done = trust_issuer(store.database, entry["id"], AT)
    assert [each["code"] for each in done["reasons"]] == ["key-change"]
    assert waiting(store.database) == [leaf.fingerprint]


def test_who_undoes_the_end_that_a_list_set_is_told(store: Store) -> None:
    top = ca("Vouching Listed")
    entry = brought(store, leaf_of(top), top)
    values = {
        "fingerprint": prints(top)[0],
        "certificate": top.certificate,
        "source": trust.LIST,
        "distrust_after": stamp(AT - DAY),
        "added_at": stamp(AT),
    }
    with store.database.change():
        store.database.insert(Anchor, values)
    (said,) = trust_issuer(store.database, entry["id"], AT)["anchor"]["warnings"]
    assert "too: CN=Vouching Listed" in said


# Mozilla's list is text. Who writes one into his certificate would be believed with all on it.
def test_certificate_that_holds_a_list_of_others_is_one_certificate(store: Store) -> None:
    hidden = ca("Hidden Root")
    listed = b"\n" + HEAD + listing(hidden.certificate) + trusting(hidden.certificate) + b"\n"
    inside = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), listed)
    top = ca("List Root", extensions=[(inside, False)])
    entry = brought(store, leaf_of(top), top)
    assert trust_issuer(store.database, entry["id"], AT)["anchor"]["fingerprint"] == prints(top)[0]
    trust.add(store.database, top.certificate, AT)
    found = [each["fingerprint"] for each in trust.list_anchors(store.database)]
    assert found == prints(top)
