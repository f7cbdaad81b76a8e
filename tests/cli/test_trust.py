from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.pki.certificate import Certificate
from tests import certdata
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


WEB = ca("Only For The Web")


def mozilla(root: TestCA, *, ends_at: datetime | None = None) -> bytes:
    """Return a list that trusts one authority for e-mail, and another one for the web only."""
    listed = certdata.certificate(root.certificate, ends_at=ends_at)
    web = certdata.certificate(WEB.certificate)
    web += certdata.trust(WEB.certificate, b"CKT_NSS_MUST_VERIFY_TRUST")
    return certdata.HEAD + listed + certdata.trust(root.certificate) + web


def test_of_mozillas_list_who_is_trusted_for_e_mail_is_believed(
    command: Command, root: TestCA
) -> None:
    said = command.ok("trust", "add", command.file("certdata.txt", mozilla(root)))
    assert "\nwarning: left out: 1 of the list, which does not trust them for e-mail" in said
    (row,) = command.ask("trust", "list")
    assert row["fingerprint"] == Certificate.from_der(root.certificate).fingerprint


def test_who_is_no_longer_trusted_for_e_mail_is_named(command: Command, root: TestCA) -> None:
    (web,) = command.ask("trust", "add", command.file("web.pem", WEB.identity.pem))
    said = command.ok("trust", "add", command.file("certdata.txt", mozilla(root)))
    assert f"still believed, but not by this list: sealmon trust remove {web['id']}" in said


# An anchor knows no such date, so that the authority as a whole is left out from then on.
def test_an_authority_after_the_end_of_trust_is_left_out(command: Command, root: TestCA) -> None:
    file = command.file("certdata.txt", mozilla(root, ends_at=AT))
    assert "certdata.txt: the list trusts no authority" in command.refused("trust", "add", file)


def test_an_end_of_trust_to_come_is_said(command: Command, root: TestCA) -> None:
    file = command.file("certdata.txt", mozilla(root, ends_at=datetime(2049, 1, 1, tzinfo=UTC)))
    said = command.ok("trust", "add", file)
    assert "\nwarning: remove it then: not trusted for what it issues after 2049-01-01" in said


def test_a_list_that_is_cut_off_is_refused(command: Command, root: TestCA) -> None:
    octets = mozilla(root)
    file = command.file("certdata.txt", octets[: octets.rindex(b"END")])
    assert "the file is cut off" in command.refused("trust", "add", file)
