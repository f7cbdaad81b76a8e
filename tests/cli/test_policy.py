import pytest

from tests.cli.conftest import Command

BANK = """
[[route]]
name = "bank"
direction = "outbound"
to = "(any)@(bank)"
captures = { bank = "bank\\\\.example" }
encrypt = "require"

"""


def test_what_is_exported_can_be_applied(command: Command) -> None:
    text = command.ok("policy", "export")
    assert command.ask("policy", "apply", command.file("policy.toml", text)) == []
    assert command.ok("policy", "export") == text


def test_a_route_is_put_in_force(command: Command) -> None:
    file = command.file("policy.toml", BANK + command.ok("policy", "export"))
    assert command.ask("policy", "apply", file) == [{"id": "bank", "change": "added"}]
    assert [row["id"] for row in command.ask("policy", "show")] == ["bank", "everything else"]
    assert "encrypt=require" in command.ok("policy", "show")
    plan = command.ask("explain", "--from", "alice@nord.example", "--to", "x@bank.example")
    assert plan["encrypt"]["route"] == "bank"
    assert plan["refusal"] == "cannot-encrypt"


def test_a_dry_run_changes_nothing(command: Command) -> None:
    file = command.file("policy.toml", BANK + command.ok("policy", "export"))
    before = command.ask("policy", "show")
    assert command.ask("policy", "apply", "--dry-run", file) == [{"id": "bank", "change": "added"}]
    assert command.ask("policy", "show") == before


def test_the_policy_can_be_asked_as_json(command: Command) -> None:
    assert "[[route]]" in command.ask("policy", "export")["toml"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the policy has no [[route]]"),
        ("[[route]", "the policy is not TOML"),
        ("a = 1", "only [[route]] can stand there"),
        ('[[route]]\nname = "x"\nencrypt = "perhaps"\n', "route 'x', encrypt: 'perhaps' is not"),
        ('[[route]]\nname = "x"\nfoo = 1\n', "route 'x', foo: there is no such field"),
        ('[[route]]\nname = "x"\nto = "(any)@(bank)"\n', "route 'x', to:"),
        ('[[route]]\nname = "x"\nto = "(a)"\ncaptures = {a = "((((((a+)+)+)+)+)+)+"}\n', "'x'"),
        ('[[route]]\nname = "bank"\n', "route 'bank', verify: the last route must set every field"),
    ],
)
def test_a_bad_policy_is_refused_as_a_whole(command: Command, text: str, expected: str) -> None:
    line = command.refused("policy", "apply", command.file("policy.toml", text))
    assert "policy.toml: " in line
    assert expected in line


def test_a_policy_that_is_no_text_is_refused(command: Command) -> None:
    file = command.file("policy.toml", b"\xff\xfe[[route]]")
    assert "not UTF-8 text" in command.refused("policy", "apply", file)


def test_a_missing_policy_is_named(command: Command) -> None:
    assert "absent.toml: No such file" in command.refused("policy", "apply", "absent.toml")
