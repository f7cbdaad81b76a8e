"""The receiver: envelopes exact, limits kept, and a client that misbehaves hurts nobody else."""

import asyncio
import socket
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import clock
from app.mta.envelope import Peer
from app.mta.receiver import ReceiverSettings
from app.mta.transports import client_address
from tests.examples import examples
from tests.mta.servers import Client, Desk, hand_over, receiving, settings


class TestEnvelope:
    def test_everything_is_as_it_was_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # T12, T13
        at = datetime(2026, 6, 15, tzinfo=UTC)
        monkeypatch.setattr(clock, "now", lambda: at)

        async def run() -> None:
            async with receiving(desk := Desk(), "lmtp") as (port, _):
                client = await Client.connect(port)
                await client.greet(b"LHLO")
                await client.say(
                    b"mail from:<> body=8bitmime\r\nrcpt to:<Bob.B+x@Sued.Example>\r\n"
                    b"RCPT TO:<bob.b+x@sued.example>\r\nRCPT TO:<Bob.B+x@Sued.Example>\r\nDATA\r\n",
                    replies=5,
                )
                await client.say(b"Subject: \xff\0\r\n\r\n..dot\r\n.\r\n", replies=3)
                client.close()
            (envelope,) = desk.taken
            assert envelope.reverse_path == ""
            assert envelope.recipients == (
                "Bob.B+x@Sued.Example",
                "bob.b+x@sued.example",
                "Bob.B+x@Sued.Example",
            )
            assert envelope.octets == b"Subject: \xff\0\r\n\r\n.dot\r\n"
            assert envelope.eight_bit
            assert not envelope.smtputf8
            assert envelope.received_at == at
            assert envelope.peer == Peer("127.0.0.1", helo="client.example", protocol="LMTP")

        asyncio.run(run())

    @pytest.mark.parametrize(
        ("protocol", "verb", "option", "expected"),
        [
            ("smtp", b"HELO", b"", "SMTP"),
            ("smtp", b"EHLO", b"", "ESMTP"),
            ("smtp", b"EHLO", b" SMTPUTF8", "UTF8SMTP"),
            ("lmtp", b"LHLO", b" SMTPUTF8", "UTF8LMTP"),
        ],
    )
    def test_protocol_has_its_registered_name(
        self, protocol: str, verb: bytes, option: bytes, expected: str
    ) -> None:
        # RFC 3848, RFC 6531 §4.3
        async def run() -> None:
            async with receiving(desk := Desk(), protocol) as (port, _):
                client = await Client.connect(port)
                await client.greet(verb)
                await client.say(b"MAIL FROM:<a@x>" + option + b"\r\n")
                await client.say(b"RCPT TO:<b@x>\r\n")
                client.close()
            assert [peer.protocol for peer in desk.asked] == [expected]

        asyncio.run(run())

    @given(
        st.lists(
            st.sampled_from([b"\r\n", b".", b"..", b"a", b"\xff", b"\0", b"x" * 1500, b"\r\n.\r\n"])
        ).map(b"".join)
    )
    @examples(30)
    def test_octets_are_exact(self, octets: bytes) -> None:
        # T14
        stuffed = b"".join(
            b"." + line if line.startswith(b".") else line
            for line in octets.splitlines(keepends=True)
        )
        if octets and not octets.endswith(b"\r\n"):
            stuffed += b"\r\n"
            octets += b"\r\n"

        async def run() -> None:
            async with receiving(desk := Desk()) as (port, _):
                await hand_over(port, stuffed)
            assert desk.taken[0].octets == octets

        asyncio.run(run())


@pytest.mark.parametrize(
    ("peername", "expected"),
    [
        (("192.0.2.1", 25), "192.0.2.1"),
        (("::ffff:192.0.2.1", 25, 0, 0), "192.0.2.1"),
        (("2001:db8::1", 25, 0, 0), "2001:db8::1"),
        (("fe80::1%eth0", 25, 0, 2), "fe80::1"),
        ("", ""),
        (None, ""),
    ],
)
def test_client_has_the_address_its_owner_writes(peername: object, expected: str) -> None:
    assert client_address(peername) == expected


class TestXforward:
    # T31
    def test_facts_are_taken_from_a_listed_peer_for_one_transaction(self) -> None:
        async def run() -> None:
            terms = settings(may_xforward=lambda address: address == "127.0.0.1")
            async with receiving(desk := Desk(), "smtp", terms) as (port, _):
                client = await Client.connect(port)
                await client.greet()
                await client.say(b"XFORWARD ADDR=192.0.2.7 NAME=mx.example\r\n")
                await client.say(b"XFORWARD HELO=other.example\r\n")
                message = b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n"
                await client.say(message, replies=3)
                await client.say(b".\r\n")
                await client.say(message, replies=3)
                await client.say(b".\r\n")
                await client.say(b"XFORWARD ADDR=192.0.2.8\r\n")
                await client.say(b"RSET\r\n")
                await client.say(message, replies=3)
                await client.say(b".\r\n")
                client.close()
            first, second, third = desk.taken
            assert first.peer.xforward == {
                "ADDR": "192.0.2.7",
                "NAME": "mx.example",
                "HELO": "other.example",
            }
            assert not second.peer.xforward
            assert not third.peer.xforward

        asyncio.run(run())

    def test_stranger_is_refused_and_told_nothing(self) -> None:
        async def run() -> None:
            async with receiving(desk := Desk()) as (port, _):
                client = await Client.connect(port)
                assert "XFORWARD" not in await client.greet()
                (answer,) = await client.say(b"XFORWARD ADDR=192.0.2.7\r\n")
                assert answer.startswith("550 5.7.0")
                await client.say(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\n", replies=2)
                client.close()
            assert not desk.asked[0].xforward

        asyncio.run(run())


def test_many_idle_and_slow_clients_do_not_delay_good_mail() -> None:
    # T29, F18, F19, N14; a tenth of the number, for time.
    async def run() -> None:
        terms = ReceiverSettings("gw.example", connections_per_client=1000)
        async with receiving(desk := Desk(), "smtp", terms) as (port, _):
            idle = [await Client.connect(port) for _ in range(100)]
            slow = [await Client.connect(port) for _ in range(50)]
            for client in slow:
                client.writer.write(b"EHL")
            answers = await asyncio.gather(*(hand_over(port, b"x\r\n") for _ in range(20)))
            assert {answer[:3] for answer in answers} == {"250"}
            for client in (*idle, *slow):
                client.close()
        assert len(desk.taken) == 20

    asyncio.run(run())


def test_answers_leave_without_delay() -> None:
    # performance.md 7
    async def run() -> None:
        async with receiving(Desk()) as (port, receiver):
            client = await Client.connect(port)
            await client.greet()
            (session,) = receiver._fronts[0]._sessions
            sock = session.transport.get_extra_info("socket")  # type: ignore[union-attr]
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            client.close()

    asyncio.run(run())


SAID = st.lists(
    st.sampled_from([
        b"EHLO x\r\n", b"MAIL FROM:<a@x>\r\n", b"RCPT TO:<b@x>\r\n", b"DATA\r\n", b".\r\n",
        b"\r\n", b"RSET\r\n", b"NOOP\r\n", b"QUIT\r\n", b"XFORWARD ADDR=1\r\n", b"STARTTLS\r\n",
        b"\n", b"\r", b"\0", b"\xff", b"BDAT 3\r\n", b"VRFY a\r\n", b"HELP\r\n", b"x" * 300,
    ])
    | st.binary(max_size=20)
)  # fmt: skip


@given(SAID)
@examples(150)
def test_whatever_a_client_says_it_hears_replies_and_nothing_breaks(said: list[bytes]) -> None:
    # F-a
    async def run() -> None:
        async with receiving(desk := Desk()) as (port, _):
            client = await Client.connect(port)
            client.writer.write(b"".join(said))
            client.writer.write_eof()
            heard = await client.rest()
            client.close()
            assert (await hand_over(port, b"fine\r\n")).startswith("250")
        for line in heard.split(b"\r\n")[:-1]:
            assert line[:3].isdigit()
            assert line[:3] != b"451", line
        assert desk.taken[-1].octets == b"fine\r\n"

    asyncio.run(run())
