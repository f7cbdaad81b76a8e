"""``sealmon try`` over whole messages: what one installation signs and seals, another one opens."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command, installed, key_file
from tests.testpki import TestCA, TestIdentity

LETTER = (
    b"From: Alice <alice@nord.example>\r\n"
    b"To: Bob <bob@sued.example>\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Message-ID: <1@nord.example>\r\n"
    b"Date: Tue, 24 Nov 2026 08:00:00 +0100\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 7bit\r\n"
    b"\r\n"
    b"Hello Bob.\r\n"
)
KEYS = {
    "file",
    "direction",
    "recipient",
    "reply",
    "states",
    "signature",
    "decryption",
    "subject",
    "authentication_results",
    "plan",
    "result",
}

Issue = Callable[[str], TestIdentity]


@pytest.fixture(name="nord")
def make_nord(command: Command, root: TestCA, issued: Issue) -> Command:
    """nord.example, where alice has a key that relays sign with, and bob's certificate is known."""
    command.ok("trust", "add", command.file("root.pem", root.identity.pem))
    alice = command.file("alice.pem", key_file(issued("alice@nord.example")))
    key = command.ask("key", "import", alice)[0]["id"]
    command.ok("relay", "key", "add", key)
    command.ok("relay", "add", "192.0.2.10")
    command.ok("partner", "import", command.file("bob.pem", issued("bob@sued.example").pem))
    return command


@pytest.fixture(name="letter")
def make_letter(nord: Command) -> Path:
    return nord.file("letter.eml", LETTER)


def one(text: str) -> dict[str, object]:
    """Return the one line of JSON that was printed."""
    lines = text.splitlines()
    assert len(lines) == 1
    row: dict[str, object] = json.loads(lines[0])
    return row


def test_a_line_has_the_keys_that_scripts_rely_on(nord: Command, letter: Path) -> None:
    row = one(nord.ok("try", "outbound", "--peer", "192.0.2.10", letter))
    assert set(row) >= KEYS
    assert row["file"] == str(letter)
    assert row["recipient"] == "bob@sued.example"
    assert row["states"] == ["START", "CLEANED", "SIGNED", "ENCRYPTED"]
    assert str(row["reply"]).startswith("250 2.")
    assert row["subject"] == "Grüße"
    plan = row["plan"]
    assert isinstance(plan, dict)
    assert plan["sign"]["value"] == "auto"
    assert plan["sign"]["route"] == "everything else"
    result = row["result"]
    assert isinstance(result, dict)
    assert result["protected"] == "signed+encrypted"


def test_the_result_is_written_and_its_digest_is_that_of_the_line(
    nord: Command, letter: Path
) -> None:
    out = nord.folder / "out.eml"
    row = one(nord.ok("try", "outbound", "--peer", "192.0.2.10", "--out", out, letter))
    octets = out.read_bytes()
    result = row["result"]
    assert isinstance(result, dict)
    assert result["sha256"] == hashlib.sha256(octets).hexdigest()
    assert result["octets"] == len(octets)
    assert b"Hello Bob" not in octets


def test_what_one_side_seals_the_other_side_opens(
    nord: Command,
    letter: Path,
    root: TestCA,
    issued: Issue,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = nord.folder / "out.eml"
    nord.ok("try", "outbound", "--peer", "192.0.2.10", "--out", out, letter)
    sued = installed(tmp_path_factory.mktemp("sued"), monkeypatch)
    sued.ok("init")
    sued.ok("domain", "add", "sued.example")
    sued.ok("trust", "add", sued.file("root.pem", root.identity.pem))
    sued.ok("key", "import", sued.file("bob.pem", key_file(issued("bob@sued.example"))))
    row = one(sued.ok("try", "inbound", out))
    assert row["states"] == ["START", "DECRYPTED", "VERIFIED", "TAGGED"]
    signature, decryption = row["signature"], row["decryption"]
    assert isinstance(signature, dict)
    assert isinstance(decryption, dict)
    assert decryption["status"] == "decrypted"
    assert signature["status"] == "valid"
    assert signature["signer"] == "alice@nord.example"
    assert signature["from"] == "alice@nord.example"
    assert "smime=pass" in str(row["authentication_results"])
    assert str(row["subject"]).startswith("[VERSCHLÜSSELT] [SIGNIERT] ")
    # It says what would be learned, and learns nothing: try changes nothing.
    learned = row["learned"]
    assert isinstance(learned, dict)
    assert (learned["outcome"], learned["reasons"]) == ("stored", [])
    assert sued.ask("partner", "list") == []
    assert sued.ask("trace") == []


def test_a_validity_is_judged_at_the_moment_that_is_given(
    nord: Command, letter: Path, issued: Issue
) -> None:
    words = ("try", "outbound", "--peer", "192.0.2.10", letter, "--at")
    now = one(nord.ok(*words, "2026-06-15T12:00:00Z"))
    later = one(nord.ok(*words, "2055-01-01T00:00:00Z"))
    assert isinstance(now["result"], dict)
    assert isinstance(later["result"], dict)
    assert now["result"]["protected"] == "signed+encrypted"
    assert later["result"]["protected"] == "clear"


def test_a_stranger_may_not_relay(nord: Command, letter: Path) -> None:
    row = one(nord.ok("try", "outbound", "--peer", "203.0.113.5", letter))
    assert str(row["reply"]).startswith("550 5.7.1 ")


def test_a_login_signs_with_its_key(nord: Command, letter: Path) -> None:
    key = nord.ask("key", "list")[0]["id"]
    password = nord.file("password", "a good password")
    nord.ok("account", "add", "alice", "--password-file", password)
    nord.ok("account", "assign", "alice", key)
    nord.ok("account", "group", "alice", "system-mail")
    row = one(nord.ok("try", "outbound", "--login", "alice", letter))
    assert isinstance(row["result"], dict)
    assert row["result"]["protected"] == "signed+encrypted"


def test_a_file_with_bare_line_ends_is_taken_as_a_client_would_send_it(
    nord: Command, letter: Path
) -> None:
    local = nord.file("local.eml", LETTER.replace(b"\r\n", b"\n"))
    rows = [
        one(nord.ok("try", "inbound", "--to", "alice@nord.example", file))["result"]
        for file in (letter, local)
    ]
    assert isinstance(rows[0], dict)
    assert isinstance(rows[1], dict)
    assert rows[0]["octets"] == rows[1]["octets"]


def test_json_is_printed_with_and_without_the_word(nord: Command, letter: Path) -> None:
    words = ("try", "inbound", "--to", "alice@nord.example", letter)
    assert one(nord.ok(*words)).keys() == one(nord.ok(*words, "--json")).keys()
    assert one(nord.ok("--json", *words)).keys() >= KEYS


def test_one_bad_file_does_not_stop_the_others(nord: Command, letter: Path) -> None:
    result = nord.run("try", "inbound", "--to", "alice@nord.example", "absent.eml", letter)
    assert result.exit_code == 1
    assert one(result.stdout)["file"] == str(letter)
    assert result.stderr.splitlines() == [
        "sealmon: absent.eml: No such file or directory; give a file that can be read",
        "sealmon: 1 of 2 files could not be tried; see above",
    ]


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        (b"To: alice@nord.example, bernd@nord.example\r\n", None),
        (b"To: alice@nord.example\r\nTo: bernd@nord.example\r\n", None),
        (b"To: undisclosed-recipients:;\r\n", None),
        (b"", None),
        (b"To: <<>>\r\n", None),
        (b"To: Alice <Alice@Nord.Example>\r\n", "Alice@Nord.Example"),
    ],
)
def test_the_recipient_is_guessed_only_where_there_is_one(
    nord: Command, to: bytes, expected: str | None
) -> None:
    file = nord.file("a.eml", b"From: bob@sued.example\r\n" + to + b"\r\nx\r\n")
    result = nord.run("try", "inbound", file)
    if expected is None:
        assert result.exit_code == 1
        assert "give --to" in result.stderr
    else:
        assert one(result.stdout)["recipient"] == expected


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\r\n",
        b"\0" * 100,
        b"\xff\xfe" * 1000,
        b"Content-Type: multipart/signed\r\n\r\n",
        b"Content-Type: application/pkcs7-mime\r\n\r\n\x30\x80",
        b"From: a@b@c\r\nFrom: <\r\n\r\n",
        b"A" * 100_000,
    ],
)
def test_any_octets_are_tried(nord: Command, octets: bytes) -> None:
    file = nord.file("odd.eml", octets)
    for direction, words in (("inbound", ()), ("outbound", ("--peer", "192.0.2.10"))):
        row = one(nord.ok("try", direction, "--to", "alice@nord.example", *words, file))
        assert str(row["reply"])[:1] in {"2", "4", "5"}


def test_a_hundred_files_take_seconds(nord: Command) -> None:
    files = [nord.file(f"{number}.eml", LETTER) for number in range(100)]
    lines = nord.ok("try", "outbound", "--peer", "192.0.2.10", *files).splitlines()
    assert len(lines) == 100


@pytest.mark.parametrize(
    "words",
    [
        ("sideways", "letter.eml"),
        ("inbound",),
        ("inbound", "a", "b", "--out", "c"),
        ("inbound", "a", "--login", "l", "--peer", "192.0.2.1"),
        ("inbound", "a", "--at", "yesterday"),
    ],
)
def test_wrong_usage_is_status_two(nord: Command, words: tuple[str, ...]) -> None:
    nord.refused("try", *words, status=2)


def test_a_peer_is_an_address(nord: Command, letter: Path) -> None:
    line = nord.refused("try", "outbound", "--peer", "mail.nord.example", letter)
    assert "'mail.nord.example' is no IP address" in line


def test_explain_shows_every_field_with_its_route(nord: Command) -> None:
    words = ("explain", "--from", "alice@nord.example", "--to", "bob@sued.example")
    plan = nord.ask(*words, "--peer", "192.0.2.10")
    assert plan["encrypt"]["value"] == "auto"
    assert plan["encrypt"]["route"] == "everything else"
    assert plan["encrypt"]["fingerprints"]
    assert plan["sign"]["key"] == nord.ask("key", "list")[0]["id"]
    text = nord.ok(*words, "--peer", "192.0.2.10")
    assert "outbound to bob@sued.example" in text
    assert "everything else" in text


def test_explain_knows_the_direction(nord: Command) -> None:
    words = ("explain", "--from", "bob@sued.example", "--to", "alice@nord.example")
    assert "inbound to alice@nord.example" in nord.ok(*words)
    assert "verify" in nord.ask(*words)


def test_explain_reads_the_message(nord: Command, letter: Path) -> None:
    words = ("explain", "--from", "alice@nord.example", "--to", "bob@sued.example")
    assert nord.ask(*words, "--peer", "192.0.2.10", letter)["sign"]["kind"] == "personal"


@pytest.mark.parametrize(
    "address", ["", "<>", "nonsense", "a@b@c", "\0", "x" * 5000 + "@a.example"]
)
def test_explain_takes_any_reverse_path(nord: Command, address: str) -> None:
    nord.ask("explain", "--from", address, "--to", "bob@sued.example", "--peer", "192.0.2.10")


def test_a_recipient_without_a_domain_is_explained_as_it_is_delivered(command: Command) -> None:
    said = command.ok("explain", "--from", "x@sued.example", "--to", "postmaster")
    assert said.startswith("inbound to postmaster")
