"""The relay: every failure of a next hop has the right reply; nothing goes twice or nowhere."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from app.mta import reply
from app.mta.listener import Listener
from app.mta.nexthop import NextHop
from app.mta.receiver import start_listeners
from app.mta.relay import Relay
from app.mta.reply import Reply
from tests.mta.sending import MESSAGE, QUICK, STAGES, at, make, once, send
from tests.mta.servers import Desk, Hop, settings


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
    (answer,) = once(Hop(script=at("mail", flood)))
    assert answer.temporary
    assert answer != reply.TIMED_OUT


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
