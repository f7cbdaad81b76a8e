"""The relay: every failure of a next hop has the right reply; nothing goes twice or nowhere."""

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.mta import relay as module
from app.mta import reply
from app.mta.cargo import Cargo
from app.mta.client import Timeouts
from app.mta.listener import Listener
from app.mta.nexthop import NextHop
from app.mta.receiver import start_listeners
from app.mta.relay import Relay
from app.mta.reply import Reply
from tests.mta.servers import Desk, Hop, Script, clear, settings

MESSAGE = b"Subject: a\r\n\r\n.dot\r\ntext\r\n"
QUICK = Timeouts(
    connect_seconds=0.5, greeting_seconds=0.2, command_seconds=0.2, content_seconds=0.3
)
STAGES = ("connect", "hello", "mail", "rcpt", "data", "dot")


async def send(
    relay: Relay,
    hop: Hop | NextHop,
    recipients: Sequence[str] = ("b@sued.example",),
    octets: bytes = MESSAGE,
    **options: Any,
) -> list[Reply]:
    return await relay.send(
        hop.hop if isinstance(hop, Hop) else hop,
        options.pop("reverse_path", "a@nord.example"),
        recipients,
        Cargo(octets, clear(*recipients)),
        **options,
    )


def at(stage: str, answer: bytes | str, times: int = 10**6) -> Script:
    """Return a script that gives this answer at this stage, so many times."""
    left = [times]

    def script(now: str, _: bytes) -> bytes | str | None:
        if now == stage and left[0]:
            left[0] -= 1
            return answer
        return None

    return script


def once(hop: Hop, recipients: Sequence[str] = ("b@sued.example",), **options: Any) -> list[Reply]:
    async def run() -> list[Reply]:
        async with hop.listening():
            relay = Relay("gw.example", options.pop("timeouts", None))
            answers = await send(relay, hop, recipients, **options)
            await relay.close()
            return answers

    return asyncio.run(run())


def make(protocol: str, piped: bool, script: Script) -> Hop:
    return Hop(protocol, ["PIPELINING", "8BITMIME"] if piped else ["8BITMIME"], script)


@pytest.mark.parametrize("piped", [True, False], ids=["piped", "stepwise"])
@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
class TestEveryStage:
    """F2 to F7."""

    @pytest.mark.parametrize("stage", STAGES)
    def test_temporary_refusal_is_passed_on(self, protocol: str, piped: bool, stage: str) -> None:
        hop = make(protocol, piped, at(stage, b"450 4.2.0 later\r\n"))
        assert [answer.code // 100 for answer in once(hop)] == [4]

    @pytest.mark.parametrize("stage", STAGES[2:])
    def test_permanent_refusal_is_passed_on(self, protocol: str, piped: bool, stage: str) -> None:
        hop = make(protocol, piped, at(stage, b"550 5.7.1 never\r\n"))
        assert list(map(str, once(hop))) == ["550 5.7.1 never"]

    def test_refusal_before_mail_is_not_the_messages_fault(
        self, protocol: str, piped: bool
    ) -> None:
        hop = make(protocol, piped, at("connect", b"554 5.7.1 no service here\r\n"))
        assert list(map(str, once(hop))) == ["451 4.7.1 no service here"]

    @pytest.mark.parametrize("stage", STAGES)
    @pytest.mark.parametrize("how", ["421", "close", b"what?\r\n", b"\xff\r\n", b"999 x\r\n"])
    def test_break_or_nonsense_is_temporary(
        self, protocol: str, piped: bool, stage: str, how: bytes | str
    ) -> None:
        hop = make(protocol, piped, at(stage, how))
        (answer,) = once(hop)
        assert answer.temporary
        assert answer.code != 421

    @pytest.mark.parametrize("stage", STAGES)
    def test_silence_is_temporary(self, protocol: str, piped: bool, stage: str) -> None:
        hop = make(protocol, piped, at(stage, "hang"))
        assert once(hop, timeouts=QUICK) == [reply.TIMED_OUT]

    @pytest.mark.parametrize("stage", STAGES)
    def test_yes_in_the_wrong_place_is_no_yes(self, protocol: str, piped: bool, stage: str) -> None:
        if stage in {"connect", "hello", "dot"}:
            return
        wrong = b"354 go\r\n" if stage != "data" else b"250 2.0.0 ok\r\n"
        hop = make(protocol, piped, at(stage, wrong))
        assert once(hop)[0].temporary

    def test_loss_in_the_content_is_temporary(self, protocol: str, piped: bool) -> None:
        hop = make(protocol, piped, at("content", "close"))
        assert once(hop, octets=b"x" * 3_000_000)[0].temporary
        assert not hop.messages

    def test_message_arrives_as_it_is(self, protocol: str, piped: bool) -> None:
        hop = make(protocol, piped, at("none", ""))
        (answer,) = once(hop, eight_bit=True)
        assert str(answer) == "250 2.0.0 taken 1"
        (mail,) = hop.messages
        assert mail.mail == b"MAIL FROM:<a@nord.example> BODY=8BITMIME\r\n"
        assert mail.recipients == [b"RCPT TO:<b@sued.example>\r\n"]
        assert mail.octets == MESSAGE

    def test_each_recipient_keeps_its_reply(self, protocol: str, piped: bool) -> None:
        # F8, T4, T6
        def script(stage: str, line: bytes) -> bytes | None:
            if stage == "rcpt" and b"two" in line:
                return b"550 5.1.1 nobody\r\n"
            return b"452 4.2.2 full\r\n" if stage == "dot2" else None

        hop = make(protocol, piped, script)
        answers = once(hop, ["one@x", "two@x", "three@x"])
        last = "452 4.2.2 full" if protocol == "lmtp" else "250 2.0.0 taken 1"
        assert list(map(str, answers)) == ["250 2.0.0 taken 1", "550 5.1.1 nobody", last]
        assert len(hop.messages) == 1


def test_lmtp_reply_that_does_not_come_is_temporary_for_that_recipient() -> None:
    # F5: one of three replies was written (K17).
    hop = Hop("lmtp", script=at("dot2", "close"))
    first, second, third = once(hop, ["one@x", "two@x", "three@x"])
    assert first.relayed
    assert (second, third) == (reply.LOST, reply.LOST)


def test_nothing_is_written_to_a_server_that_took_no_recipient_and_says_354() -> None:
    def script(stage: str, _: bytes) -> bytes | None:
        return {"rcpt": b"550 5.1.1 no\r\n", "data": b"354 go\r\n"}.get(stage)

    hop = Hop(script=script)
    assert once(hop)[0].code == 550
    assert not hop.messages


def test_server_without_extensions_is_greeted_with_helo() -> None:
    hop = Hop(script=at("hello", b"502 what\r\n"))
    assert once(hop)[0].relayed
    assert hop.lines[1] == b"HELO gw.example\r\n"
    assert hop.messages[0].mail == b"MAIL FROM:<a@nord.example>\r\n"


@pytest.mark.parametrize(
    ("extensions", "octets", "options", "expected"),
    [
        ([], b"\r\n\xc3\xa4\r\n", {}, reply.NO_EIGHT_BIT),
        (["8BITMIME"], b"S: \xc3\xa4\r\n\r\n", {"smtputf8": True}, reply.NO_SMTPUTF8),
        (["SIZE 20"], MESSAGE, {}, reply.TOO_LARGE),
    ],
)
def test_server_that_cannot_have_it_is_not_given_it(
    extensions: list[str], octets: bytes, options: dict[str, Any], expected: Reply
) -> None:
    # F8
    hop = Hop(extensions=extensions)
    assert once(hop, octets=octets, **options) == [expected]
    assert not hop.transactions


def test_internationalised_recipient_needs_the_extension() -> None:
    hop = Hop(extensions=["SMTPUTF8"])
    assert once(hop, ["\u5f20@x"])[0].relayed
    assert hop.messages[0].recipients == ["RCPT TO:<\u5f20@x>\r\n".encode()]
    assert once(Hop(extensions=[]), ["\u5f20@x"]) == [reply.NO_SMTPUTF8]


def test_unwritable_address_is_refused_alone() -> None:
    # T25
    hop = Hop("lmtp")
    answers = once(hop, ["a@x", "b@x>\r\nDATA", "c@x"])
    assert [answer.code for answer in answers] == [250, 553, 250]
    assert len(hop.messages[0].recipients) == 2


def test_unwritable_reverse_path_is_refused() -> None:
    assert once(Hop(), reverse_path="a@x>\r\nDATA") == [reply.BAD_PATH]


@pytest.mark.parametrize("octets", [b"a\n.\nb", b"a\r.\r", b"a\r\n\r.\r\n"])
def test_stray_line_end_never_leaves(octets: bytes) -> None:
    # T24
    hop = Hop()
    assert once(hop, octets=octets) == [reply.STEP_FAILED]
    assert not hop.connections


@pytest.mark.parametrize(
    "flood", [b"2" * 3_000_000, b"250-x\r\n" * 300_000, b"250 x\r\n" * 300_000]
)
def test_flood_of_a_server_ends_the_connection(flood: bytes) -> None:
    # T33
    assert once(Hop(script=at("mail", flood)))[0].temporary


def test_text_of_a_server_is_cleaned() -> None:
    # T33
    hop = Hop(script=at("dot", b"550 5.7.1 no\x1b[2J\x00" + b"x" * 4000 + b"\r\n"))
    (answer,) = once(hop)
    assert str(answer).startswith("550 5.7.1 no?[2J?xxx")
    assert len(str(answer)) <= 512


def test_closed_port_and_unknown_name_are_unreachable() -> None:
    # F7, T17
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        for hop in (NextHop("smtp", "127.0.0.1", port), NextHop("lmtp", path="/nowhere/s")):
            assert asyncio.run(send(Relay("gw.example"), hop)) == [reply.UNREACHABLE]
    hop = NextHop("smtp", "no-such-host.invalid", 25)
    assert asyncio.run(send(Relay("gw.example"), hop))[0].temporary


class TestKeptConnections:
    def test_connection_is_used_again(self) -> None:
        async def run(hop: Hop) -> None:
            async with hop.listening():
                relay = Relay("gw.example")
                for _ in range(5):
                    assert (await send(relay, hop))[0].relayed
                await relay.close()

        hop = Hop()
        asyncio.run(run(hop))
        assert (hop.connections, len(hop.messages)) == (1, 5)

    @pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
    @pytest.mark.parametrize("how", ["421", "close"])
    def test_dead_connection_is_replaced_before_content(self, stage: str, how: str) -> None:
        async def run(hop: Hop) -> None:
            async with hop.listening():
                relay = Relay("gw.example")
                assert (await send(relay, hop))[0].relayed
                hop.script = at(stage, how, times=1)
                assert (await send(relay, hop))[0].relayed
                await relay.close()

        hop = Hop()
        asyncio.run(run(hop))
        assert (hop.connections, len(hop.messages)) == (2, 2)

    @pytest.mark.parametrize("how", ["421", "close"])
    def test_nothing_is_sent_twice_after_content(self, how: str) -> None:
        # T5: the server may have it.
        async def run(hop: Hop) -> None:
            async with hop.listening():
                relay = Relay("gw.example")
                await send(relay, hop)
                hop.script = at("dot", how, times=1)
                assert (await send(relay, hop))[0].temporary
                await relay.close()

        hop = Hop()
        asyncio.run(run(hop))
        assert len(hop.messages) == 2

    def test_new_connection_that_dies_is_not_tried_again(self) -> None:
        hop = Hop(script=at("mail", "close"))
        assert once(hop) == [reply.LOST]
        assert hop.connections == 1

    def test_server_that_closed_meanwhile_is_noticed(self) -> None:
        async def run(hop: Hop) -> None:
            async with hop.listening():
                relay = Relay("gw.example")
                await send(relay, hop)
                await asyncio.sleep(0.05)
                assert (await send(relay, hop))[0].relayed
                await relay.close()

        hop = Hop(script=at("after-dot", "close"))
        asyncio.run(run(hop))
        assert hop.connections == 2

    def test_connection_on_which_too_much_was_said_is_left(self) -> None:
        async def run(hop: Hop) -> None:
            async with hop.listening():
                relay = Relay("gw.example")
                await send(relay, hop)
                await asyncio.sleep(0.05)
                assert (await send(relay, hop))[0].relayed
                await relay.close()

        hop = Hop(script=at("dot", b"250 ok\r\n250 and once more\r\n"))
        asyncio.run(run(hop))
        assert hop.connections == 2

    def test_old_connection_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "IDLE_SECONDS", 0)

        async def run(hop: Hop) -> None:
            async with hop.listening():
                relay = Relay("gw.example")
                await send(relay, hop)
                await send(relay, hop)
                await asyncio.sleep(0.05)
                await relay.close()

        hop = Hop()
        asyncio.run(run(hop))
        assert hop.connections == 2
        assert b"QUIT\r\n" in hop.lines

    @pytest.mark.parametrize("piped", [True, False])
    def test_transaction_that_came_to_nothing_is_reset(self, piped: bool) -> None:
        async def run(hop: Hop) -> None:
            async with hop.listening():
                relay = Relay("gw.example")
                assert (await send(relay, hop))[0].permanent
                assert (await send(relay, hop))[0].relayed
                await relay.close()

        hop = make("smtp", piped, at("rcpt", b"550 5.1.1 no\r\n", times=1))
        asyncio.run(run(hop))
        assert hop.connections == 1
        verbs = [line[:4] for line in hop.lines]
        assert verbs[1:] == [b"MAIL", b"RCPT", b"DATA", b"RSET", b"MAIL", b"RCPT", b"DATA"]

    def test_connections_to_one_hop_are_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "CONNECTIONS_AT_MOST", 3)

        async def run(hop: Hop) -> None:
            async with hop.listening():
                relay = Relay("gw.example")
                answers = await asyncio.gather(*(send(relay, hop) for _ in range(40)))
                assert all(answer.relayed for (answer,) in answers)
                await relay.close()

        hop = Hop()
        asyncio.run(run(hop))
        assert hop.connections <= 3
        assert len(hop.messages) == 40

    def test_nobody_waits_for_a_turn_for_ever(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # R9
        monkeypatch.setattr(module, "CONNECTIONS_AT_MOST", 1)

        async def run(hop: Hop) -> None:
            async with hop.listening():
                relay = Relay("gw.example", Timeouts(turn_seconds=0.05, total_seconds=0.3))
                first = asyncio.ensure_future(send(relay, hop))
                await asyncio.sleep(0.02)
                assert await send(relay, hop) == [reply.BUSY]
                assert await first == [reply.TIMED_OUT]
                hop.script = at("none", "")
                assert (await send(relay, hop))[0].relayed
                await relay.close()

        asyncio.run(run(Hop(script=at("dot", "hang"))))

    def test_cancelled_message_leaves_no_connection_behind(self) -> None:
        async def run(hop: Hop) -> None:
            async with hop.listening():
                relay = Relay("gw.example")
                hop.script = at("dot", "hang")
                task = asyncio.ensure_future(send(relay, hop))
                await asyncio.sleep(0.1)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                hop.script = at("none", "")
                assert (await send(relay, hop))[0].relayed
                assert hop.connections == 2
                await relay.close()

        asyncio.run(run(Hop()))


def test_large_message_arrives_whole_with_a_dot_at_every_edge() -> None:
    # T14; the slices of the relay end in the middle of lines, line ends and dots.
    octets = b"\r\n." * 700_001 + b"x" * 1_000_000 + b"\r\n"
    hop = Hop(extensions=["SIZE 0", "PIPELINING"])
    assert once(hop, octets=octets)[0].relayed
    assert hop.messages[0].octets == octets


@pytest.mark.parametrize("how", ["slow", "close"])
def test_slow_server_takes_a_large_message_at_its_own_pace(how: str) -> None:
    hop = Hop(script=at("content", how), extensions=["SIZE 0"])
    (answer,) = once(hop, octets=b"x" * 20_000_000 + b"\r\n")
    assert answer.relayed == (how == "slow")
    assert len(hop.messages) == answer.relayed


def test_lmtp_goes_over_a_unix_socket(tmp_path: Path) -> None:
    async def run() -> None:
        desk, listener = Desk(), Listener("lmtp", path=str(tmp_path / "s"))
        receiver = await start_listeners(desk, [(listener, listener.bind())], settings())
        relay = Relay("gw.example")
        answers = await send(relay, NextHop("lmtp", path=listener.path), ["gone@x", "b@x"])
        assert [answer.code for answer in answers] == [550, 250]
        assert desk.taken[0].octets == MESSAGE
        assert desk.taken[0].peer.address == ""
        await relay.close()
        await receiver.drain(1)

    asyncio.run(run())
