"""What the book lacks an on-line source may have; one that does not answer holds the mail (T88)."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Protocol

import pytest

from app.cms.enveloped import parse_enveloped
from app.model import partners
from app.model.database import Database
from app.model.errors import WouldWait
from app.model.pending import REJECTED, SENDER_REJECTED
from app.model.tables import Pending
from app.mta import gather, lookup, lookup_ldap, reply
from app.mta.transaction import Outcome
from app.pki.certificate import Certificate
from app.pki.issue import self_signed
from app.smime.kinds import recognise
from tests.houses import INSIDER, House, message, only
from tests.mta.directories import ALICE, PAUL, ROOT, Asking, answer
from tests.mta.ldapserver import DONE, Operation, Scripted, done
from tests.responders import Responders, asks
from tests.testpki import AT, ca, dn

QUITTA = "quitta@sued.example"
PAULS = ROOT.issue(PAUL, key="rsa2048")
FINGERPRINT = Certificate.from_der(PAULS.certificate).fingerprint


NONE = [DONE]
FAILED = [done(52)]

Making = Callable[..., Asking]


@pytest.fixture
def asking(nord: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Making]:
    """nord.example, which believes the authority; one server for each list of answers."""
    # Long enough for a machine that is busy with other tests.
    monkeypatch.setattr(gather, "FIRST_WAIT_SECONDS", 60.0)
    monkeypatch.setattr(lookup_ldap, "SECONDS", 60.0)
    nord.trusts(ROOT)
    made: list[Asking] = []
    with ExitStack() as stack:

        def make(*scripts: Sequence[Operation] | Scripted, **fields: str) -> Asking:
            servers = [each if isinstance(each, Scripted) else Scripted(each) for each in scripts]
            found = Asking(nord, *(stack.enter_context(each) for each in servers))
            found.policy(**{"sign": "never", **fields})
            made.append(found)
            return found

        yield make
        for each in made:
            each.close()


def refusal(outcomes: Sequence[Outcome]) -> list[reply.Reply | None]:
    return [each.reply for each in outcomes]


def reasons(outcomes: Sequence[Outcome]) -> list[str]:
    delivery = outcomes[0].delivery
    assert delivery is not None
    assert delivery.plan is not None
    # Policy says that nothing is signed.
    return [each.code for each in delivery.plan.reasons if each.code != "policy"]


@pytest.mark.parametrize("wanted", ["auto", "require", "require-all"])
def test_what_a_source_has_is_encrypted_to(asking: Making, wanted: str) -> None:
    sent = asking(answer(PAULS.certificate), encrypt=wanted).send()
    delivery = only(sent)
    assert delivery.protected == "encrypted"
    assert len(parse_enveloped(recognise(delivery.octets).cms).recipients) == 1
    assert reasons(sent) == ["looked-up"]
    assert delivery.plan is not None
    assert delivery.plan.encrypt is not None
    assert delivery.plan.encrypt.partner_ids == ()


def test_nothing_that_was_looked_up_enters_the_book(asking: Making, nord: House) -> None:
    asking(answer(PAULS.certificate)).send()
    assert partners.list_partners(nord.database) == []


def test_off_by_default(nord: House) -> None:
    nord.trusts(ROOT)
    with Scripted(answer(PAULS.certificate)) as server:
        found = Asking(nord, server)
        found.entries = []
        found.policy(sign="never")
        assert only(found.send()).protected == "clear"
        assert not server.asked


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("auto", None), ("require", reply.CANNOT_ENCRYPT), ("require-all", reply.CANNOT_ENCRYPT)],
)
def test_nobody_has_one_is_an_answer(
    asking: Making, wanted: str, expected: reply.Reply | None
) -> None:
    assert refusal(asking(NONE, encrypt=wanted).send()) == [expected]


# T88: a failed look-up is never "there is none".
@pytest.mark.parametrize("wanted", ["auto", "require", "require-all"])
def test_a_source_that_does_not_answer_holds_the_mail(asking: Making, wanted: str) -> None:
    sent = asking(FAILED, encrypt=wanted).send()
    assert refusal(sent) == [reply.SOURCE_UNAVAILABLE]
    assert reasons(sent) == ["source-unavailable"]
    assert reply.SOURCE_UNAVAILABLE.temporary


def test_an_asker_that_is_missing_holds_the_mail(nord: House) -> None:
    nord.apply('direction = "outbound"\nto = "(any)@(host)"\nlookup = ["smimea"]\nsign = "never"\n')
    sent = nord.send(message(ALICE, PAUL), PAUL, reverse_path=ALICE, peer=INSIDER)
    assert refusal(sent) == [reply.SOURCE_UNAVAILABLE]


@pytest.mark.parametrize(
    ("scripts", "expected"),
    [
        ((NONE, answer(PAULS.certificate)), "encrypted"),
        ((FAILED, answer(PAULS.certificate)), "encrypted"),
        ((answer(PAULS.certificate), FAILED), "encrypted"),
        ((NONE, NONE), "clear"),
        ((NONE, FAILED), reply.SOURCE_UNAVAILABLE),
        ((FAILED, NONE), reply.SOURCE_UNAVAILABLE),
    ],
)
def test_the_first_source_that_has_one_is_taken(
    asking: Making, scripts: Sequence[Sequence[Operation]], expected: object
) -> None:
    sent = asking(*scripts).send()
    got = sent[0].reply or (sent[0].delivery and sent[0].delivery.protected)
    assert got == expected


OTHER = ca("Unknown Root").issue(PAUL)
UNFIT = {
    "another address": ROOT.issue(QUITTA),
    "no path": OTHER,
    "no address": ROOT.issue(()),
    "an authority": ROOT.identity,
    "expired": ROOT.issue(PAUL, not_after=AT - timedelta(days=1)),
    "not begun": ROOT.issue(PAUL, not_before=AT + timedelta(days=1)),
    "not for mail": ROOT.issue(PAUL, extended=("server_auth",)),
    "a weak key": ROOT.issue(PAUL, key="rsa1024"),
    "an odd address": ROOT.issue(f"{PAUL} "),
    "only a name": ROOT.issue((), subject=dn(PAUL)),
    "signing only": ROOT.issue(PAUL, usage=("digital_signature",)),
    "eleven addresses": ROOT.issue([PAUL, *(f"p{each}@sued.example" for each in range(10))]),
}


# T98, T116: as for a harvest.
@pytest.mark.parametrize("fault", UNFIT)
def test_what_a_harvest_would_not_take_is_not_used(asking: Making, fault: str) -> None:
    sent = asking(answer(UNFIT[fault].certificate), encrypt="require").send()
    assert refusal(sent) == [reply.CANNOT_ENCRYPT]


# T58
@pytest.mark.parametrize("mode", ["soft", "require"])
@pytest.mark.parametrize("is_revoked", [False, True])
def test_what_was_revoked_is_not_used(
    asking: Making, nord: House, mode: str, is_revoked: bool
) -> None:
    responders = Responders()
    try:
        root = responders.authority(f"look-up-{mode}-{is_revoked}")
        nord.trusts(root)
        paul = root.issue(PAUL, key="rsa2048")
        if is_revoked:
            root.revoked[paul.x509.serial_number] = AT - timedelta(days=30)
        responders.publish(root, paul)
        asks(nord, responders)
        one = asking(answer(paul.certificate), encrypt="require", revocation=mode)
        asks(nord, responders)
        sent = one.send()
    finally:
        responders.close()
    assert refusal(sent) == ([reply.CANNOT_ENCRYPT] if is_revoked else [None])
    assert ("revoked" in reasons(sent)) is is_revoked


def test_a_self_made_certificate_has_no_path(asking: Making) -> None:
    made = self_signed([PAUL], at=AT, key="ec-p256").certificate.der
    assert refusal(asking(answer(made), encrypt="require").send()) == [reply.CANNOT_ENCRYPT]


def test_the_answer_may_bring_the_authorities_between(asking: Making, nord: House) -> None:
    deep = ca("Deep Issuing", ca("Deep Middle", ca("Deep")))
    nord.trusts(deep)
    identity = deep.issue(PAUL, key="rsa2048")
    alone = asking(answer(identity.certificate), encrypt="require")
    assert refusal(alone.send()) == [reply.CANNOT_ENCRYPT]
    whole = asking(answer(identity.certificate, *identity.chain), encrypt="require")
    assert only(whole.send()).protected == "encrypted"


class Change(Protocol):
    def __call__(self, house: House) -> object: ...


def _disabled(house: House) -> None:
    house.knows(PAULS)
    partners.disable(house.database, partners.list_partners(house.database)[0]["id"])
    house.changed()


def _rejected(house: House) -> None:
    row = {"address": PAUL, "fingerprint": FINGERPRINT, "certificate": PAULS.certificate}
    house.database.insert(Pending, {**row, "state": REJECTED, "added_at": 0})


def _sender_rejected(house: House) -> None:
    row = {"address": PAUL, "fingerprint": "another", "certificate": b""}
    house.database.insert(Pending, {**row, "state": SENDER_REJECTED, "added_at": 0})


def _other_issuer(house: House) -> None:
    stranger = ca("Former Root").issue(PAUL, not_after=AT - timedelta(days=1))
    house.knows(stranger)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_disabled, "blocked-certificate"),
        (_rejected, "blocked-certificate"),
        (_sender_rejected, "blocked-certificate"),
        (_other_issuer, "key-change"),
    ],
)
def test_what_a_person_said_is_stronger(
    asking: Making, nord: House, change: Change, reason: str
) -> None:
    change(nord)
    sent = asking(answer(PAULS.certificate), encrypt="require").send()
    assert refusal(sent) == [reply.CANNOT_ENCRYPT]
    assert reason in reasons(sent)


def test_a_renewal_by_the_same_issuer_surprises_nobody(asking: Making, nord: House) -> None:
    nord.knows(ROOT.issue(PAUL, not_after=AT - timedelta(days=1)))
    assert only(asking(answer(PAULS.certificate)).send()).protected == "encrypted"


@pytest.mark.parametrize(
    "case", ["in the book", "never", "calendar", "already encrypted", "for the domain"]
)
def test_nobody_is_asked_without_need(asking: Making, nord: House, case: str) -> None:
    octets = message(ALICE, PAUL)
    if case == "in the book":
        nord.knows(PAULS)
    if case == "for the domain":
        nord.knows(ROOT.issue("domain@sued.example"), "sued.example")
    if case == "calendar":
        octets = octets.replace(
            b"\r\n\r\n", b"\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n", 1
        )
    server = Scripted(answer(PAULS.certificate))
    found = asking(server, encrypt="never" if case == "never" else "auto")
    if case == "already encrypted":
        octets = only(found.send(octets=octets)).octets
        server.asked = 0
        nord.database.sql_run("DELETE FROM lookedup")
    only(found.send(octets=octets))
    assert not server.asked


@pytest.mark.parametrize(
    ("script", "hours", "again"),
    [
        (answer(PAULS.certificate), 23, False),
        (answer(PAULS.certificate), 25, True),
        (NONE, 0.9, False),
        (NONE, 1.1, True),
    ],
)
def test_an_answer_is_kept_for_its_time(
    asking: Making, script: Sequence[Operation], hours: float, again: bool
) -> None:
    server = Scripted(script)
    found = asking(server)
    first = [each.reply for each in found.send()]
    found.house.changed()
    assert refusal(found.send(after=timedelta(hours=hours))) == first
    assert server.asked == 1 + again


def test_a_failure_is_not_kept(asking: Making) -> None:
    server = Scripted(FAILED)
    found = asking(server)
    assert refusal(found.send()) == [reply.SOURCE_UNAVAILABLE]
    server.answers = answer(PAULS.certificate)
    assert only(found.send()).protected == "encrypted"


def test_an_answer_for_one_address_is_none_for_another(asking: Making) -> None:
    found = asking(answer(PAULS.certificate))
    first, second = found.send(PAUL, QUITTA)
    assert first.delivery is not None
    assert first.delivery.protected == "encrypted"
    assert second.delivery is not None
    assert second.delivery.protected == "clear"


def test_a_source_that_failed_rests_about_that_domain(asking: Making) -> None:
    server = Scripted(FAILED)
    found = asking(server)
    sent = found.send(PAUL, QUITTA, "else@west.example")
    assert refusal(sent) == [reply.SOURCE_UNAVAILABLE] * 3
    assert server.asked == 2, "quitta's domain is paul's"


def test_one_that_waits_makes_all_wait_under_require_all(asking: Making, nord: House) -> None:
    nord.knows(ROOT.issue(QUITTA))
    found = asking(FAILED, encrypt="require-all")
    assert refusal(found.send(PAUL, QUITTA)) == [reply.SOURCE_UNAVAILABLE] * 2
    found = asking(FAILED, encrypt="require")
    assert refusal(found.send(PAUL, QUITTA)) == [reply.SOURCE_UNAVAILABLE, None]


@contextmanager
def waiting(monkeypatch: pytest.MonkeyPatch, seconds: float) -> Iterator[None]:
    monkeypatch.setattr(gather, "FIRST_WAIT_SECONDS", seconds)
    before = time.monotonic()
    yield
    assert time.monotonic() - before < seconds + 15


def test_a_message_waits_once_for_all_its_recipients(
    asking: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = Scripted([], drip=9)
    found = asking(silent)
    with waiting(monkeypatch, 1):
        many = [f"p@d{each}.example" for each in range(20)]
        assert refusal(found.send(*many)) == [reply.SOURCE_UNAVAILABLE] * 20
    silent.let_go()


def test_an_answer_that_comes_too_late_is_there_for_the_next_try(
    asking: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Scripted(answer(PAULS.certificate), delay=60)
    found = asking(server)
    with waiting(monkeypatch, 0.05):
        assert refusal(found.send()) == [reply.SOURCE_UNAVAILABLE]
    server.let_go()
    found.close()
    assert only(found.send()).protected == "encrypted"
    assert server.asked == 1


def test_few_messages_wait_at_once(
    asking: Making, nord: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "WAITING_AT_MOST", 0)
    server = Scripted(answer(PAULS.certificate))
    assert refusal(asking(server).send()) == [reply.SOURCE_UNAVAILABLE]
    assert not server.asked


def test_the_event_loop_never_waits(asking: Making, nord: House) -> None:
    server = Scripted(answer(PAULS.certificate))
    found = asking(server)
    found.send(QUITTA)
    asked = server.asked
    with nord.store.database.never_waiting(), pytest.raises(WouldWait):
        found.send()
    assert server.asked == asked


def test_no_database_is_not_no_certificate(
    asking: Making, nord: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = asking(answer(PAULS.certificate))
    found.send(QUITTA)

    def fails(self: Database, statement: str, parameters: Sequence[object] = ()) -> object:
        if "lookedup" in statement:
            raise OSError("gone")
        return original(self, statement, parameters)

    original = Database.sql
    monkeypatch.setattr(Database, "sql", fails)
    sent = found.send()
    assert [each.reply.temporary for each in sent if each.reply] == [True]
