"""Patterns say what they look like, are quick on any address, and no spelling slips past them."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.errors import Refused
from app.model.patterns import ANYTHING, Pattern, matchable
from tests.examples import examples
from tests.timing import own_time

BANK = {"bank": r"bank\.example|pay\.bank\.example"}

MATCHES = [
    ("(any)@(host)", {}, "alice@nord.example", {"any": "alice", "host": "nord.example"}),
    ("(any)@(bank)", BANK, "bob@bank.example", {"any": "bob", "bank": "bank.example"}),
    ("(any)@(bank)", BANK, "bob@pay.bank.example", {"any": "bob", "bank": "pay.bank.example"}),
    ("(any)@(bank)", BANK, "bob@bankxexample", None),  # the dot was escaped
    ("(any)@(bank)", BANK, "bob@bank.example.evil.example", None),
    ("(any)@(bank)", BANK, "bank.example@evil.example", None),
    ("bob@bank.example", {}, "bob@bank.example", {}),
    ("bob@bank.example", {}, "bob@bankXexample", None),  # literal text is no expression
    ("bob+(tag)@bank.example", {}, "bob+x@bank.example", {"tag": "x"}),
    ("(list)-(verb)@l.example", {"verb": "join|leave"}, "a-b-join@l.example", {"list": "a-b"}),
    ("(any)@(dot)", {"dot": r".+\.example"}, "a@b.c.example", {"any": "a", "dot": "b.c.example"}),
    # A dot and a negated class stay on their side of the @.
    ("(x)@bank.example", {"x": ".+"}, "a@evil.example@bank.example", None),
    ("(x)@bank.example", {"x": "[^b]+"}, "a@a@bank.example", None),
]


@pytest.mark.parametrize(("text", "captures", "address", "expected"), MATCHES)
def test_a_pattern_matches_what_it_looks_like(
    text: str, captures: dict[str, str], address: str, expected: dict[str, str] | None
) -> None:
    found = Pattern(text, captures).match(address)
    assert (found is None) == (expected is None)
    assert expected is None or expected.items() <= (found or {}).items()


REFUSED = [
    ("alice", {}, "must have one @"),
    ("(a)@(b)@(c)", {}, "must have one @"),
    ("@bank.example", {}, "both sides"),
    ("*@bank.example", {}, "captures look like"),
    (r"bob\.@bank.example", {}, "captures look like"),
    ("(any)@(any)", {}, "each name once"),
    ("(a)(b)(c)(d)(e)@x.example", {}, "four captures"),
    ("(any)@(x)", {"x": "(a+)+b"}, "groups"),
    ("(any)@(x)", {"x": "(?:a|a)*"}, "groups"),
    ("(any)@(x)", {"x": "(?=a)"}, "groups"),
    ("(any)@(x)", {"x": r"\1"}, "not allowed"),
    ("(any)@(x)", {"x": "a++"}, "two repetitions"),
    ("(any)@(x)", {"x": "a||b"}, "empty"),
    ("(any)@(x)", {"x": ""}, "1 to"),
    ("(any)@(x)", {"x": "münchen"}, "A-label"),
    ("(any)@(x)", {"x": "[z-a]"}, "bad character range"),
    ("(any)@(x)", {"x": "a" * 5000}, "1 to"),
    ("(any)@(x)", {"x": "a*a*a*b"}, "too many"),  # T138
    ("(any)@(x)", {"x": "a?" * 40 + "a" * 40}, "too many"),
    ("(a)(b)(c)@x.example", {}, "too many"),
]


@pytest.mark.parametrize(("text", "captures", "why"), REFUSED)
def test_what_is_no_pattern_is_refused_with_the_reason(
    text: str, captures: dict[str, str], why: str
) -> None:
    with pytest.raises(Refused, match=re.escape(why)):
        Pattern(text, captures)


# T37, T138
HOPELESS = [
    ("(any)@(x)", {"x": "a*a*b"}),
    ("(a)(b)@x.example", {}),
    ("(a)(b)@x.example", {"a": "a*|a*|a*|a*|a*|a*|a*|a*", "b": ".*"}),
    ("(any)@(x)", {"x": "[a-z.]+a{1,3}z"}),
    ("(any)@(x)", {"x": "|".join(["a"] * 1999)}),
]


@pytest.mark.parametrize(("text", "captures"), HOPELESS)
def test_a_hopeless_match_takes_no_time(text: str, captures: dict[str, str]) -> None:
    pattern = Pattern(text, captures)
    with own_time() as own:
        pattern.match("a" * 320 + "@" + "a" * 320)
    assert own.seconds < 0.25


SPELLINGS = [
    ("Bob@BANK.example", "bob@bank.example"),
    ("bob@bank.example.", "bob@bank.example"),
    ("bob@bücher.example", "bob@xn--bcher-kva.example"),
    ('"a b"@bank.example', '"a_b"@bank.example'),
    ('"a@b"@bank.example', '"a_b"@bank.example'),
    ("a@b@bank.example", "a_b@bank.example"),
    ('"\x01"@B\u00fccher.Example.', '"_"@xn--bcher-kva.example'),
    ("\ud800@Bank.Example", "\ud800@bank.example"),
    ("", "_@_"),
    ("postmaster", "_@postmaster"),
    ("a\n@bank.example\n", "a_@bank.example"),
    ("x" * 5000 + "@bank.example", "x" * 320 + "@bank.example"),
]


# T104
@pytest.mark.parametrize(("address", "expected"), SPELLINGS)
def test_no_spelling_of_an_address_slips_past_its_domain(address: str, expected: str) -> None:
    assert matchable(address) == expected


# T104
@given(st.text(max_size=60), st.sampled_from(["bank.example", "BANK.EXAMPLE", "bank.example."]))
@examples(400)
def test_every_local_part_of_a_domain_meets_the_pattern_of_the_domain(
    local: str, domain: str
) -> None:
    address = matchable(f"{local}@{domain}")
    assert Pattern("(any)@(bank)", BANK).match(address) is not None


@given(st.text(max_size=400))
@examples(400)
def test_any_text_has_a_form_that_the_last_route_matches(text: str) -> None:
    assert Pattern("(any)@(host)", {}).match(matchable(text)) is not None


@given(
    st.text("(any)@.*+?[]{}|\\^$-x\n\u00e4", max_size=30),
    st.text("ab.*+?[^]{}|\\()1,@", max_size=20),
)
@examples(600)
def test_a_pattern_is_taken_or_refused_and_nothing_else(text: str, rule: str) -> None:
    with contextlib.suppress(Refused):
        Pattern(text, {"any": rule, "host": ANYTHING}).match("a@b.example")
