"""Each field takes the value of the first route that matches and sets it."""

import json

import pytest

from app.model import policies
from app.model.database import Database
from app.model.fields import FIELDS, Direction
from app.model.loading import load_policy
from app.model.policy import Policy, changes, parse_toml, shipped_rows
from tests.model.test_routes import BANK, LAST

BOARD = """
[[route]]
name = "board"
from = "(any)@(host)"
to = "bob@bank.example"
profile = "bsi"
sign = "require"
"""

INBOUND = """
[[route]]
name = "in"
direction = "inbound"
to = "(any)@nord.example"
revocation = "hard"
"""

POLICY = Policy(parse_toml(BOARD + BANK + INBOUND + LAST))

CASES: list[tuple[Direction, str, str, str, str, str]] = [
    ("outbound", "a@nord.example", "x@y.example", "encrypt", "auto", "everything else"),
    ("outbound", "a@nord.example", "x@bank.example", "encrypt", "require", "bank"),
    ("outbound", "a@nord.example", "bob@bank.example", "encrypt", "require", "bank"),
    ("outbound", "a@nord.example", "bob@bank.example", "profile", "bsi", "board"),
    ("outbound", "a@nord.example", "x@bank.example", "profile", "smime4", "bank"),
    ("outbound", "a@nord.example", "x@bank.example", "sign", "auto", "everything else"),
    ("outbound", "", "x@bank.example", "encrypt", "require", "bank"),  # T93
    ("outbound", "a@nord.example", "X@Bank.Example.", "encrypt", "require", "bank"),  # T104
    ("outbound", "a@nord.example", '"x y"@bank.example', "encrypt", "require", "bank"),
    ("outbound", "a@nord.example", '"x@y"@bank.example', "encrypt", "require", "bank"),
    (
        "outbound",
        "a@nord.example",
        "x@bank.example.evil.example",
        "encrypt",
        "auto",
        "everything else",
    ),
    ("inbound", "x@bank.example", "a@nord.example", "revocation", "hard", "in"),
    ("inbound", "x@bank.example", "a@sub.nord.example", "revocation", "soft", "everything else"),
    ("outbound", "x@bank.example", "a@nord.example", "revocation", "soft", "everything else"),
]


@pytest.mark.parametrize(("direction", "sender", "recipient", "field", "value", "route"), CASES)
def test_the_first_route_that_sets_a_field_decides(
    direction: Direction, sender: str, recipient: str, field: str, value: str, route: str
) -> None:
    setting = POLICY.settings(direction, sender, recipient)[field]
    assert (setting.value, setting.route) == (value, route)


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_every_field_of_a_direction_is_set_and_no_other(direction: Direction) -> None:
    wanted = {name for name, field in FIELDS.items() if direction in field.directions}
    assert set(POLICY.settings(direction, "", "nonsense")) == wanted


def test_the_fields_are_those_of_the_design() -> None:
    assert [(field.name, field.default) for field in FIELDS.values()][:5] == [
        ("verify", "on"),
        ("decrypt", "on"),
        ("harvest", "on"),
        ("harvest_approval", "on_error"),
        ("display", "text"),
    ]
    assert FIELDS["encrypt"].values == ("auto", "never", "require", "require-all")
    assert FIELDS["revocation"].directions == ("inbound", "outbound")
    assert FIELDS["triggers"].default == ()


def test_a_dry_run_says_what_would_change() -> None:
    before = shipped_rows()
    after = parse_toml(BANK + LAST.replace('sign = "auto"', 'sign = "never"'))
    assert changes(before, after) == [
        {"id": "everything else", "change": "changed"},
        {"id": "bank", "change": "added"},
    ]
    assert changes(after, before)[0] == {"id": "bank", "change": "removed"}
    assert changes(before, before) == []


def test_a_policy_of_an_earlier_version_has_the_defaults_of_new_fields(database: Database) -> None:
    policies.apply(database, BANK + LAST)
    ((position, stored),) = database.sql(
        "SELECT position, route FROM route ORDER BY position DESC LIMIT 1"
    )
    route = json.loads(stored)
    del route["domain_mark"]
    database.sql_run("UPDATE route SET route = ? WHERE position = ?", (json.dumps(route), position))
    policy = load_policy(database)
    assert policy.settings("inbound", "a@b.example", "x@y.example")["domain_mark"].value == "add"
    assert policy.settings("outbound", "a@b.example", "x@bank.example")["encrypt"].route == "bank"
