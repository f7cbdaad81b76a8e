"""The book by the words that people use: names in any spelling, and what they are warned of."""

import pytest

from app.mail.address import originator
from app.mail.headers import split
from app.model import partners
from app.model.database import Database
from app.model.snapshot import Store
from app.smime.finding import Status
from app.smime.kinds import recognise
from app.smime.verify import verify
from tests.model.conftest import look_again
from tests.model.house import BOB, certificate, person
from tests.model.test_harvesting import ENDED, FOREIGN, found, harvest, queued, waiting
from tests.model.test_partners import chosen, prints, signed, taken
from tests.testpki import AT

NAMES: list[tuple[str, str]] = [
    (BOB, "Bob@Partner.Example."),
    (BOB, "  bob@partner.example "),
    ("bücher.example", "BÜCHER.example"),
    ("bücher.example", "xn--bcher-kva.example."),
]


# N(address)
@pytest.mark.parametrize(("filed", "asked"), NAMES)
def test_an_entry_is_listed_by_any_spelling_of_its_name(
    database: Database, filed: str, asked: str
) -> None:
    (row,) = taken(database, person(BOB).pem, name=filed)
    assert [each["id"] for each in partners.list_partners(database, name=asked)] == [row["id"]]


@pytest.mark.parametrize("asked", ["bob", "*@partner.example", "a b", "@", "\0"])
def test_what_is_no_name_is_found_nowhere(database: Database, asked: str) -> None:
    taken(database, person(BOB).pem)
    assert partners.list_partners(database, name=asked) == []


OTHERS: list[tuple[str, str, bool]] = [
    ("all@partner.example", "partner.example", False),
    ("all@example.com", "partner.example", True),
    ("all@partner.example", "sub.partner.example", False),  # RFC 3183 §3.1.1: an ascendant
    ("all@sub.partner.example", "partner.example", True),
    ("all@notpartner.example", "partner.example", True),
]


# D2: "The certificate's own address is ignored for matching; warn if its domain differs."
@pytest.mark.parametrize(("address", "domain", "is_warned"), OTHERS)
def test_a_certificate_of_another_domain_is_taken_with_a_warning(
    store: Store, address: str, domain: str, is_warned: bool
) -> None:
    (row,) = taken(store.database, person(address).pem, name=domain)
    assert [each for each in row["warnings"] if address in each] == (
        [f"it is for another domain: {address}"] if is_warned else []
    )
    assert chosen(store, f"x@{domain}") == ("domain", prints(certificate(address)), [])


# C2, issue 4 item 6: separate certificates, each for its own purpose
def test_one_certificate_signs_and_another_is_encrypted_to(store: Store) -> None:
    signing = person(BOB, "signing", usage=("digital_signature",))
    reading = person(BOB, "reading", key="rsa2048", usage=("key_encipherment",))
    for each in (signing, reading):
        taken(store.database, each.pem)
    assert chosen(store, BOB)[1] == [
        certificate(BOB, "reading", key="rsa2048", usage=("key_encipherment",)).fingerprint
    ]
    for who, status in ((signing, Status.VALID), (reading, Status.UNTRUSTED)):
        message = signed(who)
        by, trust = originator(split(message).headers), look_again(store).trust
        assert verify(message, recognise(message), by, trust, at=AT).status is status


# D3: what covers the sub-domains goes on covering them; else their mail would leave in clear
def test_to_import_again_takes_nothing_away(store: Store) -> None:
    everybody = person("all@partner.example").pem
    taken(store.database, everybody, name="partner.example", include_subdomains=True)
    (row,) = taken(store.database, everybody, name="partner.example")
    assert row["include_subdomains"]
    assert chosen(store, "x@sub.partner.example")[0] == "domain"
    (row,) = taken(store.database, everybody, name="x.example")
    (again,) = taken(store.database, everybody, name="x.example", include_subdomains=True)
    assert (again["id"], again["include_subdomains"]) == (row["id"], True)


def test_what_is_imported_waits_no_longer(store: Store) -> None:
    queued(store)
    assert harvest(store, found(ENDED, "untrusted"), "on_error", AT) == "pending"
    taken(store.database, FOREIGN.der, name="somebody@partner.example")
    assert waiting(store.database) == [FOREIGN.fingerprint, ENDED.fingerprint]
    taken(store.database, FOREIGN.der)
    assert waiting(store.database) == [ENDED.fingerprint]
