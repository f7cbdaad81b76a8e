"""``sealmon status``: the numbers that a person, a monitor or a licence goes by."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from app import clock
from tests.cli.conftest import Command, key_file
from tests.testpki import TestCA, TestIdentity


@pytest.fixture(name="seats")
def make_seats(command: Command, root: TestCA) -> Callable[[], int]:
    command.ok("trust", "add", command.file("root.pem", root.identity.pem))
    return lambda: int(command.ask("status")["signing_keys"])


def imported(command: Command, root: TestCA, address: str, **how: Any) -> str:
    """Import a key of an address and return its id."""
    identity: TestIdentity = root.issue(address, **how)
    return str(command.ask("key", "import", command.file("k.pem", key_file(identity)))[0]["id"])


def test_a_new_installation_has_nothing(command: Command) -> None:
    row = command.ask("status")
    assert row["domains"] == 1
    for name in ("signing_keys", "pending", "trust_anchors", "accounts", "relays"):
        assert row[name] == 0, name
    assert row["partners"] == {"enabled": 0, "disabled": 0, "domains": 0}
    assert row["keys"] == {}
    assert row["last_message_at"] is None
    assert "signing keys" in command.ok("status")


# A7: a seat is a key with which somebody can sign now, and nothing else is counted.
def test_only_keys_that_somebody_signs_with_are_seats(
    command: Command, root: TestCA, seats: Callable[[], int]
) -> None:
    key = imported(command, root, "alice@nord.example")
    assert seats() == 0, "nobody may use it"
    command.ok("relay", "key", "add", key)
    assert seats() == 1
    password = command.file("password", "a good password")
    command.ok("account", "add", "alice", "--password-file", password)
    command.ok("account", "assign", "alice", key)
    assert seats() == 1, "two ways to one key are one seat"
    old = imported(command, root, "old@nord.example", not_after=clock.now() - timedelta(days=1))
    command.ok("relay", "key", "add", old)
    assert seats() == 1, "it has ended and only decrypts"
    whole = command.ask("key", "new", "--domain", "nord.example", "--kind", "ec-p256")["id"]
    command.ok("domain", "key", "nord.example", whole)
    assert seats() == 2
    command.ok("key", "retire", key)
    assert seats() == 1
    assert command.ask("status")["keys"] == {"active": 2, "retired": 1}


# A7: without a licence there is no limit.
def test_no_number_of_keys_is_too_many(
    command: Command, root: TestCA, seats: Callable[[], int]
) -> None:
    for number in range(12):
        key = imported(command, root, f"p{number}@nord.example")
        command.ok("relay", "key", "add", key)
    assert seats() == 12


def test_partners_are_counted_by_kind(
    command: Command, issued: Callable[[str], TestIdentity]
) -> None:
    file = command.file("bob.pem", issued("bob@sued.example").pem)
    for name in ("bob@sued.example", "eve@sued.example", "sued.example"):
        row = command.ask("partner", "import", file, "--for", name)[0]
    command.ok("partner", "disable", row["id"])
    assert command.ask("status")["partners"] == {"enabled": 2, "disabled": 1, "domains": 1}


def test_the_password_of_the_database_is_not_among_them(command: Command) -> None:
    # T132; that of PostgreSQL is cut out, see test_init.
    assert command.ask("status")["database"].startswith("sqlite:///")
