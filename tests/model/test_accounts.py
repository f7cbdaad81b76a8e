"""Accounts: passwords that nobody can read back, and what a login may say it is (C7)."""

import pytest

from app.model import accounts, keys
from app.model.database import Database
from app.model.errors import Refused
from app.model.snapshot import Store
from tests.model.conftest import look_again
from tests.model.house import ALICE, person
from tests.testpki import AT
from tests.timing import own_time

PASSWORD = "correct horse battery"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a guess cheap, where nothing is said about what it costs."""
    monkeypatch.setattr(accounts, "_COST", 2**10)
    monkeypatch.setattr(accounts, "_NOBODY", accounts._encoded(bytes(16), bytes(32)))


def test_a_login_sends_as_its_own_address_and_those_of_its_keys(store: Store) -> None:
    database = store.database
    (key,) = keys.import_keys(database, person(ALICE).key_pem + person(ALICE).pem, None, AT)
    accounts.add(database, "Mueller@Nord.Example", PASSWORD, AT, addresses=["INFO@nord.example"])
    accounts.assign(database, "mueller@nord.example", key["id"])
    rule = look_again(store).snapshot().accounts["mueller@nord.example"]
    assert rule.addresses == {ALICE, "mueller@nord.example", "info@nord.example"}
    assert rule.key_ids == {key["id"]}
    assert not rule.may_send
    accounts.group(database, "mueller@nord.example", "system-mail")
    accounts.delegate(database, "mueller@nord.example", ["chef@nord.example"])
    rule = look_again(store).snapshot().accounts["mueller@nord.example"]
    assert rule.may_send
    assert rule.delegations == {"chef@nord.example"}
    assert look_again(store).snapshot().account(" MUELLER@nord.example ") is rule
    assert store.snapshot().account("nobody") is None
    accounts.ungroup(database, "mueller@nord.example")
    assert not look_again(store).snapshot().accounts["mueller@nord.example"].may_send


def test_only_the_right_password_is_the_right_one(database: Database, quick: None) -> None:
    accounts.add(database, "alice", PASSWORD, AT)
    assert accounts.authenticate(database, "alice", PASSWORD)
    assert accounts.authenticate(database, " ALICE ", PASSWORD)
    for login, password in (("alice", PASSWORD[:-1]), ("alice", ""), ("bob", PASSWORD), ("", "")):
        assert not accounts.authenticate(database, login, password)
    assert not accounts.authenticate(database, "alice", "x" * 10**6)
    accounts.set_password(database, "alice", "another password")
    assert not accounts.authenticate(database, "alice", PASSWORD)
    assert accounts.authenticate(database, "alice", "another password")


# T123
def test_an_unknown_login_takes_as_long_as_a_known_one(database: Database) -> None:
    accounts.add(database, "alice", PASSWORD, AT)

    def seconds(login: str) -> float:
        with own_time() as own:
            accounts.authenticate(database, login, "wrong password")
        return own.seconds

    # By turns, so that a core that is slow for a while is slow for both; the quickest of each.
    turns = [(seconds("alice"), seconds("nobody")) for _ in range(5)]
    known, unknown = map(min, zip(*turns, strict=True))
    assert 0.5 < known / unknown < 2


# T129
def test_nothing_of_a_password_is_stored_or_shown(database: Database) -> None:
    shown = accounts.add(database, "alice", PASSWORD, AT)
    (stored,) = database.sql("SELECT password FROM account")[0]
    assert stored.startswith("scrypt$32768$8$1$")
    accounts.add(database, "bob", PASSWORD, AT)
    assert len(set(database.sql("SELECT password FROM account"))) == 2, "salted"
    assert "password" not in shown
    assert PASSWORD not in str(shown) + str(accounts.list_accounts(database))


BAD = [
    ("", PASSWORD, (), "no login"),
    ("a b", PASSWORD, (), "no login"),
    ("a\nb", PASSWORD, (), "no login"),
    ("x" * 101, PASSWORD, (), "no login"),
    ("alice", "short", (), "a password has"),
    ("alice", "x" * 2000, (), "a password has"),
    ("alice", PASSWORD, ("nonsense",), "is no address"),
    ("a@b@c", PASSWORD, (), "is no"),
]


@pytest.mark.parametrize(("login", "password", "addresses", "why"), BAD)
def test_a_bad_account_is_refused(
    database: Database, login: str, password: str, addresses: tuple[str, ...], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        accounts.add(database, login, password, AT, addresses=addresses)
    assert accounts.list_accounts(database) == []


def test_an_account_is_made_once_and_removed(database: Database, quick: None) -> None:
    accounts.add(database, "alice", PASSWORD, AT)
    with pytest.raises(Refused, match="already"):
        accounts.add(database, "ALICE", PASSWORD, AT)
    with pytest.raises(Refused, match="no group"):
        accounts.group(database, "alice", "admins")
    with pytest.raises(Refused, match="there is no key"):
        accounts.assign(database, "alice", "nonsense")
    accounts.remove(database, "alice")
    with pytest.raises(Refused, match="no account"):
        accounts.remove(database, "alice")
    assert not accounts.authenticate(database, "alice", PASSWORD)


@pytest.mark.parametrize("login", ["\0", "\ud800", "' OR 1=1 --", "\n", "x" * 10**6])
def test_no_login_is_more_than_unknown(database: Database, quick: None, login: str) -> None:
    assert not accounts.authenticate(database, login, PASSWORD)
