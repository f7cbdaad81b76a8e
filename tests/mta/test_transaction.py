"""A transaction gives each recipient the next hop's word, and 451 for whatever else happens."""

import asyncio
import functools
import itertools
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from app.mail.headers import split
from app.model.errors import WouldWait
from app.mta import incoming, machine, outgoing, transaction
from app.mta.envelope import Envelope, Peer
from app.mta.learn import learn_nothing
from app.mta.machine import Delivery
from app.mta.nexthop import NextHop
from app.mta.relay import Relay, Timeouts
from app.mta.reply import Reply
from app.mta.transaction import AT_ONCE_OCTETS, Gateway, Hops
from tests.houses import INSIDER, STRANGER, House, authority, message
from tests.mta.servers import Hop, Script
from tests.testpki import AT

ALICE, CARLA, RITA = (f"{name}@nord.example" for name in ("alice", "carla", "rita"))
PAUL, QUITTA = "paul@sued.example", "quitta@sued.example"
MAIL = message("x@elsewhere.example", ALICE)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


Deliver = Callable[..., Sequence[Reply]]


def deliver(
    house: House,
    threads: ThreadPoolExecutor,
    hop: Hop | NextHop,
    *recipients: str,
    octets: bytes = MAIL,
    reverse_path: str = "x@elsewhere.example",
    peer: Peer = STRANGER,
) -> list[Reply]:
    """Relay a message through a real gateway to a real server and return the replies."""

    async def run() -> list[Reply]:
        where = hop.hop if isinstance(hop, Hop) else hop
        relay = Relay("gateway.nord.example", Timeouts(0.5, 0.5, 0.5, 0.5))
        inside = machine.House(house.store, "gateway.nord.example", "de", learn_nothing)
        gateway = Gateway(inside, Hops(where, where), relay, threads)
        envelope = Envelope(reverse_path, recipients, octets, peer, AT)
        if isinstance(hop, Hop):
            async with hop.listening():
                where = hop.hop
                gateway = Gateway(inside, Hops(where, where), relay, threads)
                replies = await gateway.deliver(envelope)
                await relay.close()
                return replies
        replies = await gateway.deliver(envelope)
        await relay.close()
        return replies

    return asyncio.run(run())


def answering(*answers: bytes) -> Script:
    """A server that answers these after the dot."""

    def script(stage: str, line: bytes) -> bytes | str | None:
        del line
        number = {"dot": 0, "dot2": 1, "dot3": 2}.get(stage)
        return None if number is None else answers[number]

    return script


WORDS = (b"250 2.0.0 yes\r\n", b"451 4.2.0 later\r\n", b"550 5.2.1 never\r\n")


@pytest.mark.parametrize("answers", list(itertools.product(WORDS, repeat=3)))
def test_each_recipient_has_the_next_hops_own_reply(
    nord: House, threads: ThreadPoolExecutor, answers: tuple[bytes, ...]
) -> None:  # T4, T6
    hop = Hop("lmtp", script=answering(*answers))
    replies = deliver(nord, threads, hop, ALICE, CARLA, RITA)
    assert [str(reply).encode() + b"\r\n" for reply in replies] == list(answers)


def explode(delivery: Delivery) -> str:
    raise RuntimeError(f"secret of {delivery.recipient}")


def starve(delivery: Delivery) -> str:
    raise MemoryError


@pytest.mark.parametrize("step", ["decrypt", "verify", "tag"])
@pytest.mark.parametrize("failure", [explode, starve])
def test_whatever_a_step_raises_is_451_and_nothing_leaves(
    nord: House,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    failure: Callable[[Delivery], str],
    caplog: pytest.LogCaptureFixture,
) -> None:  # T2
    monkeypatch.setattr(incoming, step, failure)
    hop = Hop("lmtp")
    (reply,) = deliver(nord, threads, hop, ALICE)
    assert reply.code == 451
    assert "secret" not in str(reply)
    # The text of a fault may quote the message.
    assert f"secret of {ALICE}" not in caplog.text
    assert f"in {failure.__name__}" in caplog.text
    assert not hop.transactions


@pytest.mark.parametrize("step", ["clean", "sign", "encrypt", "finish"])
def test_whatever_an_outbound_step_raises_is_451_and_nothing_leaves(
    nord: House, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:  # T2, T88
    monkeypatch.setattr(outgoing, step, explode)
    hop = Hop("lmtp")
    (reply,) = deliver(nord, threads, hop, PAUL, octets=message(ALICE, PAUL), peer=INSIDER)
    assert reply.code == 451
    assert not hop.transactions


def test_message_for_which_no_route_fits_is_451(
    nord: House, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:  # T3
    monkeypatch.setattr("app.mta.transaction.direction_of", lambda *_: "sideways")
    (reply,) = deliver(nord, threads, Hop("lmtp"), ALICE)
    assert str(reply).startswith("451 4.3.5")


def test_state_that_never_ends_is_451(
    nord: House, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "STEPS_AT_MOST", 2)
    (reply,) = deliver(nord, threads, Hop("lmtp"), ALICE)
    assert reply.code == 451


def test_lost_database_defers_and_sends_nothing(nord: House, threads: ThreadPoolExecutor) -> None:
    # T8: a lost database never means "no policy, so in clear".
    hop = Hop("lmtp")
    nord.own(authority().issue(ALICE))
    path = Path(nord.url.removeprefix("sqlite:///"))
    assert nord.store.snapshot().domains
    nord.store._checked_at = float("-inf")
    path.rename(path.with_suffix(".gone"))
    (reply,) = deliver(nord, threads, hop, PAUL, octets=message(ALICE, PAUL), peer=INSIDER)
    assert reply.code == 451
    assert not hop.transactions
    path.with_suffix(".gone").rename(path)


def test_partner_book_that_cannot_be_read_never_means_clear(
    nord: House, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:  # T88
    def broken(*_: object, **__: object) -> None:
        raise sqlite3.DatabaseError("malformed")

    monkeypatch.setattr("app.model.snapshot.Store.usable_for", broken)
    hop = Hop("lmtp")
    (reply,) = deliver(nord, threads, hop, PAUL, octets=message(ALICE, PAUL), peer=INSIDER)
    assert reply.code == 451
    assert not hop.transactions


STAGES = ("connect", "hello", "mail", "rcpt", "data", "dot")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("how", "codes"),
    [(b"450 4.0.0 later\r\n", {450, 451}), ("421", {421, 451}), ("close", {451}), ("hang", {451})],
)
def test_next_hop_that_fails_for_now_keeps_the_mail_with_the_client(
    nord: House, threads: ThreadPoolExecutor, stage: str, how: bytes | str, codes: set[int]
) -> None:  # F2, F4, F5, F6
    hop = Hop("lmtp", script=lambda at, _: how if at == stage else None)
    (reply,) = deliver(nord, threads, hop, ALICE)
    assert reply.code in codes


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot"])
def test_next_hop_that_refuses_for_good_is_believed(
    nord: House, threads: ThreadPoolExecutor, stage: str
) -> None:  # F3
    hop = Hop("lmtp", script=lambda at, _: b"550 5.1.1 no\r\n" if at == stage else None)
    (reply,) = deliver(nord, threads, hop, ALICE)
    assert str(reply) == "550 5.1.1 no"


def test_next_hop_that_is_not_there_keeps_the_mail_with_the_client(
    nord: House, threads: ThreadPoolExecutor
) -> None:  # F7
    (reply,) = deliver(nord, threads, NextHop("lmtp", "127.0.0.1", 1), ALICE)
    assert str(reply).startswith("451 4.4.1")


def test_recipients_with_the_same_octets_share_one_transaction(
    nord: House, threads: ThreadPoolExecutor
) -> None:
    hop = Hop("lmtp")
    replies = deliver(nord, threads, hop, ALICE, CARLA, RITA)
    assert all(reply.relayed for reply in replies)
    assert len(hop.messages) == 1
    assert len(hop.messages[0].recipients) == 3


def test_one_signature_serves_all_recipients_without_a_certificate(
    nord: House, threads: ThreadPoolExecutor
) -> None:  # P8
    nord.own(authority().issue(ALICE))
    hop = Hop("lmtp")
    replies = deliver(
        nord, threads, hop, PAUL, QUITTA,
        octets=message(ALICE, PAUL), reverse_path=ALICE, peer=INSIDER,
    )  # fmt: skip
    assert all(reply.relayed for reply in replies)
    assert len(hop.messages) == 1


def test_encrypted_and_clear_recipients_get_copies_of_their_own(
    nord: House, threads: ThreadPoolExecutor
) -> None:  # T90, T91
    nord.knows(authority().issue(PAUL))
    hop = Hop("lmtp")
    deliver(nord, threads, hop, PAUL, QUITTA, octets=message(ALICE, PAUL), peer=INSIDER)
    copies = {one.recipients[0]: one.octets or b"" for one in hop.messages}
    assert b"Good morning" not in copies[f"RCPT TO:<{PAUL}>\r\n".encode()]
    assert b"Good morning" in copies[f"RCPT TO:<{QUITTA}>\r\n".encode()]


def test_null_reverse_path_stays_null(nord: House, threads: ThreadPoolExecutor) -> None:  # T12
    hop = Hop("lmtp")
    deliver(nord, threads, hop, ALICE, reverse_path="")
    assert hop.messages[0].mail.startswith(b"MAIL FROM:<>")


def test_recipient_keeps_its_letters(nord: House, threads: ThreadPoolExecutor) -> None:  # T13
    hop = Hop("lmtp")
    deliver(nord, threads, hop, "Al.ICE+Tag@Nord.Example")
    assert hop.messages[0].recipients == [b"RCPT TO:<Al.ICE+Tag@Nord.Example>\r\n"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("X-Sealmon-Hop: 5\r\n", 250),
        ("X-Sealmon-Hop: 6\r\n", 554),
        ("X-Sealmon-Hop: nonsense\r\n", 250),
        ("Received: by a; Tue, 24 Nov 2026 09:00:00 +0100\r\n" * 50, 250),
        ("Received: by a; Tue, 24 Nov 2026 09:00:00 +0100\r\n" * 51, 554),
    ],
)
def test_message_that_goes_in_circles_is_stopped(
    nord: House, threads: ThreadPoolExecutor, fields: str, code: int
) -> None:  # T11
    (reply,) = deliver(nord, threads, Hop("lmtp"), ALICE, octets=fields.encode() + MAIL)
    assert reply.code == code


def test_hop_count_is_written_on_what_leaves(nord: House, threads: ThreadPoolExecutor) -> None:
    hop = Hop("lmtp")
    deliver(nord, threads, hop, ALICE, octets=b"X-Sealmon-Hop: 3\r\n" + MAIL)
    headers = split(hop.messages[0].octets or b"").headers
    assert [field.unfolded for field in headers.all("X-Sealmon-Hop")] == [b"4"]


@pytest.mark.parametrize(("octets", "code"), [(1024 * 1024 - 2, 250), (1024 * 1024 + 1, 554)])
def test_header_section_has_a_limit(
    nord: House, threads: ThreadPoolExecutor, octets: int, code: int
) -> None:
    field = b"X-Long: " + b"a" * (octets - 10) + b"\r\n"
    (reply,) = deliver(
        nord, threads, Hop("lmtp", extensions=("PIPELINING",)), ALICE, octets=field + b"\r\nx\r\n"
    )
    assert reply.code == code


def test_without_a_managed_domain_everything_is_deferred(
    nord: House, threads: ThreadPoolExecutor
) -> None:
    from app.model import domains

    domains.remove(nord.database, "nord.example")
    nord.changed()
    (reply,) = deliver(nord, threads, Hop("lmtp"), ALICE)
    assert str(reply) == "451 4.3.5 no managed domain is configured"


class Counting(ThreadPoolExecutor):
    """Counts what it is given."""

    given = 0

    def submit(self, *arguments: object, **named: object) -> Future[object]:  # type: ignore[override]
        self.given += 1
        return super().submit(*arguments, **named)  # type: ignore[arg-type]


def test_what_is_in_memory_is_not_handed_to_a_thread(
    nord: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What takes long goes to a thread as well, and a pause of the interpreter is long.
    monkeypatch.setattr(transaction, "AT_ONCE_SECONDS", 60.0)
    nord.own(authority().issue(ALICE))
    hop = Hop("lmtp")
    with Counting(1) as threads:
        send = functools.partial(
            deliver, nord, threads, hop, PAUL, octets=message(ALICE, PAUL), peer=INSIDER
        )
        assert send()[0].relayed
        assert threads.given == 1, "the first has to read the store"
        nord.keep_fresh()
        assert send()[0].relayed
        assert threads.given == 1
    first, second = hop.messages
    assert b"multipart/signed" in (first.octets or b"")
    assert b"multipart/signed" in (second.octets or b"")


def test_large_message_is_left_to_a_thread(nord: House) -> None:
    octets = MAIL + b"x" * 200_000 + b"\r\n"
    with Counting(1) as threads:
        for count in (1, 2):
            hop = Hop("lmtp")
            assert deliver(nord, threads, hop, ALICE, octets=octets)[0].relayed
            assert threads.given == count


def test_database_is_never_asked_in_the_loop(nord: House) -> None:
    database = nord.store.database
    with database.never_waiting(), pytest.raises(WouldWait):
        database.version()
    assert database.version()
    with database.never_waiting(), pytest.raises(WouldWait):
        nord.store.usable_for(PAUL, at=AT)


THREAD = "Thread-Topic: " + "[SIGNI[SIGNIERT]ERT] " * 400


def test_what_takes_long_is_done_in_a_thread(nord: House, threads: ThreadPoolExecutor) -> None:
    # T110: small, and long in the making
    turned = "\u202e[SIGNI\u202d" * 500
    octets = message("x@elsewhere.example", ALICE, turned, "b\r\n", *8 * (THREAD,))
    inside = machine.House(nord.store, "gateway.nord.example", "de", learn_nothing)
    gateway = Gateway(inside, Hops(Hop("lmtp").hop, Hop("lmtp").hop), Relay("x"), threads)
    envelope = Envelope("x@elsewhere.example", (ALICE,), octets, STRANGER, AT)
    assert len(octets) < AT_ONCE_OCTETS
    nord.keep_fresh()
    assert gateway._at_once(envelope, "t") is None
    (reply,) = deliver(nord, threads, Hop("lmtp"), ALICE, octets=octets)
    assert reply.code == 250


WAYS = [f"paul%sued.example@{each}" for each in ("nord.example", "mx.nord.example")] + [
    '"paul@sued.example"@nord.example',
    '"paul\\\\@sued.example"@nord.example',
    "sued.example!paul@nord.example",
    '"sued.example!paul"@nord.example',
]


# T27: the next hop trusts us and would follow it
@pytest.mark.parametrize("recipient", WAYS)
@pytest.mark.parametrize("peer", [STRANGER, INSIDER])
def test_no_way_in_a_local_part_is_followed(
    nord: House, threads: ThreadPoolExecutor, recipient: str, peer: Peer
) -> None:
    inside = machine.House(nord.store, "gateway.nord.example", "de", learn_nothing)
    hop = Hop("lmtp")
    gateway = Gateway(inside, Hops(hop.hop, hop.hop), Relay("x"), threads)
    nord.keep_fresh()
    said = gateway.refuse_recipient("x@elsewhere.example", recipient, peer)
    assert isinstance(said, Reply)
    assert str(said).startswith("550 5.1.3")
    (answer,) = deliver(nord, threads, hop, recipient, peer=peer)
    assert answer == said
    assert not hop.transactions
