"""The same comparison, and the list of a domain, where PostgreSQL holds the book."""

import pytest

from app.model import domains, partners
from app.model.database import Database
from app.model.partnerrows import each_name
from app.subject.likeness import find_likenesses
from tests.model.conftest import database
from tests.model.house import person
from tests.model.test_postgresql import server, url
from tests.subject import test_likeness
from tests.testpki import AT

__all__ = ["database", "server", "url"]

pytestmark = pytest.mark.interop


@pytest.fixture(name="book")
def make_book(database: Database) -> Database:
    domains.add(database, "nord.example", AT)
    for name in (*test_likeness.KNOWN_NAMES, "x@s_ed.example", "Y@S-ed.example"):
        partners.import_partner(database, person("bob@sued.example").pem, AT, name=name)
    return database


def test_names_are_told_from_those_that_are_known(book: Database) -> None:
    assert len(list(each_name(book, 2))) == len(test_likeness.KNOWN_NAMES) + 2
    for name, expected in test_likeness.LIKE:
        found = find_likenesses(book, [name])[name]
        assert [each.code for each in found] == [code for code, _ in expected], name


def test_the_list_of_a_domain_has_no_other(book: Database) -> None:
    def listed(domain: str) -> list[str]:
        return [row["name"] for row in partners.list_partners(book, domain=domain)]

    assert listed("SUED.example") == ["bob@sued.example"]
    assert listed("s_ed.example") == ["x@s_ed.example"]
    assert listed("xn--mnchen-3ya.example") == ["xn--mnchen-3ya.example"]
    assert partners.count_in_domain(book, "s_ed.example") == 1
