from collections.abc import Callable
from datetime import datetime, timedelta

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


def mozilla(root: TestCA, *, distrust_after: datetime | None = None) -> bytes:
    """Return a list that trusts one authority for e-mail, and another one for the web only."""
    listed = certdata.certificate(root.certificate, distrust_after=distrust_after)
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


def test_an_authority_is_believed_up_to_the_end_of_trust(command: Command, root: TestCA) -> None:
    file = command.file("certdata.txt", mozilla(root, distrust_after=AT))
    assert "\nwarning: not trusted for what it issues after 2026-06-15" in command.ok(
        "trust", "add", file
    )
    (row,) = command.ask("trust", "list")
    assert (row["source"], row["distrust_after"]) == ("list", "2026-06-15T12:00:00Z")
    assert "2026-06-15" in command.ok("trust", "list")


def test_a_newer_list_says_who_is_gone_and_removes_it_if_asked_to(
    command: Command, root: TestCA
) -> None:
    other = ca("Gone From The List")
    both = mozilla(root) + certdata.certificate(other.certificate)
    command.ok("trust", "add", command.file("old.txt", both + certdata.trust(other.certificate)))
    newer = command.file("new.txt", mozilla(root))
    said = command.ok("trust", "add", newer)
    gone = Certificate.from_der(other.certificate).fingerprint[:16]
    assert "\nwarning: came from an earlier list, and is gone from this one: " in said
    assert f": sealmon trust remove {gone} (CN=Gone From The List)" in said
    assert len(command.ask("trust", "list")) == 2
    said = command.ok("trust", "add", "--remove-gone", newer)
    assert "\nwarning: removed, as it is gone from the list: CN=Gone From The List" in said
    assert len(command.ask("trust", "list")) == 1
    only = command.file("root.pem", root.identity.pem)
    assert "only Mozilla's list" in command.refused("trust", "add", "--remove-gone", only)


def test_a_list_that_is_cut_off_is_refused(command: Command, root: TestCA) -> None:
    octets = mozilla(root)
    file = command.file("certdata.txt", octets[: octets.rindex(b"END")])
    assert "the file is cut off" in command.refused("trust", "add", file)
