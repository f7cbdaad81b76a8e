"""The receiver: envelopes exact, limits kept, and a client that misbehaves hurts nobody else."""

import asyncio
import contextlib
import resource
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app import clock
from app.mta.envelope import Peer
from app.mta.listener import Listener
from app.mta.reader import Pace
from app.mta.receiver import ReceiverSettings, start_listeners
from app.mta.session import client_address
from tests.mta.servers import Client, Desk, receiving, settings, wait_for


async def hand_over(port: int, octets: bytes, *recipients: bytes) -> str:
    client = await Client.connect(port)
    await client.begin(*(recipients or (b"b@x.example",)))
    (answer,) = await client.say(octets + b".\r\n")
    client.close()
    return answer


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
    @hypothesis_settings(max_examples=30, deadline=None)
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


class TestLimits:
    def test_connections_are_bounded_altogether(self) -> None:
        # T29
        async def run() -> None:
            terms = settings(connections=3, connections_per_client=10)
            async with receiving(Desk(), "smtp", terms) as (port, _):
                clients = [await Client.connect(port) for _ in range(4)]
                greetings = [await client.reply() for client in clients]
                assert [line[:3] for line in greetings] == ["220", "220", "220", "421"]
                assert not await clients[3].rest()
                clients[0].close()
                await asyncio.sleep(0.05)
                again = await Client.connect(port)
                assert (await again.reply()).startswith("220")
                for client in (*clients, again):
                    client.close()

        asyncio.run(run())

    def test_connections_are_bounded_for_each_client(self) -> None:
        # T29
        async def run() -> None:
            async with receiving(Desk(), "smtp", settings(connections_per_client=2)) as (port, _):
                clients = [await Client.connect(port) for _ in range(3)]
                assert [(await one.reply())[:3] for one in clients] == ["220", "220", "421"]
                for client in clients:
                    client.close()

        asyncio.run(run())

    def test_silent_client_is_sent_away(self) -> None:
        # T28
        async def run() -> None:
            async with receiving(Desk(), "smtp", settings(command_seconds=0.1)) as (port, _):
                for start in (b"", b"EHLO x\r\n", b"EHLO x\r\nMAIL FROM:<a@x>\r\nRC"):
                    client = await Client.connect(port)
                    client.writer.write(start)
                    assert (await client.rest()).endswith(b"421 4.4.2 timeout\r\n")
                    client.close()

        asyncio.run(run())

    def test_client_that_sends_drop_by_drop_is_sent_away(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # T28: a minute of grace and 500 octets a second; here a tenth of one and 10,000.
        monkeypatch.setattr(Pace, "OCTETS_PER_SECOND", 10_000)

        async def run() -> None:
            async with receiving(desk := Desk(), "smtp", settings(command_seconds=0.1)) as (
                port,
                _,
            ):
                client = await Client.connect(port)
                await client.begin(b"b@x.example")
                heard = asyncio.ensure_future(client.rest())
                while not heard.done():
                    client.writer.write(b"x")
                    await asyncio.sleep(0.02)
                # A drop that crosses with the farewell resets the connection.
                with contextlib.suppress(ConnectionResetError):
                    assert await heard == b"421 4.4.2 timeout\r\n"
                client.close()
            assert not desk.taken

        asyncio.run(run())

    def test_work_on_a_message_is_not_the_clients_delay(self) -> None:
        # QUIRK: aiosmtpd's timer runs while the handler works.
        async def run() -> None:
            desk = Desk(hold=asyncio.Event())
            async with receiving(desk, "smtp", settings(command_seconds=0.05)) as (port, _):
                client = await Client.connect(port)
                await client.begin(b"b@x.example")
                client.writer.write(b"a\r\n.\r\n")
                await asyncio.sleep(0.3)
                assert desk.hold is not None
                desk.hold.set()
                assert (await client.reply()).startswith("250")
                client.close()

        asyncio.run(run())

    def test_endless_line_is_cut_off(self) -> None:
        # T30
        async def run() -> None:
            async with receiving(Desk()) as (port, _):
                client = await Client.connect(port)
                await client.reply()
                with_end = b"NOOP " + b"x" * 2041 + b"\r\n"
                assert (await client.say(with_end))[0].startswith("250")
                assert (await client.say(b"x" + with_end))[0].startswith("500 5.5.2")
                client.writer.write(b"x" * 3000)
                assert await client.reply() == "500 5.5.2 line too long"
                assert not await client.rest()
                client.close()

        asyncio.run(run())

    def test_client_that_reads_nothing_is_left(self) -> None:
        # T28
        async def run() -> None:
            terms = settings(command_seconds=0.1, may_xforward=lambda _: True)
            async with receiving(Desk(), "smtp", terms) as (port, receiver):
                with socket.socket() as deaf:
                    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
                    deaf.setblocking(False)
                    await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", port))
                    await asyncio.sleep(0.02)
                    (session,) = receiver._fronts[0]._sessions
                    sock = session.transport.get_extra_info("socket")  # type: ignore[union-attr]
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
                    said = b"EHLO x\r\n" * 3900
                    await asyncio.get_running_loop().sock_sendall(deaf, said)
                    await asyncio.sleep(0.05)
                    assert sock.fileno() >= 0
                    await asyncio.to_thread(wait_for, lambda: sock.fileno() < 0)

        asyncio.run(run())

    def test_clients_of_a_unix_socket_are_not_one_client(self, tmp_path: Path) -> None:
        async def run() -> None:
            listener = Listener("lmtp", path=str(tmp_path / "s"))
            terms = settings(connections_per_client=1)
            receiver = await start_listeners(Desk(), [(listener, listener.bind())], terms)
            for _ in range(3):
                reader, writer = await asyncio.open_unix_connection(listener.path)
                assert (await reader.readline()).startswith(b"220 ")
                writer.write(b"QUIT\r\n")
                await reader.read()
                writer.close()
            clients = [await asyncio.open_unix_connection(listener.path) for _ in range(3)]
            for reader, writer in clients:
                assert (await reader.readline()).startswith(b"220 ")
                writer.close()
            await receiver.drain(1)

        asyncio.run(run())

    def test_flood_of_commands_ends(self) -> None:
        # T32
        async def run() -> None:
            async with receiving(Desk()) as (port, _):
                client = await Client.connect(port)
                client.writer.write(b"NOOP\r\n" * 6000)
                said = await client.rest()
                assert said.count(b"250 ") == 4001
                assert said.endswith(b"421 4.7.0 too many errors\r\n")
                client.close()

        asyncio.run(run())

    @pytest.mark.slow
    def test_endless_message_takes_no_memory(self) -> None:
        # T30, F20
        async def run() -> None:
            async with receiving(Desk(), "smtp", settings(message_octets=1_000_000)) as (port, _):
                client = await Client.connect(port)
                await client.begin(b"b@x.example")
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                for _ in range(500):
                    client.writer.write(b"x" * 1_000_000)
                    await client.writer.drain()
                (answer,) = await client.say(b"\r\n.\r\n")
                assert answer.startswith("552 5.3.4")
                assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
                client.close()

        asyncio.run(run())

    def test_thousand_recipients_are_taken_and_one_more_is_not(self) -> None:
        async def run() -> None:
            async with receiving(desk := Desk(), "lmtp") as (port, _):
                client = await Client.connect(port)
                await client.greet(b"LHLO")
                commands = b"".join(b"RCPT TO:<u%d@x.example>\r\n" % n for n in range(1001))
                said = await client.say(b"MAIL FROM:<a@x>\r\n" + commands, replies=1002)
                assert {line[:9] for line in said[1:1001]} == {"250 2.1.5"}
                assert said[1001].startswith("452 4.5.3")
                await client.say(b"DATA\r\n")
                answers = await client.say(b".\r\n", replies=1000)
                assert {line[:3] for line in answers} == {"250"}
                client.close()
            assert len(desk.taken[0].recipients) == 1000

        asyncio.run(run())


class TestClientsThatLeave:
    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"EHLO x\r\n",
            b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n",
            b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nSubject: half\r\n\r\n",
            b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nSubject: half\r\n.\r",
        ],
    )
    @pytest.mark.parametrize("how", ["close", "reset"])
    def test_half_a_message_is_no_message(self, said: bytes, how: str) -> None:
        async def run() -> None:
            async with receiving(desk := Desk()) as (port, _):
                client = await Client.connect(port)
                client.writer.write(said)
                await asyncio.sleep(0.01)
                if how == "reset":
                    client.writer.transport.abort()
                client.close()
                await asyncio.sleep(0.02)
                assert (await hand_over(port, b"after\r\n")).startswith("250")
            assert [one.octets for one in desk.taken] == [b"after\r\n"]

        asyncio.run(run())

    def test_client_may_close_its_side_early(self) -> None:
        async def run() -> None:
            async with receiving(desk := Desk()) as (port, _):
                client = await Client.connect(port)
                client.writer.write(
                    b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n.\r\nQUIT\r\n"
                )
                client.writer.write_eof()
                said = await client.rest()
                assert said.endswith(b"250 2.0.0 relayed\r\n221 2.0.0 bye\r\n")
                client.close()
            assert len(desk.taken) == 1

        asyncio.run(run())


class TestDraining:
    def test_idle_leave_and_the_message_in_hand_is_finished(self) -> None:
        # T18
        async def run() -> None:
            desk = Desk(hold=asyncio.Event())
            async with receiving(desk) as (port, receiver):
                idle, busy = await Client.connect(port), await Client.connect(port)
                await idle.greet()
                await busy.begin(b"b@x.example")
                busy.writer.write(b"x\r\n.\r\n")
                await asyncio.sleep(0.05)
                draining = asyncio.ensure_future(receiver.drain(5))
                assert await idle.rest() == b"421 4.3.2 shutting down, try again later\r\n"
                with pytest.raises(ConnectionRefusedError):
                    await Client.connect(port)
                assert desk.hold is not None
                desk.hold.set()
                said = await busy.rest()
                assert said.startswith(b"250 2.0.0 relayed\r\n421 4.3.2")
                await asyncio.wait_for(draining, 1)
                for client in (idle, busy):
                    client.close()

        asyncio.run(run())

    def test_transaction_that_has_begun_may_end(self) -> None:
        async def run() -> None:
            async with receiving(desk := Desk()) as (port, receiver):
                client = await Client.connect(port)
                await client.begin(b"b@x.example")
                draining = asyncio.ensure_future(receiver.drain(5))
                await asyncio.sleep(0.05)
                client.writer.write(b"x\r\n.\r\n")
                assert (await client.rest()).startswith(b"250 ")
                await draining
                client.close()
            assert len(desk.taken) == 1

        asyncio.run(run())

    def test_nobody_is_waited_for_longer_than_said(self) -> None:
        async def run() -> None:
            async with receiving(Desk(hold=asyncio.Event())) as (port, receiver):
                client = await Client.connect(port)
                await client.begin(b"b@x.example")
                client.writer.write(b"x\r\n.\r\n")
                await asyncio.sleep(0.05)
                await asyncio.wait_for(receiver.drain(0.1), 1)
                with contextlib.suppress(ConnectionError):
                    assert not await client.rest()
                client.close()

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
@hypothesis_settings(max_examples=150, deadline=None)
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
