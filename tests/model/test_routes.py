"""A policy file is read whole or not at all, and what is written is read back."""

import contextlib
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from app.model.errors import Refused
from app.model.fields import FIELDS, Field
from app.model.routes import export_toml, parse_toml, shipped_rows
from tests.examples import examples

LAST = export_toml(shipped_rows())

BANK = """
[[route]]
name = "bank"
direction = "outbound"
to = "(any)@(bank)"
captures = { bank = "bank\\\\.example|pay\\\\.bank\\\\.example" }
encrypt = "require"
profile = "smime4"
"""


def test_the_shipped_policy_is_the_defaults_of_the_fields() -> None:
    text = (Path(config.__file__).parent / "policy.toml").read_text()
    assert parse_toml(text) == shipped_rows()


def test_the_example_of_the_design_is_read() -> None:
    bank, last = parse_toml(BANK + LAST)
    assert (bank.name, bank.direction, bank.sender) == ("bank", "outbound", "")
    assert bank.fields == {"encrypt": "require", "profile": "smime4"}
    assert last == shipped_rows()[0]


def test_what_is_exported_is_read_back() -> None:
    rows = parse_toml(BANK + LAST)
    assert parse_toml(export_toml(rows)) == rows


BAD = [
    ("", "no [[route]]"),
    ("nonsense", "not TOML"),
    ("[other]\n" + LAST, "'other'"),
    ("route = 1", "no [[route]]"),
    (BANK, "route 'bank', to: the last route must match everything"),
    (BANK.replace('name = "bank"', "") + LAST, "route 1: it needs a name"),
    (BANK.replace('"bank"', "7", 1) + LAST, "route 1: it needs a name"),
    (BANK + BANK + LAST, "route 'bank': there are two"),
    (BANK.replace("outbound", "sideways") + LAST, "route 'bank', direction: 'sideways'"),
    (BANK.replace("require", "mandatory") + LAST, "route 'bank', encrypt: 'mandatory' is not one"),
    (BANK.replace('"require"', "true") + LAST, "route 'bank', encrypt: True is not one of"),
    (BANK + 'colour = "red"\n' + LAST, "route 'bank', colour: there is no such field"),
    (BANK + 'display = "text"\n' + LAST, "route 'bank', display: this field belongs to inbound"),
    (BANK.replace("(any)@(bank)", "bank.example") + LAST, "route 'bank', to: 'bank.example' must"),
    (BANK.replace("(any)@(bank)", "(any)@x.example") + LAST, "captures: 'bank' stands in neither"),
    (BANK.replace("bank\\\\.example|", "(a+)+|") + LAST, "route 'bank', to: capture bank: '('"),
    (BANK + "overlap_days = -1\n" + LAST, "route 'bank', overlap_days: -1 is no number of days"),
    (BANK + "overlap_days = true\n" + LAST, "overlap_days: True is no number"),
    (BANK + 'triggers = "x"\n' + LAST, "route 'bank', triggers: 'x' is no list"),
    (BANK + 'triggers = ["a\\nb"]\n' + LAST, "route 'bank', triggers: 'a\\nb' is no line"),
    (BANK + 'triggers = ["secret"]\n' + LAST, "route 'bank', triggers: 'secret' is not like"),
    (BANK + 'lookup = ["dane"]\n' + LAST, "route 'bank', lookup: 'dane'"),
    (LAST.replace('sign = "auto"\n', ""), "route 'everything else', sign: the last route must set"),
    (LAST.replace('delimiter = ""', 'delimiter = "x"'), "delimiter: 'x' cannot stand between"),
    (LAST.replace("(any)@(host)", "(any)@a.example", 1), "must match everything"),
    ("x" * 1_000_001, "longer than"),
    ("[" * 100_000, "not TOML"),
]


@pytest.mark.parametrize(("text", "why"), BAD)
def test_a_bad_policy_names_route_and_field(text: str, why: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_toml(text)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


def values(field: Field) -> st.SearchStrategy[Any]:
    if field.values:
        return st.sampled_from(field.values)
    if isinstance(field.default, int):
        return st.integers(0, 3650)
    if field.name == "lookup":
        sources = ["smimea", "ldaps://dir.example/dc=a", "ldap://dir.example:1/o=a%20b?starttls"]
        return st.lists(st.sampled_from(sources), max_size=3)
    if isinstance(field.default, tuple):
        words = st.text(st.characters(categories=["L", "N", "P"]), min_size=3, max_size=9)
        return st.lists(words.map("encrypt=require if subject {}".format), max_size=3)
    return st.sampled_from(["", "+", "-", "--"])


@given(st.data())
@examples(60)
def test_every_value_survives_the_file(data: st.DataObject) -> None:
    row = {name: data.draw(values(field)) for name, field in FIELDS.items()}
    name = data.draw(
        st.text(min_size=1, max_size=20).filter(lambda text: text.strip() and text.isprintable())
    )
    table = {"name": name, "from": "(any)@(host)", "to": "(any)@(host)", **row}
    from app.model.routes import read_rows

    rows = read_rows([table])
    assert parse_toml(export_toml(rows)) == rows
    assert tomllib.loads(export_toml(rows))["route"] == [table]


@given(st.text(max_size=200))
@examples(500)
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Refused):
        parse_toml(text)
