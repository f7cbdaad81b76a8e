import pytest

from tests.cli.conftest import Command


def test_a_domain_is_added_shown_and_removed(command: Command) -> None:
    command.ok("domain", "add", "Süd.Example")
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


@pytest.mark.parametrize(
    ("words", "expected"),
    [
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
