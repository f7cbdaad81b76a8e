from collections.abc import Callable

import pytest

from tests.cli.conftest import Command
from tests.testpki import TestIdentity


def test_a_domain_is_added_shown_and_removed(command: Command) -> None:
    shown = "xn--sd-xka.example (shown as süd.example)"
    assert f"{shown} is managed" in command.ok("domain", "add", "Süd.Example")
    assert shown in command.ok("domain", "list")
    assert [row["id"] for row in command.ask("domain", "list")] == [
        "nord.example",
        "xn--sd-xka.example",
    ]
    assert command.ask("domain", "show", "süd.example")["name"] == "xn--sd-xka.example"
    command.ok("domain", "remove", "süd.example")
    assert len(command.ask("domain", "list")) == 1


def test_a_domain_signs_to_its_list(command: Command) -> None:
    row = command.ask("domain", "sign-to", "nord.example", ".sued.example", "Bob@West.Example")
    assert row["sign_to"] == [".sued.example", "bob@west.example"]
    assert command.ask("domain", "sign-to", "nord.example")["sign_to"] == []


def test_a_domain_has_a_key_and_the_former_one_decrypts(command: Command) -> None:
    keys = [
        command.ask("key", "new", "--domain", "nord.example", "--kind", "ec-p256")["id"]
        for _ in range(2)
    ]
    for key in keys:
        command.ok("domain", "key", "nord.example", key)
    states = {key["id"]: key["state"] for key in command.ask("domain", "list")[0]["keys"]}
    assert states == {keys[0]: "retired", keys[1]: "active"}
    assert f"({keys[0]})" in command.ok("domain", "list")


# Own people as partners, the other way round: the book was there first.
def test_what_is_known_of_a_domain_that_becomes_ours_is_told(
    command: Command, issued: Callable[[str], TestIdentity]
) -> None:
    file = command.file("bob.pem", issued("bob@sued.example").pem)
    for name in ("bob@sued.example", "sued.example", "bob@s.ued.example", "bob@notsued.example"):
        command.ok("partner", "import", file, "--for", name)
    assert command.ask("domain", "add", "s_ed.example")["warnings"] == []
    text = command.ok("domain", "add", "sued.example")
    assert "\nwarning: 2 entries of the partner book are of sued.example: " in text
    assert "sealmon partner list --domain sued.example" in text
    found = command.ask("partner", "list", "--domain", "SUED.example.")
    assert [row["name"] for row in found] == ["bob@sued.example", "sued.example"]
    assert command.ask("partner", "list", "--domain", "nowhere") == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("add", "192.0.2.1"), "'192.0.2.1': an IP address is no domain"),
        (("add", "nord.example"), "managed already"),
        (("add", "example"), "no registered domain"),
        (("add", "*@nord.example"), "'*@nord.example'"),
        (("add", ""), "''"),
        (("add", "a b.example"), "'a b.example'"),
        (("add", "x" * 70 + ".example"), ".example'"),
        (("add", "nord..example"), "'nord..example'"),
        (("add", "\x1b[31m.example"), "\\x1b[31m"),
        (("add", "a\0b.example"), "a\\x00b"),
        (("show", "west.example"), "not managed: sealmon domain add west.example"),
        (("remove", "west.example"), "not managed"),
        (("key", "nord.example", "none"), "there is no key none: see sealmon key list"),
        (("key", "west.example", "none"), "not managed"),
        (("sign-to", "nord.example", "no@@address"), "'no@@address'"),
        (("sign-to", "west.example", "a@b.example"), "not managed"),
    ],
)
def test_bad_domains_are_refused_in_one_line(
    command: Command, words: tuple[str, ...], expected: str
) -> None:
    assert expected in command.refused("domain", *words)
