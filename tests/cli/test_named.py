"""T50, T131: nobody who looks at the queue or the book takes a name for another one."""

import json
import unicodedata
from collections.abc import Callable

import pytest
from cryptography import x509

from app import clock
from app.cli.named import beside
from app.model.database import open_database
from app.model.stored import pack, stamp
from app.model.tables import Pending
from app.pki.certificate import Certificate
from tests.cli.conftest import Command
from tests.testpki import TestCA, TestIdentity, ca, dn

CYRILLIC = "\u0430lice@nord.example"
AS_ASCII = "\\u0430lice@nord.example"
N0RD = "xn--nrd-sed.example"  # n\u043erd, with a Cyrillic o


def waits(command: Command, address: str, identity: TestIdentity) -> str:
    """Put a certificate into the queue for an address, and return its id."""
    certificate = Certificate.from_der(identity.certificate)
    database = open_database(f"sqlite:///{command.folder}/sealmon.db")
    values = {
        "address": address,
        "fingerprint": certificate.fingerprint,
        "certificate": certificate.der,
        "reasons": pack([{"code": "no-path", "text": "no path"}]),
        "state": "waiting",
        "added_at": stamp(clock.now()),
    }
    database.insert(Pending, values)
    (row,) = database.sql("SELECT MAX(id) FROM pending")
    database.close()
    return str(row[0])


@pytest.fixture(name="bob")
def make_bob(issued: Callable[[str], TestIdentity]) -> TestIdentity:
    return issued("bob@sued.example")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("bob@sued.example", "bob@sued.example"),
        ("sued.example", "sued.example"),
        (CYRILLIC, f"{AS_ASCII} (shown as {CYRILLIC})"),
        ("a@xn--mnchen-3ya.example", "a@xn--mnchen-3ya.example (shown as a@münchen.example)"),
        ("a\u3164b@x.example", "a\\u3164b@x.example (shown as a\\u3164b@x.example)"),
        ("\u05d0@x.example", "\\u05d0@x.example (written from right to left)"),
        ('"a b"@x.example', '\\u0022a\\u0020b\\u0022@x.example (shown as "a b"@x.example)'),
    ],
)
def test_a_name_stands_in_ascii_first(name: str, shown: str) -> None:
    assert beside(name) == shown


# The postmaster at night, before he says yes.
def test_a_look_alike_that_waits_is_named(command: Command, bob: TestIdentity) -> None:
    command.ok("partner", "import", command.file("bob.pem", bob.pem))
    id_ = waits(command, "b\u043eb@sued.example", bob)
    for words in (("list",), ("show", id_)):
        text = command.ok("pending", *words)
        assert "b\\u043eb@sued.example (shown as b\u043eb@sued.example)" in text
        assert ": b\\u043eb@sued.example looks like bob@sued.example, of whom" in text
        assert "letters of several alphabets in one word: b\\u043eb" in text
    (row,) = command.ask("pending", "list")
    assert row["from"] == "b\u043eb@sued.example"
    assert row["spelled_out"] == "b\\u043eb@sued.example"
    assert {each["code"] for each in row["lookalikes"]} == {"mixed-scripts", "looks-like-partner"}
    assert command.ask("pending", "show", id_)["lookalikes"] == row["lookalikes"]


def test_a_look_alike_of_ours_is_named_when_it_is_approved(
    command: Command, bob: TestIdentity
) -> None:
    id_ = waits(command, f"alice@{N0RD}", bob)
    for words in ((), ("--as-domain",), ("--include-subdomains", "--as-domain")):
        line = command.refused("pending", "approve", id_, *words)
        assert line.startswith(f"alice@{N0RD} has letters of several alphabets in one word: ")
        assert "if you mean it all the same, say for whom it is: --for" in line
    text = command.ok("pending", "approve", id_, "--for", f"alice@{N0RD}")
    assert f"alice@{N0RD} looks like nord.example, which is ours, and is another domain" in text
    text = command.ok("partner", "list")
    assert f"alice@{N0RD} (shown as alice@n\u043erd.example)" in text
    assert "which is ours" in text
    (row,) = command.ask("partner", "list")
    assert [each["of"] for each in row["lookalikes"]] == ["n\u043erd", "nord.example"]
    assert "which is ours" in command.ok("partner", "show", row["id"])
    assert f"alice@{N0RD} (shown as" in command.ok("partner", "disable", row["id"])


# A certificate for alice, in a message from \u0430lice: approved, both would be bound to it.
def test_a_sender_that_looks_like_who_is_in_his_certificate_is_named(
    command: Command, issued: Callable[[str], TestIdentity]
) -> None:
    id_ = waits(command, "\u0430lice@sued.example", issued("alice@sued.example"))
    word = "looks like alice@sued.example, which the certificate names, and is another address"
    assert word in command.ok("pending", "show", id_)
    assert f"warning for {id_}: \\u0430lice@sued.example {word}" in command.ok("pending", "list")
    assert "alphabets" in command.refused("pending", "approve", id_)
    text = command.ok("pending", "approve", id_, "--for", "\u0430lice@sued.example")
    assert "for \\u0430lice@sued.example: it names another address: alice@sued.example" in text


# Nobody says yes to these by a number alone; to a name in another alphabet he may.
@pytest.mark.parametrize(
    ("address", "is_plain"),
    [
        ("b0b@sued.example", False),
        ("bob@n0rd.example", False),
        ("b\u3164ob@west.example", False),
        ("\u0431\u043e\u0431@west.example", True),
        ("\u0430\u0441\u0435@west.example", True),
        ("eve@west.example", True),
    ],
)
def test_a_look_alike_is_approved_by_its_name_only(
    command: Command, bob: TestIdentity, address: str, is_plain: bool
) -> None:
    command.ok("partner", "import", command.file("bob.pem", bob.pem))
    id_ = waits(command, address, bob)
    if is_plain:
        command.ok("pending", "approve", id_)
    else:
        assert "--for ADDRESS_OR_DOMAIN" in command.refused("pending", "approve", id_)
        command.ok("pending", "approve", id_, "--for", "info@sued.example")
    assert len(command.ask("partner", "list")) == 2


def test_an_authority_is_shown_to_be_compared(command: Command, root: TestCA) -> None:
    fingerprint = Certificate.from_der(root.certificate).fingerprint
    text = command.ok("trust", "add", command.file("root.pem", root.identity.pem))
    assert f"compare the fingerprint with its owner: {fingerprint}" in text
    assert "warning" not in text
    twin = ca("R\u043e\u043et")
    text = command.ok("trust", "add", command.file("twin.pem", twin.identity.pem))
    assert "\nwarning: its subject has letters of several alphabets in one word: R" in text


def test_a_rejected_look_alike_is_named(command: Command, bob: TestIdentity) -> None:
    command.ok("pending", "reject", waits(command, CYRILLIC, bob))
    assert AS_ASCII in command.ok("pending", "list", "--rejected")


def test_an_import_under_a_look_alike_is_warned_of(command: Command, bob: TestIdentity) -> None:
    words = ("partner", "import", command.file("bob.pem", bob.pem), "--for", "bob@n0rd.example")
    assert "warning: bob@n0rd.example looks like nord.example, which is ours" in command.ok(*words)
    assert command.ask(*words)[0]["lookalikes"][0]["code"] == "looks-like-ours"


def test_plain_names_are_not_commented_on(command: Command, bob: TestIdentity) -> None:
    command.ok("partner", "import", command.file("bob.pem", bob.pem))
    id_ = waits(command, "eve@sued.example", bob)
    for words in (("pending", "list"), ("pending", "show", id_), ("partner", "list")):
        assert "warning" not in command.ok(*words)
        assert "lookalikes" not in command.ok(*words)
    assert command.ask("partner", "list")[0]["lookalikes"] == []


def test_capitals_make_no_other_address(command: Command, root: TestCA) -> None:
    loud = root.issue("Bob.MILLER@Sued.Example")
    command.ok("partner", "import", command.file("bob.pem", loud.pem))
    id_ = waits(command, "bob.miller@sued.example", loud)
    for words in (("pending", "list"), ("pending", "show", id_), ("partner", "list")):
        assert "warning" not in command.ok(*words)


# What a stranger has written into his certificate.
HOSTILE = (
    "\x1b[2J\x1b[1;1Happroved",
    "\u202emoc.elpmaxe@ecila\u202c",
    "Bob\r\nfingerprint 0000",
    "\u2066Bob\u2069\u200b\u3164\ufeff",
    "\u009b31mBob",
    "\u0410lice",
)


@pytest.mark.parametrize("common_name", HOSTILE, ids=ascii)
def test_nothing_that_a_terminal_obeys_comes_out_of_a_certificate(
    command: Command, root: TestCA, common_name: str
) -> None:
    san = x509.SubjectAlternativeName([x509.RFC822Name("bob@sued.example")])
    identity = root.issue("bob@sued.example", subject=dn(common_name), san=san)
    id_ = waits(command, "bob@sued.example", identity)
    printed = [command.ok("pending", *words) for words in (("list",), ("show", id_))]
    printed.append(command.ok("pending", "approve", id_))
    printed += [command.ok("partner", *words) for words in (("list",), ("show", "1"))]
    for text in printed:
        lines = text.split("\n")
        assert all(unicodedata.category(char)[0] != "C" for line in lines for char in line)
        assert not any(line.startswith("fingerprint 0000") for line in lines)
    if common_name == HOSTILE[-1]:
        assert "its subject has letters of several alphabets in one word: \\u0410lice" in printed[1]
    assert json.loads(command.ok("partner", "list", "--json"))[0]["subject"]
