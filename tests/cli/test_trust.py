from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.cli.conftest import Command
from tests.testpki import AT, TestCA, TestIdentity, ca


def test_an_authority_is_believed_and_no_longer(command: Command, root: TestCA) -> None:
    file = command.file("root.pem", root.identity.pem)
    (row,) = command.ask("trust", "add", file)
    command.ok("trust", "add", file)
    assert [each["id"] for each in command.ask("trust", "list")] == [row["id"]]
    assert "no longer believed" in command.ok("trust", "remove", row["id"])
    assert command.ask("trust", "list") == []


def test_several_authorities_come_in_one_file(command: Command, root: TestCA) -> None:
    file = command.file("roots.pem", root.identity.pem + ca("Other").identity.pem)
    assert len(command.ask("trust", "add", file)) == 2


def test_who_is_no_authority_is_left_out(
    command: Command, root: TestCA, issued: Callable[[str], TestIdentity]
) -> None:
    bob = issued("bob@sued.example")
    assert "partner import" in command.refused("trust", "add", command.file("bob.pem", bob.pem))
    file = command.file("roots.pem", root.identity.pem + bob.pem)
    assert "\nwarning: left out, as no authority's: CN=bob" in command.ok("trust", "add", file)
    assert len(command.ask("trust", "list")) == 1


# Old mail is judged at its own time: sealmon try --at
def test_an_authority_that_ended_is_taken_with_a_warning(command: Command) -> None:
    file = command.file("old.pem", ca("Old", not_after=AT - timedelta(days=1)).identity.pem)
    assert "\nwarning: it ended on 2026-06-14" in command.ok("trust", "add", file)


@pytest.mark.parametrize("octets", [b"", b"nonsense", b"\x30\x03\x02\x01"])
def test_a_file_without_certificates_is_refused(command: Command, octets: bytes) -> None:
    assert "root.pem: " in command.refused("trust", "add", command.file("root.pem", octets))


def test_an_unknown_anchor_is_named(command: Command) -> None:
    assert "sealmon trust list" in command.refused("trust", "remove", "abcd")
