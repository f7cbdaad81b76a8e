"""No decision lets a message leave in clear that its plan says must be encrypted (T87–T95, R17)."""

import random
import time
from ipaddress import ip_network
from typing import Any

import pytest

from app.mail.address import MalformedAddress, normalise
from app.model.facts import AccountRule, Addressed, Facts, ManagedDomain, RelayRule
from app.model.fields import FIELDS
from app.model.plan import Plan, plan, together
from app.model.policy import Policy, read_rows, shipped_rows
from tests.model.house import ALICE, BOB, DAY, NOBODY, NORD, World, key, usable
from tests.testpki import AT

RELAY = RelayRule(1, ip_network("192.0.2.0/24"))
OWN = (
    key(ALICE, "own"),
    key(ALICE, "old", not_after=AT + DAY),
    key(ALICE, "gone", not_after=AT - DAY),
)
DOMAIN_KEYS = (key("domain-signing-authority@nord.example", "domain"),)
RECIPIENTS = [
    "bob@bank.example",
    "BOB@Bank.Example.",
    '"b ob"@bank.example',
    '"b@ob"@bank.example',
    "bob@pay.bank.example",
    "bob@partner.example",
    "bob@other.example",
    "bob",
    "bob@",
    "@bank.example",
    "b\u00f6b@bank.example",
    "bob@bank.example@bank.example",
]
REVERSE_PATHS = ["", ALICE, "anybody@else.example", '"a b"@nord.example']
WORDS = ("sign", "sign_with", "form", "strip_existing_signature", "encrypt", "calendar", "profile")


def policy(chance: random.Random) -> Policy:
    """Return a policy of one to four routes before the last one, any of them about the bank."""
    rows: list[dict[str, Any]] = []
    for number in range(chance.randrange(5)):
        row: dict[str, Any] = {"name": f"route {number}"}
        if chance.random() < 0.7:
            row["to"] = chance.choice(["(any)@(bank)", "(any)@bank.example", "bob@(host)"])
            if "(bank)" in row["to"]:
                row["captures"] = {"bank": r"bank\.example|.+\.bank\.example"}
        if chance.random() < 0.3:
            row["from"] = chance.choice(["(any)@(host)", ALICE])
        if chance.random() < 0.2:
            row["direction"] = "outbound"
        for name in WORDS:
            if chance.random() < 0.4:
                row[name] = chance.choice(FIELDS[name].values)
        rows.append(row)
    return Policy(read_rows([*rows, shipped_rows()[0].to_json()]))


def some_facts(chance: random.Random) -> Facts:
    """Return the facts of any message, sensible or not."""
    yes = chance.random
    account = AccountRule(
        "alice",
        yes() < 0.8,
        frozenset({ALICE}),
        frozenset(each.id for each in OWN if yes() < 0.7),
        frozenset({BOB} if yes() < 0.2 else ()),
    )
    return Facts(
        at=AT,
        from_address=chance.choice([ALICE, BOB, ""]),
        from_problem="several" if yes() < 0.1 else "",
        sender_address=chance.choice(["", "", ALICE, BOB]),
        is_signed=yes() < 0.2,
        is_encrypted=yes() < 0.1,
        is_calendar=yes() < 0.2,
        account=account if yes() < 0.5 else None,
        relay=RELAY if yes() < 0.4 else None,
        relay_keys=frozenset({"own"} if yes() < 0.5 else ()),
        personal=OWN if yes() < 0.7 else (),
        domain=DOMAIN_KEYS if yes() < 0.5 else (),
        partner=chance.choice([None, NOBODY, usable(BOB), usable(BOB, ALICE)]),
        asked=chance.choice(
            [None, None, {"encrypt": "never", "sign": "never"}, {"encrypt": "require"}]
        ),
    )


def strict_route_applies(rows: Policy, recipient: str, asked: bool) -> bool:
    """Say by other means than plan() whether encryption is required of a recipient of the bank."""
    if asked:
        return True
    try:
        domain = normalise(recipient).rpartition("@")[2]
    except MalformedAddress:
        domain = recipient.casefold().rstrip(".").rpartition("@")[2]
    for row in rows.rows:
        if "encrypt" not in row.fields:
            continue
        if row.sender or row.recipient not in {"", "(any)@bank.example"}:
            return False  # this oracle does not know
        if row.recipient == "" or domain == "bank.example":
            return row.fields["encrypt"] in {"require", "require-all"}
    return False


def judge(decided: Plan, facts: Facts, rows: Policy, recipient: str) -> None:
    """Fail if this plan lets anything out that it must not."""
    required = decided.word("encrypt") in {"require", "require-all"}
    asked = bool(facts.asked) and "require" in (facts.asked or {}).values()
    ways = [bool(decided.refusal), decided.encrypt is not None, decided.clear is not None]
    assert sum(ways) == 1, "exactly one way out"
    if decided.clear is not None and not facts.is_encrypted:
        assert not required, "clear for a mandatory recipient"
        assert not strict_route_applies(rows, recipient, asked), "clear where a route is strict"
        assert decided.word("encrypt") == "never" or facts.partner is not None or facts.is_calendar
        assert decided.clear.recipient == recipient
    if decided.encrypt is not None:
        assert decided.encrypt.certificates
    if decided.sign is not None:
        assert facts.account is not None or facts.relay is not None
        assert not facts.from_problem
        assert not facts.is_encrypted
        assert decided.sign.key_id != "gone"


def run(count: int, seed: int) -> dict[str, int]:
    """Judge so many decisions and return how many went which way."""
    chance = random.Random(seed)
    seen = {"clear": 0, "encrypted": 0, "refused": 0}
    domains = {NORD: ManagedDomain(NORD, frozenset({"bank.example"}), ("domain",))}
    done = 0
    while done < count:
        rows = policy(chance)
        where = World(rows, domains)
        for _ in range(50):
            facts = some_facts(chance)
            reverse_path = chance.choice(REVERSE_PATHS)
            recipients = chance.sample(RECIPIENTS, 2)
            plans = [
                plan("outbound", Addressed(reverse_path, each), facts, where) for each in recipients
            ]
            for decided, recipient in zip(together(plans), recipients, strict=True):
                judge(decided, facts, rows, recipient)
                way = "refused" if decided.refusal else "clear" if decided.clear else "encrypted"
                seen[way] += 1
                done += 1
    return seen


def test_no_mandatory_recipient_gets_clear_text() -> None:
    seen = run(30_000, seed=87)
    assert min(seen.values()) > 1_500, "each way out was taken often"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_mandatory_recipient_gets_clear_text_in_a_million_decisions() -> None:
    assert sum(run(1_000_000, seed=time.time_ns()).values()) >= 1_000_000
