"""What becomes of mail when something around it is odd: full disk, wrong clock, small next hop."""

import ast
import asyncio
import errno
import logging
import logging.config
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from app.mta import incoming
from app.mta.machine import Delivery
from config.logs import configuration
from tests.houses import INSIDER, House, authority, message
from tests.mta.servers import Hop
from tests.mta.test_transaction import deliver
from tests.testpki import AT

ALICE, PAUL = "alice@nord.example", "paul@sued.example"
APP = Path(__file__).parents[2] / "app"


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def test_no_queue_of_salmon_is_used() -> None:
    # T9, T20: what is nowhere held cannot be popped too early, nor lie in a corner for ever.
    for file in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [getattr(node, "module", None) or "", getattr(node, "attr", "")]
            names += [each.name for each in getattr(node, "names", []) if hasattr(each, "name")]
            assert not {"salmon.queue", "QueueReceiver"} & set(names), file


def test_what_signing_and_encryption_add_counts_against_the_next_hops_size(
    nord: House, threads: ThreadPoolExecutor
) -> None:  # T15
    nord.own(authority().issue(ALICE))
    nord.knows(authority().issue(PAUL))
    nord.policy(direction="outbound", sign="require", encrypt="require")
    octets = message(ALICE, PAUL, "Offer", "canary\r\n" * 1_000)

    def send(limit: int) -> tuple[Hop, str]:
        hop = Hop("lmtp", extensions=("PIPELINING", "8BITMIME", f"SIZE {limit}"))
        (reply,) = deliver(
            nord, threads, hop, PAUL, octets=octets, reverse_path=ALICE, peer=INSIDER
        )
        return hop, str(reply)

    large, _ = send(1_000_000)
    size = len(large.messages[0].octets or b"")
    assert size > 1.3 * len(octets)
    # A signature is longer or shorter by an octet or two each time.
    roomy, said = send(size + 100)
    assert said.startswith("250")
    assert len(roomy.messages) == 1
    tight, said = send(size - 100)
    assert said.startswith("552 5.3.4")
    assert "canary" not in said
    assert not tight.transactions


@pytest.mark.parametrize("days", [-366, 366])
def test_a_clock_that_jumps_loses_no_mail(nord: House, days: int) -> None:
    # T16: nothing is held, so nothing of mail can be too old; only the verdict goes by the time.
    nord.own(authority().issue(ALICE))
    for at in (AT, AT + timedelta(days=days), AT):
        (outcome,) = nord.send(message("x@elsewhere.example", ALICE), ALICE, at=at)
        assert outcome.reply is None
        assert outcome.delivery is not None
        assert outcome.delivery.ready


def test_no_deadline_goes_by_the_clock_on_the_wall() -> None:
    # T16, R10: who waits asks a clock that nobody sets.
    for file in (APP / "mta").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) != ("time", "time"), file


@pytest.mark.parametrize("word", [b"550 5.2.1 no\r\n", b"451 4.2.0 later\r\n"])
def test_a_report_that_is_refused_is_reported_to_nobody(
    nord: House, threads: ThreadPoolExecutor, word: bytes
) -> None:  # T21, T12: the server in front still has it, and its rule for double bounces
    hop = Hop("lmtp", script=lambda stage, _: word if stage == "dot" else None)
    (reply,) = deliver(nord, threads, hop, ALICE, reverse_path="")
    assert str(reply).encode() + b"\r\n" == word
    assert [each.mail for each in hop.transactions] == [
        b"MAIL FROM:<> SIZE=" + _size(hop) + b"\r\n"
    ]


def _size(hop: Hop) -> bytes:
    return b"%d" % len(hop.messages[0].octets or b"")


class Full:
    """A log on a disk without room."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device", text[:0])

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_that_cannot_be_written_stops_no_mail(
    nord: House,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # T22
    full = configuration("DEBUG")
    full["handlers"]["stderr"]["stream"] = Full()
    logging.config.dictConfig(full)
    try:
        monkeypatch.setattr(logging.getLogger("sealmon"), "propagate", True)
        hop = Hop("lmtp")
        assert deliver(nord, threads, hop, ALICE)[0].relayed
        assert len(hop.messages) == 1

        def fails(_: Delivery) -> str:
            raise RuntimeError("of no concern to the log")

        monkeypatch.setattr(incoming, "verify", fails)
        (reply,) = deliver(nord, threads, Hop("lmtp"), ALICE)
        assert reply.code == 451
    finally:
        logging.config.dictConfig(configuration("INFO"))
    assert "Logging error" in capsys.readouterr().err


def test_many_sessions_on_two_listeners_do_not_disturb_one_another(
    nord: House, threads: ThreadPoolExecutor
) -> None:
    # T19: 200 sessions at once on each of two listeners of one process.
    from tests.mta.servers import Client, Through, receiving, settings

    async def one(port: int, number: int, verb: bytes) -> str:
        client = await Client.connect(port)
        await client.begin(b"%d@nord.example" % number, verb=verb)
        (answer,) = await client.say(b"Subject: %d\r\n\r\n.\r\n" % number)
        client.close()
        return answer

    async def run() -> None:
        async with Hop().listening() as hop:
            through = Through(hop.hop)
            terms = settings(connections_per_client=500)
            async with (
                receiving(through, "smtp", terms) as (smtp, _),
                receiving(through, "lmtp", terms) as (lmtp, _),
            ):
                answers = await asyncio.gather(
                    *(one(smtp, number, b"EHLO") for number in range(200)),
                    *(one(lmtp, number, b"LHLO") for number in range(200, 400)),
                )
            assert all(answer.startswith("250 ") for answer in answers)
            came = sorted(
                (b"".join(each.recipients)[9:-16], (each.octets or b"")[9:].split(b"\r\n")[0])
                for each in hop.messages
            )
            assert came == sorted((b"%d" % n, b"%d" % n) for n in range(400))
            await through.relay.close()

    asyncio.run(run())
