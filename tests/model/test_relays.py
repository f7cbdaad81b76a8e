"""Relays: who is believed for its address, and what is too much to believe (C8)."""

import pytest

from app.model import relays
from app.model.database import Database
from app.model.errors import Refused
from app.model.snapshot import Store
from tests.model.conftest import look_again
from tests.testpki import AT

SECRET = "0123456789abcdef"

REFUSED = [
    ("mail.example.org", "host names are not taken"),
    ("", "no IP address"),
    ("192.0.2.0/33", "no IP address"),
    ("192.0.2.1/24", "did you mean 192.0.2.0/24"),
    ("0.0.0.0/0", "open relay"),
    ("::/0", "open relay"),
    ("::ffff:192.0.2.1", "write the IPv4"),
    ("192.0.2.1 192.0.2.2", "no IP address"),
]


@pytest.mark.parametrize(("network", "why"), REFUSED)
def test_what_is_no_network_is_refused(database: Database, network: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        relays.add(database, network, AT)
    assert relays.list_relays(database) == []


WARNED = [
    ("192.0.2.7", 0),
    ("192.0.2.0/24", 0),
    ("192.0.0.0/23", 1),
    ("2001:db8::/64", 0),
    ("2001:db8::/63", 1),
    ("40.107.0.0/24", 1),  # Microsoft's: every tenant's mail
    ("40.0.0.0/8", 2),
    ("209.85.128.0/24", 1),
]


@pytest.mark.parametrize(("network", "count"), WARNED)
def test_what_is_risky_is_warned_of(database: Database, network: str, count: int) -> None:
    assert len(relays.add(database, network, AT)["warnings"]) == count


def test_a_secret_header_settles_the_warning_of_a_cloud(database: Database) -> None:
    row = relays.add(database, "40.107.0.0/24", AT, header=f"X-Tenant: {SECRET}")
    assert (row["header"], row["warnings"]) == ("X-Tenant", [])


def test_a_secret_is_stored_as_a_digest_and_compared(store: Store) -> None:
    relays.add(store.database, "192.0.2.0/24", AT, header=f"X-Tenant:{SECRET}")
    assert SECRET not in str(store.database.sql("SELECT * FROM relay"))
    (rule,) = look_again(store).snapshot().relays
    assert relays.presents_secret(rule, f" {SECRET} ")
    for wrong in ("", SECRET[:-1], SECRET + "0", "ä"):
        assert not relays.presents_secret(rule, wrong)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("X-Tenant", "NAME:SECRET"),
        (f":{SECRET}", "no header field name"),
        (f"X Tenant:{SECRET}", "no header field name"),
        ("X-Tenant:short", "16 or more"),
        ("X-Tenant:" + "ä" * 20, "ASCII"),
    ],
)
def test_a_header_that_is_none_is_refused(database: Database, header: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        relays.add(database, "192.0.2.0/24", AT, header=header)


def test_the_owners_mta_needs_no_secret(database: Database) -> None:
    assert relays.add(database, "127.0.0.1", AT, xforward=True)["xforward"] is True
    with pytest.raises(Refused, match="either"):
        relays.add(database, "127.0.0.2", AT, xforward=True, header=f"X-A:{SECRET}")


def test_the_narrowest_network_decides(store: Store) -> None:
    for network in ("192.0.2.0/24", "192.0.2.7", "2001:db8::/64"):
        relays.add(store.database, network, AT)
    rules = look_again(store).snapshot().relays

    def found(address: str) -> str:
        rule = relays.find_relay(rules, address)
        return str(rule.network) if rule else ""

    assert found("192.0.2.7") == "192.0.2.7/32"
    assert found("192.0.2.8") == "192.0.2.0/24"
    assert found("::ffff:192.0.2.8") == "192.0.2.0/24"
    assert found("2001:db8::1") == "2001:db8::/64"
    for stranger in ("192.0.3.1", "2001:db8:1::1", "", "[UNAVAILABLE]", "localhost", "192.0.2.7 "):
        assert found(stranger) == ""


def test_a_relay_is_listed_once_and_removed_by_id_or_network(database: Database) -> None:
    row = relays.add(database, "192.0.2.0/24", AT)
    with pytest.raises(Refused, match="listed already"):
        relays.add(database, "192.0.2.0/24", AT)
    assert relays.remove(database, str(row["id"]))["network"] == "192.0.2.0/24"
    relays.add(database, "192.0.2.0/24", AT)
    relays.remove(database, "192.0.2.0/24")
    with pytest.raises(Refused, match="no relay"):
        relays.remove(database, "192.0.2.0/24")


def test_a_key_for_relays_must_be_in_the_ring(database: Database) -> None:
    with pytest.raises(Refused, match="there is no key"):
        relays.add_key(database, "nonsense")
    with pytest.raises(Refused, match="not listed"):
        relays.remove_key(database, "nonsense")
    assert relays.list_relay_keys(database) == []
