"""What sources said is kept for its time, and only what may be used is kept."""

from datetime import timedelta

import pytest

from app.model import lookups
from app.model.database import Database
from app.model.lookups import CERTIFICATES_AT_MOST, find_answer, is_for, keep_answer, readable
from app.pki.certificate import Certificate
from tests.model.house import BOB, certificate, person, root
from tests.testpki import AT, ca

HOUR = timedelta(hours=1)
SOURCE = "ldaps://dir.example/dc=a"


def count(database: Database) -> int:
    return int(database.sql("SELECT COUNT(*) FROM lookedup")[0][0])


def test_an_answer_comes_back_as_it_was(database: Database) -> None:
    found = (certificate(BOB), Certificate.from_der(root().certificate))
    assert find_answer(database, SOURCE, BOB, AT) is None
    keep_answer(database, SOURCE, BOB, found, AT)
    assert find_answer(database, SOURCE, BOB, AT) == found
    assert find_answer(database, "smimea", BOB, AT) is None
    assert find_answer(database, SOURCE, "Bob@partner.example", AT) is None, "as it was asked"


def test_there_is_none_is_an_answer_too(database: Database) -> None:
    keep_answer(database, SOURCE, BOB, (), AT)
    assert find_answer(database, SOURCE, BOB, AT + HOUR * 0.99) == ()
    assert find_answer(database, SOURCE, BOB, AT + HOUR) is None


def test_a_newer_answer_takes_the_place_of_an_older_one(database: Database) -> None:
    keep_answer(database, SOURCE, BOB, (), AT)
    keep_answer(database, SOURCE, BOB, (certificate(BOB),), AT)
    assert find_answer(database, SOURCE, BOB, AT) == (certificate(BOB),)
    assert count(database) == 1


def test_old_answers_are_forgotten(database: Database) -> None:
    keep_answer(database, SOURCE, BOB, (certificate(BOB),), AT)
    keep_answer(database, SOURCE, "eve@x.example", (), AT + 25 * HOUR)
    assert count(database) == 1


def test_the_store_does_not_grow_without_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "_KEPT_AT_MOST", 3)
    for number in range(9):
        keep_answer(database, SOURCE, f"p{number}@x.example", (), AT)
    assert count(database) == 3


@pytest.mark.parametrize("address", ["\ud800@x.example", "a\0b@x.example", "'; DROP TABLE meta@x"])
def test_no_address_spoils_the_table(database: Database, address: str) -> None:
    keep_answer(database, SOURCE, address, (), AT)
    assert find_answer(database, SOURCE, address, AT) == ()


def test_only_the_address_and_authorities_are_kept() -> None:
    other, bob = person("eve@x.example").certificate, person(BOB).certificate
    assert readable([b"", b"x", other, bob, bob, root().certificate], BOB) == (
        certificate(BOB),
        Certificate.from_der(root().certificate),
    )


def test_authorities_never_crowd_out_the_certificate() -> None:
    many = [ca(f"Crowd {number}").certificate for number in range(CERTIFICATES_AT_MOST + 5)]
    found = readable([*many, person(BOB).certificate], BOB)
    assert found[0] == certificate(BOB)
    assert len(found) == CERTIFICATES_AT_MOST


def test_an_address_that_is_none_has_no_certificate() -> None:
    assert not is_for(certificate(BOB), "nonsense")
    assert is_for(certificate(BOB), BOB.upper())
