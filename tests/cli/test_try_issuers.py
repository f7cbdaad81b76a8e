"""``sealmon try`` says which authority nobody sent along, and where it could be fetched (T113)."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.cms.keys import load_private_key
from app.cms.signed import Signer
from app.model.database import PARTNERS, open_database
from app.model.partnerrows import HARVESTED, Entry, store_entry
from app.pki.certificate import Certificate
from app.smime.sign import sign
from tests.cli.conftest import Command
from tests.pki.test_issuers import issuer_at
from tests.testpki import AT, TestCA, TestIdentity, ca, pem

URL = "http://pki.sued.example/sub.p7c"


@pytest.fixture(name="sub", scope="module")
def make_sub(root: TestCA) -> TestCA:
    return ca("Missing Sub", root)


def letter(command: Command, who: TestIdentity, *chain: bytes) -> Path:
    """Return a file with a signed message of bob's that brings so much of the chain."""
    octets = b"From: bob@sued.example\r\nTo: alice@nord.example\r\nSubject: x\r\n\r\nHello\r\n"
    signer = Signer(who.certificate, load_private_key(who.private_pkcs8), chain)
    signed = sign(octets, signer, form="clear", at=AT, token=b"=_b")
    return command.file("letter.eml", signed)


def tried(command: Command, file: Path) -> tuple[dict[str, Any], str]:
    """Return the line of JSON, and what was said beside it."""
    result = command.run("try", "inbound", "--at", AT.isoformat(), file)
    assert result.exit_code == 0
    (line,) = result.stdout.splitlines()
    row = json.loads(line)
    found = row["missing_issuer"]
    said = result.stderr
    assert bool(found) == bool(said)
    assert isinstance(found, dict)
    return row, said


@pytest.mark.parametrize(
    ("fetch", "what"),
    [
        ("off", "issuer_fetch is off, so nobody fetches it"),
        ("known", "it is fetched when mail comes, if an authority that you believe names the"),
        ("on", "it is fetched when mail comes"),
    ],
)
def test_an_issuer_that_could_be_fetched_is_named(
    command: Command,
    root: TestCA,
    sub: TestCA,
    fetch: str,
    what: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEALMON_ISSUER_FETCH", fetch)
    command.ok("trust", "add", command.file("root.pem", root.identity.pem))
    bob = sub.issue("bob@sued.example", extensions=[issuer_at(URL)])
    before = command.fingerprint()
    row, said = tried(command, letter(command, bob))
    assert row["signature"]["status"] == "untrusted"
    found = row["missing_issuer"]
    assert (found["issuer"], found["of"]) == ("CN=Missing Sub", "CN=bob")
    assert (found["urls"], found["issuer_fetch"]) == ([URL], fetch)
    assert what in found["text"]
    assert len(said.splitlines()) == 1
    assert said.startswith("sealmon: note: ")
    assert said.endswith(f"{found['text']}\n")
    assert command.fingerprint() == before


# Nothing is missing, or nobody says where it is.
def test_what_could_not_be_fetched_is_not_spoken_of(
    command: Command, root: TestCA, sub: TestCA
) -> None:
    silent = sub.issue("bob@sued.example")
    telling = sub.issue("bob@sued.example", extensions=[issuer_at(URL)])
    root_of_both = root.identity.pem
    assert tried(command, letter(command, silent))[1] == ""
    whole = letter(command, telling, sub.certificate, root.certificate)
    assert tried(command, whole)[1] == "", "all are there, and nobody believes the root"
    command.ok("trust", "add", command.file("root.pem", root_of_both))
    assert tried(command, letter(command, telling, sub.certificate))[1] == ""
    # A partner who was approved needs no path.
    command.ok("partner", "import", command.file("bob.pem", telling.pem))
    row, said = tried(command, letter(command, telling))
    assert (row["signature"]["status"], said) == ("valid", "")


def test_an_authority_that_is_known_is_not_missing(
    command: Command, root: TestCA, sub: TestCA
) -> None:
    bob = sub.issue("bob@sued.example", extensions=[issuer_at(URL)])
    other = sub.issue("eve@sued.example")
    command.ok("trust", "add", command.file("root.pem", root.identity.pem))
    both = other.pem + pem(sub.certificate)
    command.ok("partner", "import", command.file("eve.pem", both))
    row, said = tried(command, letter(command, bob))
    assert (row["signature"]["status"], said) == ("valid", "")


# T131: the address is a stranger's word.
def test_an_odd_address_is_told_without_its_tricks(command: Command, sub: TestCA) -> None:
    url = "http://x\x1b[2J/\n.example/"
    bob = sub.issue("bob@sued.example", extensions=[issuer_at(url)])
    said = tried(command, letter(command, bob))[1]
    assert "\x1b" not in said
    assert len(said.splitlines()) == 1


# Taken from a message that brought the authority, which has been forgotten since.
def test_what_a_partner_lacks_is_named(command: Command, root: TestCA, sub: TestCA) -> None:
    command.ok("trust", "add", command.file("root.pem", root.identity.pem))
    bob = Certificate.from_der(
        sub.issue("bob@sued.example", extensions=[issuer_at(URL)]).certificate
    )
    database = open_database(f"sqlite:///{command.folder}/sealmon.db")
    entry = Entry(
        name="bob@sued.example",
        is_domain=False,
        certificate=bob,
        source=HARVESTED,
        at=AT,
        is_pinned=False,
    )
    with database.change(PARTNERS):
        store_entry(database, entry)
    database.close()
    octets = b"From: alice@nord.example\r\nTo: bob@sued.example\r\nSubject: x\r\n\r\nHello\r\n"
    words = ("try", "outbound", "--at", AT.isoformat(), command.file("letter.eml", octets))
    result = command.run(*words)
    found = json.loads(result.stdout)["missing_issuer"]
    assert (found["issuer"], found["of"], found["urls"]) == ("CN=Missing Sub", "CN=bob", [URL])
    assert result.stderr == f"sealmon: note: {words[-1]}: {found['text']}\n"
    command.ok("partner", "import", command.file("sub.pem", bob.der))
    assert json.loads(command.ok(*words))["missing_issuer"] == {}, "a person has approved it"
