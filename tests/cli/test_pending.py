from collections.abc import Callable

import pytest

from app import clock
from app.model.database import open_database
from app.model.stored import pack, stamp
from app.model.tables import Pending
from app.pki.certificate import Certificate
from tests.cli.conftest import Command
from tests.testpki import TestCA, TestIdentity


@pytest.fixture(name="waiting")
def make_waiting(command: Command, issued: Callable[[str], TestIdentity]) -> str:
    """A certificate of bob that waits."""
    certificate = Certificate.from_der(issued("bob@sued.example").certificate)
    database = open_database(f"sqlite:///{command.folder}/sealmon.db")
    values = {
        "address": "bob@sued.example",
        "fingerprint": certificate.fingerprint,
        "certificate": certificate.der,
        "reasons": pack([{"code": "path", "detail": "no-path", "text": "no path"}]),
        "state": "waiting",
        "added_at": stamp(clock.now()),
    }
    database.insert(Pending, values)
    database.close()
    (row,) = command.ask("pending", "list")
    assert row["from"] == "bob@sued.example"
    return str(row["id"])


def test_what_waits_is_listed_with_its_fingerprint(command: Command, waiting: str) -> None:
    assert "bob@sued.example" in command.ok("pending", "list")
    assert len(command.ask("pending", "list")[0]["fingerprint"]) == 64


def test_an_approved_certificate_is_in_the_book(command: Command, waiting: str) -> None:
    (row,) = command.ask("pending", "approve", waiting)
    assert (row["name"], row["source"]) == ("bob@sued.example", "approved")
    assert command.ask("pending", "list") == []
    assert len(command.ask("partner", "list")) == 1


def test_a_certificate_is_approved_for_other_names(command: Command, waiting: str) -> None:
    words = ("pending", "approve", waiting, "--for", "info@sued.example", "--for", "sued.example")
    assert [row["name"] for row in command.ask(*words)] == ["info@sued.example", "sued.example"]


def test_a_certificate_is_approved_for_its_domain(command: Command, waiting: str) -> None:
    (row,) = command.ask("pending", "approve", waiting, "--as-domain")
    assert (row["name"], row["is_domain"]) == ("sued.example", True)


# B2 step 3: From is bound too, whatever the certificate says, and so it is told.
def test_an_approval_says_what_the_certificate_names_instead(
    command: Command, waiting: str
) -> None:
    words = ("pending", "approve", waiting, "--for", "info@sued.example", "--for", "west.example")
    text = command.ok(*words)
    assert "warning: for info@sued.example: it names another address: bob@sued.example" in text
    assert "warning: for west.example: it is for another domain: bob@sued.example" in text


def test_sub_domains_go_with_a_domain(command: Command, waiting: str) -> None:
    line = command.refused("pending", "approve", waiting, "--include-subdomains")
    assert "--include-subdomains goes with a domain" in line
    words = ("pending", "approve", waiting, "--include-subdomains", "--as-domain")
    assert command.ask(*words)[0]["include_subdomains"] is True


def test_a_rejected_certificate_does_not_wait_any_more(command: Command, waiting: str) -> None:
    text = command.ok("pending", "reject", waiting, "--all-of-sender")
    assert "of bob@sued.example, and whatever else comes from there" in text
    assert command.ask("pending", "list") == []
    assert command.ask("partner", "list") == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("approve", "99"), "99: see sealmon pending list"),
        (("approve", "abc"), "no entry abc: see sealmon pending list"),
        (("reject", "99"), "99: see sealmon pending list"),
        (("approve", "WAITING", "--for", "nonsense"), "'nonsense'"),
        (("approve", "WAITING", "--for", "alice@nord.example"), "nord.example"),
    ],
)
def test_bad_approvals_are_refused_in_one_line(
    command: Command, waiting: str, words: tuple[str, ...], expected: str
) -> None:
    given = [waiting if word == "WAITING" else word for word in words]
    assert expected in command.refused("pending", *given)


def test_an_entry_is_shown_whole_and_in_words(command: Command, waiting: str) -> None:
    text = command.ok("pending", "show", waiting)
    for word in ("message id", "certificate addresses", "issuers", "no path"):
        assert word in text
    assert "code=" not in text + command.ok("pending", "list")
    assert command.ask("pending", "show", waiting)["reasons"][0]["text"] == "no path"
    assert "pending list" in command.refused("pending", "show", "99")


def test_a_no_can_be_looked_up_and_taken_back(command: Command, waiting: str) -> None:
    command.ok("pending", "reject", waiting)
    assert command.ask("pending", "list", "--rejected")[0]["state"] == "rejected"
    assert "bob@sued.example" in command.ok("pending", "list", "--rejected")
    assert "forgotten" in command.ok("pending", "forget", waiting)
    assert command.ask("pending", "list", "--rejected") == []
    assert "--rejected" in command.refused("pending", "forget", waiting)


# B5: "trust the CA instead"
def test_an_issuer_that_was_not_sent_cannot_be_trusted_instead(
    command: Command, waiting: str
) -> None:
    assert "sealmon trust add FILE" in command.refused("pending", "trust", waiting)
    assert command.ask("trust", "list") == []


def test_the_issuer_that_was_sent_can_be_trusted_instead(
    command: Command, waiting: str, root: TestCA
) -> None:
    database = open_database(f"sqlite:///{command.folder}/sealmon.db")
    path = [{"code": "no-path", "text": "no path"}]
    values = {"chain": pack([root.certificate.hex()]), "reasons": pack(path)}
    database.run(Pending.update(values))
    database.close()
    shown = command.ok("pending", "show", waiting)
    text = command.ok("pending", "trust", waiting)
    (anchor,) = command.ask("trust", "list")
    assert f"compare the fingerprint with its owner: {anchor['fingerprint']}" in text
    assert anchor["fingerprint"] in shown, "it can be compared before"
    (row,) = command.ask("partner", "list")
    assert (row["name"], row["pinned"]) == ("bob@sued.example", False)
    assert command.ask("pending", "list") == []
