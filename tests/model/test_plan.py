"""The plan: who signs, who can read it, what is refused. Each case is one line of a table."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from app.model.facts import AccountRule, Addressed, Facts, RelayRule
from app.model.plan import ClearAllowed, Plan, plan, together
from tests.model.house import (
    ALICE,
    BOB,
    DAY,
    NOBODY,
    TO_BOB,
    World,
    certificate,
    facts,
    key,
    usable,
    world,
)
from tests.testpki import AT

CAROL = "carol@nord.example"
ACCOUNT = AccountRule("alice", True, frozenset({ALICE}), frozenset({"own"}))
RELAY = RelayRule(1, ip_network("192.0.2.0/24"))
OWN, DOMAIN = key(ALICE, "own"), key("domain-signing-authority@nord.example", "domain")
EXPIRED = key(ALICE, "expired", not_after=AT - DAY)
LOGGED_IN: dict[str, Any] = {"account": ACCOUNT, "personal": (OWN,)}
RELAYED: dict[str, Any] = {"relay": RELAY, "relay_keys": frozenset({"own"}), "personal": (OWN,)}
SIGNS_TO: dict[str, Any] = {"sign_to": frozenset({"partner.example"}), "keys": ("domain",)}


def outbound(where: World, addressed: Addressed = TO_BOB, **what: Any) -> Plan:
    return plan("outbound", addressed, facts(**what), where)


# "Encryption decision": (encrypt, what is so) -> encrypted, clear or the refusal
ENCRYPTION: list[tuple[str, dict[str, Any], str]] = [
    ("auto", {"partner": usable(BOB)}, "encrypted"),
    ("auto", {"partner": NOBODY}, "clear"),
    ("auto", {"partner": None}, "store-unavailable"),  # T88
    ("never", {"partner": usable(BOB)}, "clear"),
    ("never", {"partner": None}, "clear"),
    ("require", {"partner": usable(BOB)}, "encrypted"),
    ("require", {"partner": NOBODY}, "cannot-encrypt"),  # T87
    ("require", {"partner": None}, "store-unavailable"),  # T88
    ("require-all", {"partner": NOBODY}, "cannot-encrypt"),
    ("auto", {"partner": usable(BOB), "is_calendar": True}, "clear"),
    ("require", {"partner": usable(BOB), "is_calendar": True}, "encrypted"),
    ("require", {"partner": NOBODY, "is_calendar": True}, "cannot-encrypt"),
    ("require", {"partner": NOBODY, "is_encrypted": True}, "clear"),  # the client encrypted
    ("auto", {"partner": usable(BOB), "is_encrypted": True}, "clear"),
    ("require", {"partner": NOBODY, "is_signed": True}, "cannot-encrypt"),
    ("auto", {"partner": NOBODY, "asked": {"encrypt": "require"}}, "cannot-encrypt"),
    ("auto", {"partner": usable(BOB), "asked": {"encrypt": "never"}, "relay": RELAY}, "clear"),
    ("auto", {"partner": usable(BOB), "asked": {"encrypt": "never"}}, "encrypted"),  # T95: unknown
    (
        "require",
        {"partner": NOBODY, "asked": {"encrypt": "never"}, "relay": RELAY},
        "cannot-encrypt",
    ),
    (
        "require-all",
        {"partner": NOBODY, "asked": {"encrypt": "never"}, "relay": RELAY},
        "cannot-encrypt",
    ),
    ("never", {"partner": NOBODY, "asked": {"encrypt": "require"}}, "cannot-encrypt"),
    ("auto", {"partner": None, "unanswered": "smimea"}, "source-unavailable"),  # T88
    ("require", {"partner": None, "unanswered": "smimea"}, "source-unavailable"),
    ("require-all", {"partner": None, "unanswered": "smimea"}, "source-unavailable"),
    ("never", {"partner": None, "unanswered": "smimea"}, "clear"),
    ("auto", {"partner": None, "unanswered": "smimea", "is_encrypted": True}, "clear"),
]


@pytest.mark.parametrize(("encrypt", "so", "expected"), ENCRYPTION)
def test_who_can_read_it(encrypt: str, so: dict[str, Any], expected: str) -> None:
    decided = outbound(world(encrypt=encrypt), **so)
    if expected == "encrypted":
        assert decided.encrypt is not None
        assert decided.encrypt.fingerprints == (certificate(BOB).fingerprint,)
        assert (decided.clear, decided.refusal) == (None, "")
    elif expected == "clear":
        assert (decided.encrypt, decided.refusal) == (None, "")
        assert isinstance(decided.clear, ClearAllowed)
        assert decided.clear.recipient == BOB
    else:
        assert (decided.encrypt, decided.clear, decided.sign) == (None, None, None)
        assert decided.refusal == expected


@pytest.mark.parametrize(("profile", "expected"), [("compat", 2), ("edi-energy", 1)])
def test_some_profiles_encrypt_to_one_certificate(profile: str, expected: int) -> None:
    both = usable(BOB).certificates + usable("bob@old.example").certificates
    known = replace(usable(BOB), certificates=both, partner_ids=(7, 8))
    decided = outbound(world(encrypt="auto", profile=profile), partner=known).encrypt
    assert decided is not None
    assert decided.certificates == both[:expected]
    assert decided.partner_ids == (7, 8)[:expected]


# T90, "mandatory-all"
def test_under_require_all_one_that_fails_refuses_all() -> None:
    strict = world(
        encrypt="require-all", to="(any)@(strict)", captures={"strict": r"strict\.example"}
    )
    plans = [
        plan("outbound", Addressed(ALICE, each), facts(partner=has), strict)
        for each, has in ((BOB, usable(BOB)), ("x@y.example", NOBODY), ("a@strict.example", NOBODY))
    ]
    assert [each.refusal for each in plans] == ["", "", "cannot-encrypt"]
    assert [each.refusal for each in together(plans)] == ["cannot-encrypt"] * 3
    assert all(each.clear is None and each.encrypt is None for each in together(plans))
    assert together(plans[:2]) == tuple(plans[:2])


# What has left cannot be taken back when the answer is no.
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"partner": usable(BOB)}, {"partner": None, "unanswered": "x"}, "source-unavailable"),
        ({"partner": None, "unanswered": "x"}, {"partner": usable(BOB)}, "source-unavailable"),
        ({"partner": None, "unanswered": "x"}, {"partner": NOBODY}, "cannot-encrypt"),
        ({"partner": NOBODY}, {"partner": None, "unanswered": "x"}, "cannot-encrypt"),
    ],
)
def test_under_require_all_one_that_waits_makes_all_wait(
    first: dict[str, Any], second: dict[str, Any], expected: str
) -> None:
    strict = world(encrypt="require-all")
    plans = [plan("outbound", TO_BOB, facts(**so), strict) for so in (first, second)]
    assert [each.refusal for each in together(plans)] == [expected] * 2
    assert all(each.clear is None and each.encrypt is None for each in together(plans))


def test_require_refuses_only_its_own_recipient() -> None:
    strict = world(encrypt="require", to="(any)@strict.example")
    plans = [
        plan("outbound", Addressed(ALICE, each), facts(), strict)
        for each in ("x@y.example", "a@strict.example")
    ]
    assert [each.refusal for each in together(plans)] == ["", "cannot-encrypt"]


# T89, T93
@pytest.mark.parametrize("reverse_path", [ALICE, "", "anybody@else.example"])
def test_only_the_envelope_recipient_decides(reverse_path: str) -> None:
    strict = world(encrypt="require", to="(any)@strict.example")
    decided = plan("outbound", Addressed(reverse_path, "a@strict.example"), facts(), strict)
    assert decided.refusal == "cannot-encrypt"


def test_inbound_is_always_allowed_in_clear_and_never_signed() -> None:
    decided = plan("inbound", Addressed("x@y.example", ALICE), facts(), world(encrypt="require"))
    assert decided.clear is not None
    assert (decided.sign, decided.encrypt, decided.refusal) == (None, None, "")
    assert decided.word("verify") == "on"


def test_a_permit_cannot_be_made_by_anybody_else() -> None:
    with pytest.raises(TypeError, match=r"only plan\(\) makes"):
        ClearAllowed(BOB, "a route")
    decided = outbound(world())
    assert decided.clear is not None
    with pytest.raises(TypeError):
        replace(decided.clear, maker=object())  # type: ignore[arg-type]  # that is the point


def test_a_plan_says_who_set_what() -> None:
    shown = outbound(world(encrypt="require"), **LOGGED_IN, partner=usable(BOB)).to_json()
    assert shown["encrypt"]["route"] == "changed"
    assert shown["encrypt"]["fingerprints"] == [certificate(BOB).fingerprint]
    assert shown["sign"] == {
        "value": "auto",
        "route": "everything else",
        "key": "own",
        "fingerprint": OWN.fingerprint,
        "form": "clear",
        "kind": "personal",
    }
    # Showing a plan does not change what the next one is made from.
    assert set(outbound(world(encrypt="require")).to_json()["encrypt"]) == {"value", "route"}


def test_facts_deny_by_default() -> None:
    decided = plan("outbound", TO_BOB, Facts(at=AT), world())
    assert decided.refusal == "store-unavailable"
    assert (decided.sign, decided.clear) == (None, None)


def test_a_sender_pattern_meets_the_reverse_path_or_from_where_it_is_null() -> None:
    pattern: dict[str, Any] = {"from": "board@nord.example"}
    strict = world(encrypt="require", **pattern)

    def refusal(reverse_path: str, from_address: str) -> str:
        addressed = Addressed(reverse_path, BOB)
        return plan("outbound", addressed, facts(from_address=from_address), strict).refusal

    assert refusal("board@nord.example", ALICE) == "cannot-encrypt"
    assert refusal("", "board@nord.example") == "cannot-encrypt"
    assert refusal(ALICE, "board@nord.example") == ""
    assert refusal("", ALICE) == ""
