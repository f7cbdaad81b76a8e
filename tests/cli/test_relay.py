import pytest

from tests.cli.conftest import Command

SECRET = "a-long-random-word"


def test_a_relay_is_added_listed_and_removed(command: Command) -> None:
    row = command.ask("relay", "add", "192.0.2.10")
    assert (row["network"], row["xforward"], row["warnings"]) == ("192.0.2.10/32", False, [])
    assert "none, so nothing of theirs is signed" in command.ok("relay", "list")
    command.ok("relay", "remove", row["id"])
    assert command.ask("relay", "list") == []


def test_our_own_mta_hands_over(command: Command) -> None:
    assert command.ask("relay", "add", "127.0.0.1/32", "--xforward")["xforward"] is True


def test_the_secret_of_a_relay_is_not_kept(command: Command) -> None:
    row = command.ask("relay", "add", "40.92.0.0/15", "--header", f"X-Nord:{SECRET}")
    assert row["header"] == "X-Nord"
    assert SECRET not in "".join(command.fingerprint())
    assert SECRET not in command.ok("relay", "list", "--json")


@pytest.mark.parametrize("network", ["192.0.0.0/16", "2001:db8::/48", "40.92.0.0/15"])
def test_a_wide_relay_is_warned_of(command: Command, network: str) -> None:
    assert "warning: " in command.ok("relay", "add", network)  # C8


def test_a_key_for_relays_is_added_listed_and_removed(command: Command) -> None:
    key = command.ask("key", "new", "alice@nord.example", "--kind", "ec-p256")["id"]
    command.ok("relay", "key", "add", key)
    assert command.ask("relay", "key", "list") == [{"id": key}]
    assert f"keys: {key}" in command.ok("relay", "list")
    assert command.ask("key", "show", key)["relay"] is True
    command.ok("relay", "key", "remove", key)
    assert command.ask("relay", "key", "list") == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("add", "mail.nord.example"), "host names are not taken"),
        (("add", "192.0.2.300"), "no IP address or CIDR"),
        (("add", "192.0.2.10/24"), "did you mean 192.0.2.0/24?"),
        (("add", "0.0.0.0/0"), "open relay"),
        (("add", "::/0"), "open relay"),
        (("add", ""), "no IP address"),
        (("add", "192.0.2.1", "--header", "nonsense"), "give NAME:SECRET"),
        (("add", "192.0.2.1", "--header", "X-A:short"), "16 or more"),
        (("add", "192.0.2.1", "--header", f"X A:{SECRET}"), "no header field name"),
        (("remove", "7"), "there is no relay 7: see sealmon relay list"),
        (("key", "add", "none"), "there is no key none"),
        (("key", "remove", "none"), "key none is not listed"),
    ],
)
def test_bad_relays_are_refused_in_one_line(
    command: Command, words: tuple[str, ...], expected: str
) -> None:
    assert expected in command.refused("relay", *words)


def test_a_relay_stands_once(command: Command) -> None:
    command.ok("relay", "add", "192.0.2.10")
    assert "listed already" in command.refused("relay", "add", "192.0.2.10/32")
