"""A number that somebody wrote down never names another row later (B4, B5)."""

import pytest

from app.model import partners, pending
from app.model.errors import Refused
from app.model.snapshot import Store
from app.pki.certificate import Certificate
from tests.model.conftest import look_again
from tests.model.house import BOB, certificate, person
from tests.model.test_harvesting import FOREIGN, OTHER, found, harvest, queued
from tests.model.test_only_and_grace import server, url
from tests.testpki import AT

__all__ = ["server", "url"]


# T97: "approve 7" means what was shown as 7, and not what somebody sent since
def test_number_of_the_queue_is_given_once(store: Store) -> None:
    seen = queued(store)
    pending.approve(store.database, seen, AT)
    lie = Certificate.from_der(OTHER.issue("carol@partner.example").certificate)
    comes = found(lie, "untrusted", address="carol@partner.example")
    assert harvest(look_again(store), comes, "on_error", AT) == "pending"
    with pytest.raises(Refused, match="nothing waits"):
        pending.approve(store.database, seen, AT)


def test_number_of_the_book_is_given_once(store: Store) -> None:
    (seen,) = partners.import_partner(store.database, person(BOB).pem, AT)
    partners.remove(store.database, seen["id"])
    assert harvest(look_again(store), found(FOREIGN), "on_error", AT) == "stored"
    with pytest.raises(Refused, match="there is no entry"):
        partners.use_only(store.database, seen["id"])
    (row,) = partners.list_partners(store.database)
    partners.remove(store.database, row["id"])
    file = b"".join(person(BOB, name).pem for name in ("one", "two"))
    rows = partners.import_partner(store.database, file, AT)
    numbers = [seen["id"], row["id"], *(each["id"] for each in rows)]
    assert len(set(numbers)) == 4
    assert rows[0]["fingerprint"] == certificate(BOB, "one").fingerprint
