"""Who signs: the authorisation of C6 and the choice of a key. Each case is one line of a table."""

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from app.model.facts import AccountRule, Addressed, RelayRule
from app.model.plan import Plan, plan
from app.model.signing import newest
from tests.model.house import (
    ALICE,
    BOB,
    DAY,
    TO_BOB,
    World,
    facts,
    key,
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


# C6, D6: (what is so, how the world is, who signs, why nobody does)
SIGNING: list[tuple[str, dict[str, Any], dict[str, Any], str, str]] = [
    ("a login with its own key", LOGGED_IN, {}, "own", ""),
    ("a believed relay with a listed key", RELAYED, {}, "own", ""),
    ("nobody known", {"personal": (OWN,)}, {}, "", "not-authorised"),
    (
        "a login that may not send",
        {**LOGGED_IN, "account": replace(ACCOUNT, may_send=False)},
        {},
        "",
        "account-may-not-send",
    ),
    ("a login as somebody else", {**LOGGED_IN, "from_address": CAROL}, {}, "", "not-your-address"),
    (
        "a key that is not assigned",
        {**LOGGED_IN, "account": replace(ACCOUNT, key_ids=frozenset())},
        {},
        "",
        "no-signing-key",
    ),
    (
        "a key that names somebody else",
        {**LOGGED_IN, "personal": (key(CAROL, "own"),)},
        {},
        "",
        "no-signing-key",
    ),
    (
        "a relay without listed keys",
        {**RELAYED, "relay_keys": frozenset()},
        {},
        "",
        "no-signing-key",
    ),
    (
        "a login on a relay speaks for itself only",
        {**RELAYED, "account": replace(ACCOUNT, key_ids=frozenset())},
        {},
        "",
        "no-signing-key",
    ),
    (
        "a retired key",
        {**LOGGED_IN, "personal": (replace(OWN, is_retired=True),)},
        {},
        "",
        "no-signing-key",
    ),
    (
        "an expired key",
        {
            **LOGGED_IN,
            "account": replace(ACCOUNT, key_ids=frozenset({"expired"})),
            "personal": (EXPIRED,),
        },
        {},
        "",
        "no-signing-key",
    ),
    ("several mailboxes in From", {**LOGGED_IN, "from_problem": "several"}, {}, "", "from"),  # T47
    ("no From", {**LOGGED_IN, "from_address": ""}, {}, "", "from"),
    ("a signed message", {**LOGGED_IN, "is_signed": True}, {}, "", "already-signed"),
    (
        "a signed message, to be stripped",
        {**LOGGED_IN, "is_signed": True},
        {"strip_existing_signature": "on"},
        "own",
        "",
    ),
    ("an encrypted message", {**LOGGED_IN, "is_encrypted": True}, {}, "", "already-encrypted"),
    ("an invitation", {**LOGGED_IN, "is_calendar": True}, {}, "", "calendar"),
    (
        "an invitation, protected",
        {**LOGGED_IN, "is_calendar": True},
        {"calendar": "protect"},
        "own",
        "",
    ),
    (
        "an invitation that must be signed",
        {**LOGGED_IN, "is_calendar": True},
        {"sign": "require"},
        "own",
        "",
    ),
    ("policy says never", LOGGED_IN, {"sign": "never"}, "", "policy"),
    ("Sender is somebody else", {**LOGGED_IN, "sender_address": CAROL}, {}, "", "not-your-address"),
    (
        "Sender is the login",
        {**LOGGED_IN, "from_address": CAROL, "sender_address": ALICE},
        {},
        "own",
        "",
    ),
    (
        "Sender is the login, From's key is there",
        {
            **LOGGED_IN,
            "from_address": CAROL,
            "sender_address": ALICE,
            "personal": (key(CAROL, "own"),),
        },
        {},
        "",
        "no-signing-key",
    ),
    (
        "a delegation from From",
        {
            **LOGGED_IN,
            "account": replace(ACCOUNT, delegations=frozenset({CAROL})),
            "from_address": CAROL,
            "sender_address": ALICE,
            "personal": (key(CAROL, "own"),),
        },
        {},
        "own",
        "",
    ),
    (
        "a domain key for a listed recipient",
        {"account": replace(ACCOUNT, key_ids=frozenset()), "domain": (DOMAIN,)},
        SIGNS_TO,
        "domain",
        "",
    ),
    ("a domain key by relay", {"relay": RELAY, "domain": (DOMAIN,)}, SIGNS_TO, "domain", ""),
    (
        "a domain key for others",
        {"relay": RELAY, "domain": (DOMAIN,)},
        {"keys": ("domain",)},
        "",
        "no-signing-key",
    ),
    ("a domain key for a stranger", {"domain": (DOMAIN,)}, SIGNS_TO, "", "not-authorised"),
    (
        "a domain key no longer chosen",
        {"relay": RELAY, "domain": (DOMAIN,)},
        {**SIGNS_TO, "keys": ()},
        "",
        "no-signing-key",
    ),
    (
        "another domain's From",
        {"relay": RELAY, "domain": (DOMAIN,), "from_address": "x@other.example"},
        SIGNS_TO,
        "",
        "no-signing-key",
    ),
    ("personal before domain", {**LOGGED_IN, "domain": (DOMAIN,)}, SIGNS_TO, "own", ""),
    (
        "domain preferred",
        {**LOGGED_IN, "domain": (DOMAIN,)},
        {**SIGNS_TO, "sign_with": "prefer-domain"},
        "domain",
        "",
    ),
    (
        "domain preferred, others",
        {**LOGGED_IN, "domain": (DOMAIN,)},
        {"keys": ("domain",), "sign_with": "prefer-domain"},
        "own",
        "",
    ),
    (
        "domain only",
        {**LOGGED_IN, "domain": (DOMAIN,)},
        {"keys": ("domain",), "sign_with": "domain"},
        "",
        "no-signing-key",
    ),
]


@pytest.mark.parametrize(
    ("what", "so", "how", "signer", "why"),
    SIGNING,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_who_signs(
    what: str, so: dict[str, Any], how: dict[str, Any], signer: str, why: str
) -> None:
    decided = outbound(world(**how), **so)
    assert (decided.sign.key_id if decided.sign else "") == signer
    assert not why or why in {each.code for each in decided.reasons}
    assert decided.sign is None or decided.sign.kind == (
        "domain" if signer == "domain" else "personal"
    )


# C6
@pytest.mark.parametrize("so", [LOGGED_IN, RELAYED])
def test_a_null_reverse_path_is_never_signed(so: dict[str, Any]) -> None:
    decided = outbound(world(), Addressed("", BOB), **so)
    assert decided.sign is None
    assert next(each.code for each in decided.reasons) == "null-reverse-path"


def test_the_reverse_path_authorises_nothing() -> None:
    assert outbound(world(), Addressed(ALICE, BOB), personal=(OWN,)).sign is None


@pytest.mark.parametrize(
    ("what", "so", "how", "signer", "why"),
    SIGNING,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_where_a_signature_is_required_nothing_leaves_without(
    what: str, so: dict[str, Any], how: dict[str, Any], signer: str, why: str
) -> None:
    if "sign" in how:
        return
    decided = outbound(world(**{**how, "sign": "require"}), **so)
    if decided.sign is None and why != "already-signed":
        assert (decided.refusal, decided.clear) == ("cannot-sign", None)
    else:
        assert decided.refusal == ""


# C6: keys as (name, begins, ends in days from now), overlap, who signs
ROLL_OVER = [
    ([("a", -10, 300)], 7, "a"),
    ([("old", -300, 30), ("new", -10, 300)], 7, "old"),
    ([("old", -300, 7), ("new", -10, 300)], 7, "new"),
    ([("old", -300, 6), ("new", -10, 300)], 7, "new"),
    ([("old", -300, 30), ("new", -10, 300)], 30, "new"),
    ([("old", -300, 1), ("new", -10, 300)], 0, "old"),
    ([("old", -300, -1), ("new", -10, 300)], 7, "new"),
    ([("old", -300, 30), ("new", 10, 300)], 30, "old"),  # the new one has not begun
    ([("old", -300, 3)], 7, "old"),  # nothing follows
    ([("a", -300, 3), ("b", -200, 4), ("c", -100, 5)], 7, "c"),
    ([("a", -300, 3), ("b", -200, 90), ("c", -100, 300)], 7, "b"),
    ([("short", -10, 100), ("long", -10, 300)], 7, "long"),  # tie: latest notAfter
    ([("short", -10, 2), ("long", -10, 5)], 7, "long"),
    ([("gone", -300, -100)], 7, None),
    ([], 7, None),
]


@pytest.mark.parametrize(("keys", "overlap", "expected"), ROLL_OVER)
def test_a_new_key_signs_when_the_old_one_is_about_to_end(
    keys: list[tuple[str, int, int]], overlap: int, expected: str | None
) -> None:
    ring = [
        key(
            ALICE,
            f"{name} {begins} {ends}",
            not_before=AT + begins * DAY,
            not_after=AT + ends * DAY,
        )
        for name, begins, ends in keys
    ]
    for order in (ring, ring[::-1]):
        found = newest(order, AT, overlap)
        assert (found.id.split()[0] if found else None) == expected
