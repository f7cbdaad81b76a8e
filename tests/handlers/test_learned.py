"""What a signature cannot teach is said in the trace, with the reason, and nothing is half stored.

Issue 4, "Bad input"; behaviour B2, B5, D2; threats T97.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509

from app.model import partners, pending
from app.model.trace import Search, find_traces
from app.mta import reply
from app.mta.learn import Learner
from app.mta.record import Record, trace_row
from tests.handlers.test_revocation import World, revoked, signed
from tests.houses import House, authority, message, only
from tests.responders import asks
from tests.testpki import AT, TestCA, TestIdentity, ca, mailbox

ALICE, PAUL = "alice@nord.example", "paul@sued.example"
DAY = timedelta(days=1)

Make = Callable[[TestCA], TestIdentity]


def as_ca(root: TestCA) -> TestIdentity:
    """Return an end-entity whose certificate says that it is an authority."""
    return root.issue(ALICE, extensions=((x509.BasicConstraints(ca=True, path_length=None), True),))


def of_domain(_: TestCA) -> TestIdentity:
    """Return what ``openssl req -x509`` makes for a domain: an authority of its own."""
    name = x509.SubjectAlternativeName([mailbox("domain-signing-authority@nord.example")])
    return ca("Self-made", usage=None, extensions=((name, False),)).identity


BAD: list[tuple[str, Make, str, str, str]] = [
    # what, the signer, the address in From, what becomes of it, the codes of the reasons
    ("expired", lambda root: root.issue(ALICE, not_after=AT - DAY), ALICE, "pending", "expired"),
    ("not yet", lambda root: root.issue(ALICE, not_before=AT + DAY), ALICE, "pending", "not-yet"),
    ("weak", lambda root: root.issue(ALICE, key="rsa1024"), ALICE, "pending", "weak-key"),
    (
        "not for mail",
        lambda root: root.issue(ALICE, extended=("server_auth",)),
        ALICE,
        "pending",
        "extended-key-usage-not-mail",
    ),
    (
        "for signing only",
        lambda root: root.issue(ALICE, usage=("digital_signature",)),
        ALICE,
        "pending",
        "key-usage-not-encryption",
    ),
    ("unknown issuer", lambda _: ca("Unknown").issue(ALICE), ALICE, "pending", "no-path"),
    ("somebody else's", lambda root: root.issue("x@y.example"), ALICE, "pending", "from-differs"),
    ("a self-made one of a domain", of_domain, ALICE, "pending", "looks-like-domain-certificate"),
    ("a self-made one of a domain", of_domain, ALICE, "pending", "certificate-authority"),
    (
        "a public suffix",
        lambda root: root.issue("mail@city.ck"),
        "bob@city.ck",
        "pending",
        "public-suffix",
    ),
    ("an authority", as_ca, ALICE, "dropped", "certificate-authority"),
    ("our own people", lambda root: root.issue(PAUL), PAUL, "dropped", "one-of-ours"),
    ("no address", lambda root: root.issue(ALICE), '"a b"@', "dropped", "from"),
]


@pytest.mark.parametrize(
    ("what", "make", "sender", "outcome", "code"), BAD, ids=[each[0] for each in BAD]
)
def test_what_cannot_be_learned_is_in_the_trace_with_the_reason(
    sued: House,
    caplog: pytest.LogCaptureFixture,
    what: str,
    make: Make,
    sender: str,
    outcome: str,
    code: str,
) -> None:
    root = authority()
    sued.trusts(root)
    letter = signed(make(root), sender)
    with caplog.at_level(logging.INFO, logger="sealmon.harvest"):
        delivery = only(sued.send(letter, PAUL, learn=Learner(sued.store)))
    sued.store.trace.write(
        trace_row(Record(delivery.work.envelope, "t1", PAUL, "inbound"), delivery, reply.RELAYED)
    )
    sued.store.trace.close()
    (row,) = find_traces(sued.database, Search(trace_id="t1"))
    learned = row["learned"]
    assert learned["outcome"] == outcome
    words = [f"{each['code']} {each['detail']}" for each in learned["reasons"]]
    assert any(code in each for each in words), words
    if code not in {"one-of-ours", "from"}:  # these are no news, whatever signature they come with
        assert all(each["text"] in caplog.text for each in learned["reasons"])
    assert partners.list_partners(sued.database) == []
    waiting = pending.list_pending(sued.database, AT)
    assert [each["fingerprint"] for each in waiting] == (
        [learned["fingerprint"]] if outcome == "pending" else []
    )
    foreseen = only(sued.send(letter, PAUL, learn=Learner(sued.store, changes=False))).learned
    assert foreseen is not None
    assert foreseen.to_json() == learned


def test_nothing_is_learned_from_a_revoked_certificate_and_the_trace_says_why(sued: House) -> None:
    world = World(sued)
    revoked(world)
    asks(sued, world.responders)
    learned = only(sued.send(signed(world.alice), PAUL, learn=Learner(sued.store))).learned
    world.responders.close()
    assert learned is not None
    assert learned.outcome == "dropped"
    assert [each.code for each in learned.reasons][:2] == ["not-learned-from", "revoked"]
    assert partners.list_partners(sued.database) == []


def test_what_is_good_is_stored_and_then_known(sued: House) -> None:
    root = authority()
    sued.trusts(root)
    letter = signed(root.issue(ALICE))
    assert outcomes(sued, letter) == ["stored"]
    sued.changed()
    assert outcomes(sued, letter) == ["known"]
    (row,) = partners.list_partners(sued.database)
    partners.disable(sued.database, row["id"])
    sued.changed()
    delivery = only(sued.send(letter, PAUL, learn=Learner(sued.store)))
    assert delivery.learned is not None
    assert [each.code for each in delivery.learned.reasons] == ["blocked-certificate"]


def test_who_is_trusted_later_waits_no_longer(sued: House) -> None:
    """B5: "trust the CA instead"."""
    unknown = ca("Later")
    letter = signed(unknown.issue(ALICE))
    assert outcomes(sued, letter, letter) == ["pending", "pending"]
    sued.trusts(unknown)
    assert outcomes(sued, letter) == ["stored"]
    assert pending.list_pending(sued.database, AT) == []
    assert [row["name"] for row in partners.list_partners(sued.database)] == [ALICE]


def test_a_registered_domain_certificate_is_no_news(sued: House) -> None:
    domain = ca("Self-made").issue("domain-signing-authority@nord.example")
    partners.import_partner(sued.database, domain.pem, AT, name="nord.example")
    sued.changed()
    assert outcomes(sued, signed(domain)) == [""]
    assert pending.list_pending(sued.database, AT) == []


def test_mail_without_a_signature_teaches_nothing(sued: House) -> None:
    assert only(sued.send(message(ALICE, PAUL), PAUL, learn=Learner(sued.store))).learned is None


def test_a_key_change_is_an_alarm_in_the_log(sued: House, caplog: pytest.LogCaptureFixture) -> None:
    """B5: a hijacked mailbox must not add itself as a reader."""
    root, other = authority(), authority("Other")
    sued.trusts(root)
    sued.trusts(other)
    with caplog.at_level(logging.WARNING, logger="sealmon.harvest"):
        assert outcomes(sued, signed(root.issue(ALICE))) == ["stored"]
        assert caplog.text == ""
        sued.changed()
        assert outcomes(sued, signed(other.issue(ALICE))) == ["pending"]
    assert "of another issuer is in use" in caplog.text


def outcomes(sued: House, *letters: bytes) -> list[str]:
    found = []
    for letter in letters:
        learned = only(sued.send(letter, PAUL, learn=Learner(sued.store))).learned
        found.append(learned.outcome if learned else "")
    return found
