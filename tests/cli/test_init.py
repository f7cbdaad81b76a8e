import json
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Command, installed


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_init_makes_a_database_and_a_master_key_that_only_their_owner_reads(bare: Command) -> None:
    bare.ok("init")
    assert mode(bare.folder / "sealmon.db") == 0o600
    assert mode(bare.folder / "keys" / "master.key") == 0o600
    assert mode(bare.folder / "keys") == 0o700  # T134


def test_init_says_what_it_made(bare: Command) -> None:
    made = bare.ask("init")
    assert made["master_key"].endswith("keys/master.key")
    assert made["database"].endswith("sealmon.db")


# T124: there is nothing by which somebody could come in before the owner has said so.
def test_a_new_installation_lets_nobody_in(
    bare: Command, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.ok("init")
    for noun in ("account", "relay", "domain", "trust", "partner", "key"):
        assert bare.ask(noun, "list") == [], noun
    letter = bare.file("letter.eml", b"From: a@nord.example\r\nTo: b@sued.example\r\n\r\nHello\r\n")
    logins = ("admin", "root", "sealmon", "postmaster", "test")
    who = [
        ("--peer", "127.0.0.1"),
        ("--peer", "192.0.2.10"),
        *(("--login", each) for each in logins),
    ]
    for reply in ("451 4.3.5 ", "550 5.7.1 "):
        for each in who:
            row = json.loads(bare.ok("try", "outbound", *each, letter))
            assert row["reply"].startswith(reply), each
        bare.run("domain", "add", "nord.example")
    key = (bare.folder / "keys" / "master.key").read_bytes()
    other = installed(tmp_path_factory.mktemp("other"), monkeypatch)
    other.ok("init")
    assert (other.folder / "keys" / "master.key").read_bytes() != key


def test_init_refuses_where_there_is_a_database(command: Command) -> None:
    assert "there is a database already" in command.refused("init")
    assert [row["name"] for row in command.ask("domain", "list")] == ["nord.example"]


def test_init_after_a_crash_goes_on_with_the_key_that_is_there(bare: Command) -> None:
    bare.ok("init")
    key = (bare.folder / "keys" / "master.key").read_bytes()
    (bare.folder / "sealmon.db").unlink()
    bare.ok("init")
    assert (bare.folder / "keys" / "master.key").read_bytes() == key


def test_without_a_database_every_verb_says_what_to_do(bare: Command) -> None:
    assert "run sealmon init" in bare.refused("domain", "list")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://localhost/x", "database: must be sqlite:///PATH or postgresql://"),
        ("sqlite:////proc/none/sealmon.db", "see the setting database"),
    ],
)
def test_a_database_that_cannot_be_is_one_line(
    bare: Command, monkeypatch: pytest.MonkeyPatch, url: str, expected: str
) -> None:
    monkeypatch.setenv("SEALMON_DATABASE", url)
    assert expected in bare.refused("init")


def test_a_file_that_is_no_database_is_one_line(bare: Command) -> None:
    bare.file(
        "sealmon.db", b"this is a letter, not a database, and it is long enough to be read" * 20
    )
    for words in (("domain", "list"), ("init",), ("status",)):
        assert "see the setting database" in bare.refused(*words)


def test_a_password_of_the_database_is_never_shown(
    bare: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://sealmon:s3cret@127.0.0.1:1/sealmon"
    monkeypatch.setenv("SEALMON_DATABASE", url)
    line = bare.refused("domain", "list")
    assert "s3cret" not in line  # T132
    assert "postgresql://sealmon:…@127.0.0.1:1/sealmon" in line
    monkeypatch.setenv("SEALMON_DATABASE", url.replace("postgresql", "postgres"))
    assert "s3cret" not in bare.refused("domain", "list")


def test_a_bad_setting_is_named(bare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALMON_WORKERS", "many")
    assert bare.refused("domain", "list").startswith("workers: ")


def test_a_bad_first_policy_stops_init(bare: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bare.folder)
    (bare.folder / "config").mkdir()
    bare.file("config/policy.toml", "route = 1")
    assert "the policy has no [[route]]" in bare.refused("init")
    assert not bare.fingerprint()


@pytest.mark.parametrize("what", ["missing", "open", "garbage"])
def test_a_bad_master_key_is_named(command: Command, what: str) -> None:
    file = command.folder / "keys" / "master.key"
    if what == "missing":
        file.unlink()
    elif what == "open":
        file.chmod(0o644)
    else:
        file.write_bytes(b"not a key")
    letter = command.file("letter.eml", b"From: a@b.example\r\nTo: c@nord.example\r\n\r\n")
    assert "master.key" in command.refused("try", "inbound", letter)
