import pytest

from app.model.accounts import authenticate
from app.model.database import open_database
from tests.cli.conftest import PASSWORD, Command


@pytest.fixture(name="password")
def make_password(command: Command) -> str:
    return str(command.file("password", PASSWORD + "\n"))


@pytest.fixture(name="alice")
def make_alice(command: Command, password: str) -> str:
    command.ok("account", "add", "alice", "--password-file", password)
    return "alice"


def test_an_account_is_made_used_and_removed(command: Command, alice: str) -> None:
    key = command.ask("key", "new", "alice@nord.example", "--kind", "ec-p256")["id"]
    assert command.ask("account", "assign", alice, key)["keys"] == [key]
    assert command.ask("account", "group", alice, "system-mail")["groups"] == ["system-mail"]
    assert command.ask("account", "group", alice, "system-mail", "--leave")["groups"] == []
    (row,) = command.ask("account", "list")
    assert row["id"] == "alice"
    assert "alice" in command.ok("account", "list")
    command.ok("account", "remove", alice)
    assert command.ask("account", "list") == []


def test_an_account_has_addresses_and_delegations(command: Command, password: str) -> None:
    words = ("account", "add", "Bernd@nord.example", "--address", "info@nord.example")
    row = command.ask(*words, "--password-file", password)
    assert row["addresses"] == ["bernd@nord.example", "info@nord.example"]
    delegated = command.ask("account", "delegate", "bernd@nord.example", "boss@nord.example")
    assert delegated["delegations"] == ["boss@nord.example"]


def test_a_password_is_changed_and_kept_as_a_hash_only(command: Command, alice: str) -> None:
    new = "another good password"
    file = command.file("new", new)
    command.ok("account", "password", alice, "--password-file", file)
    database = open_database(f"sqlite:///{command.folder}/sealmon.db")
    assert authenticate(database, alice, new)
    assert not authenticate(database, alice, PASSWORD)
    database.close()
    assert new not in "".join(command.fingerprint())


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("add", "bernd"), "is needed and there is no terminal"),
        (("add", "bernd", "--password-file", "absent"), "absent: No such file"),
        (("add", "a b", "--password-file", "PASSWORD"), "'a b' is no login"),
        (("add", "alice", "--password-file", "PASSWORD"), "an account alice already"),
        (("add", "bernd", "--address", "x", "--password-file", "PASSWORD"), "'x' is no address"),
        (("password", "nobody", "--password-file", "PASSWORD"), "no account nobody"),
        (("assign", "alice", "none"), "there is no key none"),
        (("assign", "nobody", "none"), "no account nobody"),
        (("group", "alice", "wheel"), "there is no group wheel"),
        (("remove", "nobody"), "no account nobody"),
    ],
)
def test_bad_accounts_are_refused_in_one_line(
    command: Command, alice: str, password: str, words: tuple[str, ...], expected: str
) -> None:
    given = [password if word == "PASSWORD" else word for word in words]
    assert expected in command.refused("account", *given)


def test_a_short_password_is_refused(command: Command) -> None:
    file = command.file("short", "short")
    assert "10 to 1024" in command.refused("account", "add", "bernd", "--password-file", file)
