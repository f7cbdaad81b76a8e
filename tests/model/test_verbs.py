"""Domains, the policy and the mark texts, as the command line handles them."""

from typing import Any

import pytest

from app.model import domains, keys, marktexts, policies
from app.model.database import Database
from app.model.errors import Refused
from app.model.loading import load_marks, load_policy
from app.model.marks import KEYS
from app.model.routes import shipped_rows
from tests.model.house import NORD
from tests.model.test_routes import BAD, BANK, LAST
from tests.testpki import AT


def test_a_domain_comes_and_goes(database: Database) -> None:
    assert domains.add(database, "Nord.Example.", AT)["id"] == NORD
    with pytest.raises(Refused, match="managed already"):
        domains.add(database, NORD, AT)
    assert [row["name"] for row in domains.list_domains(database)] == [NORD]
    assert domains.remove(database, NORD)["id"] == NORD
    with pytest.raises(Refused, match="not managed"):
        domains.get_domain(database, NORD)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "com",
        "co.uk",
        "a@nord.example",
        "*.nord.example",
        "a b.example",
        "\0.example",
        "-.example",
    ],
)
def test_what_is_no_domain_is_refused(database: Database, name: str) -> None:
    with pytest.raises(Refused) as refused:
        domains.add(database, name, AT)
    assert "\n" not in str(refused.value)
    assert domains.list_domains(database) == []


# D5
def test_only_an_active_key_of_the_ring_becomes_the_domains(database: Database) -> None:
    domains.add(database, NORD, AT)
    key = keys.new(database, [], AT, domain=NORD, kind="ec-p256")
    waiting = keys.new_request(database, ["a@nord.example"], AT, kind="ec-p256")
    with pytest.raises(Refused, match="there is no key"):
        domains.use_key(database, NORD, "nonsense")
    with pytest.raises(Refused, match="is requested"):
        domains.use_key(database, NORD, waiting["id"])
    for _ in range(2):
        row = domains.use_key(database, NORD, key["id"])
        assert row["keys"] == [{"id": key["id"], "state": "active"}]
    keys.retire(database, key["id"])
    with pytest.raises(Refused, match="is retired"):
        domains.use_key(database, NORD, key["id"])
    with pytest.raises(Refused, match="not managed"):
        domains.use_key(database, "other.example", key["id"])


# D6
def test_a_domain_signs_to_addresses_domains_and_subdomains(database: Database) -> None:
    domains.add(database, NORD, AT)
    row = domains.sign_to(database, NORD, ["Bob@Partner.Example", "sued.example", ".west.example"])
    assert row["sign_to"] == [".west.example", "bob@partner.example", "sued.example"]
    assert domains.sign_to(database, NORD, [])["sign_to"] == []
    for wrong in ("com", "*@x.example", ".", "a b@x.example"):
        with pytest.raises(Refused):
            domains.sign_to(database, NORD, ["sued.example", wrong])
    assert domains.get_domain(database, NORD)["sign_to"] == []


SIGNS_TO = [
    ("bob@partner.example", True),
    ("eve@partner.example", False),
    ("x@sued.example", True),
    ("x@sub.sued.example", False),
    ("x@west.example", False),
    ("x@a.west.example", True),
    ("x@b.a.west.example", True),
    ("x@notwest.example", False),
    ("sued.example", True),
    ("", False),
]


@pytest.mark.parametrize(("recipient", "expected"), SIGNS_TO)
def test_who_gets_the_domains_signature(recipient: str, expected: bool) -> None:
    from app.model.facts import ManagedDomain

    listed = frozenset({"bob@partner.example", "sued.example", ".west.example"})
    assert ManagedDomain(NORD, listed).signs_to(recipient) is expected


def test_a_policy_is_applied_as_a_whole(database: Database) -> None:
    before = database.version()
    assert policies.apply(database, BANK + LAST, dry_run=True) == [
        {"id": "bank", "change": "added"}
    ]
    assert load_policy(database).rows == shipped_rows()
    assert database.version() == before
    policies.apply(database, BANK + LAST)
    assert [row["id"] for row in policies.show(database)] == ["bank", "everything else"]
    exported = policies.export(database)
    assert policies.apply(database, exported) == []
    assert policies.export(database) == exported


@pytest.mark.parametrize(("text", "why"), BAD)
def test_a_bad_policy_changes_nothing(database: Database, text: str, why: str) -> None:
    policies.apply(database, BANK + LAST)
    before, version = policies.export(database), database.version()
    with pytest.raises(Refused):
        policies.apply(database, text)
    assert (policies.export(database), database.version()) == (before, version)


# B9
def test_a_former_mark_text_stays_known(database: Database) -> None:
    for text in ("[ECHT]", "[GUT]", ""):
        row = marktexts.set_text(database, "valid", text, AT)
        assert (row["id"], row["text"]) == ("valid.de", text)
    marks = load_marks(database)
    assert marks.text("valid", "de") == ""
    assert {"[ECHT]", "[GUT]", "[SIGNIERT]"} <= set(marks.every_text)
    marktexts.set_text(database, "valid", "*", AT, language="symbol")
    assert load_marks(database).symbol("valid") == "*"
    assert len(marktexts.list_marks(database)) == 3 * len(KEYS)


MARKS: list[tuple[str, str, dict[str, Any], str]] = [
    ("nonsense", "[X]", {}, "no such mark"),
    ("valid", "[X]", {"language": "fr"}, "no such language"),
    ("valid", "x" * 101, {}, "longer than"),
    ("valid", "[X]\n", {}, "white space"),
    ("valid", "[\r\nBcc: x]", {}, "control"),
    ("valid", "[\0]", {}, "control"),
    ("valid", "[{address.__class__}]", {}, "only {address}"),
    ("valid", "[{{ 7*7 }}]", {}, "only {address}"),
    ("valid", "=?utf-8?q?x?=", {}, "encoded word"),
    ("valid", "12345", {"language": "symbol"}, "longer than"),
]


@pytest.mark.parametrize(("status", "text", "how", "why"), MARKS)
def test_a_bad_mark_text_is_refused(
    database: Database, status: str, text: str, how: dict[str, Any], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        marktexts.set_text(database, status, text, AT, **how)
    assert not any(row["own"] for row in marktexts.list_marks(database))
