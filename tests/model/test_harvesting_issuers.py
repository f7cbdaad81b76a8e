"""Authorities that a message brings: kept on a path alone, and never trusted (T97, T110)."""

import pytest

from app.model import fetched, harvesting, trust
from app.model.snapshot import Store
from app.pki.certificate import Certificate
from tests.model.conftest import look_again
from tests.model.house import BOB, root
from tests.model.test_harvesting import found
from tests.testpki import AT, TestCA, ca, private_key


def kept(store: Store, *bag: TestCA, below: TestCA) -> list[bytes]:
    """Return which authorities are kept of a message that somebody below one of them signed."""
    leaf = Certificate.from_der(below.issue(BOB).certificate)
    brought = tuple(Certificate.from_der(each.certificate) for each in bag)
    learned = harvesting.harvest(store, found(leaf, intermediates=brought), "on_error", AT)
    assert learned.outcome == "stored"
    return [each.der for each in look_again(store).snapshot().intermediates]


def test_authority_on_the_path_is_kept_and_not_trusted(store: Store) -> None:
    trust.add(store.database, root().certificate, AT)
    below = ca("Harvest Below", root())
    assert kept(look_again(store), below, ca("Harvest Stranger"), below=below) == [
        below.certificate
    ]
    anchors = store.snapshot().anchors
    assert [each.der for each in anchors.ders] == [root().certificate]


# T110: a hundred twins of an authority would be more than a search for a path looks at
def test_twins_of_an_authority_are_not_kept(store: Store) -> None:
    trust.add(store.database, root().certificate, AT)
    below = ca("Harvest Twin", root())
    twins = [ca("Harvest Twin", private=private_key("p256", f"twin {each}")) for each in range(4)]
    assert kept(look_again(store), *twins, below, below=below) == [below.certificate]


def test_without_a_path_nothing_is_kept(store: Store) -> None:
    below = ca("Harvest Lost", root())
    assert kept(store, below, below=below) == []


def test_no_more_than_the_quota_is_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetched, "NEW_A_DAY", 0)
    trust.add(store.database, root().certificate, AT)
    below = ca("Harvest Over", root())
    assert kept(look_again(store), below, below=below) == []
