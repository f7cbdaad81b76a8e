"""Clients that leave, and a receiver that does: no half a message, no message cut off."""

import asyncio
import contextlib
import gc

import pytest

from tests.mta.servers import PATIENCE, Client, Desk, Slow, hand_over, receiving, until


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

    def test_store_that_is_not_asked_any_more_leaves_nothing_behind(
        self, recwarn: pytest.WarningsRecorder
    ) -> None:
        async def run() -> None:
            async with receiving(Slow()) as (port, receiver):
                client = await Client.connect(port)
                await client.greet()
                await client.say(b"MAIL FROM:<a@x>\r\n")
                await asyncio.sleep(0.01)
                (session,) = receiver._fronts[0]._sessions
                # The connection is lost between the command and the moment the loop turns to it.
                session.break_off()
                session.data_received(b"RCPT TO:<slow@x>\r\n")
                await until(lambda: not receiver._fronts[0]._sessions)
                client.close()

        asyncio.run(run())
        gc.collect()
        assert not [str(one.message) for one in recwarn if "awaited" in str(one.message)]


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
                await until(lambda: desk.taken)
                draining = asyncio.ensure_future(receiver.drain(PATIENCE))
                assert await idle.rest() == b"421 4.3.2 shutting down, try again later\r\n"
                with pytest.raises(ConnectionRefusedError):
                    await Client.connect(port)
                assert desk.hold is not None
                desk.hold.set()
                said = await busy.rest()
                assert said.startswith(b"250 2.0.0 relayed\r\n421 4.3.2")
                await asyncio.wait_for(draining, PATIENCE / 2)
                for client in (idle, busy):
                    client.close()

        asyncio.run(run())

    def test_transaction_that_has_begun_may_end(self) -> None:
        async def run() -> None:
            async with receiving(desk := Desk()) as (port, receiver):
                client = await Client.connect(port)
                await client.begin(b"b@x.example")
                draining = asyncio.ensure_future(receiver.drain(PATIENCE))
                await asyncio.sleep(0.05)
                client.writer.write(b"x\r\n.\r\n")
                assert (await client.rest()).startswith(b"250 ")
                await draining
                client.close()
            assert len(desk.taken) == 1

        asyncio.run(run())

    def test_nobody_is_waited_for_longer_than_said(self) -> None:
        async def run() -> None:
            async with receiving(desk := Desk(hold=asyncio.Event())) as (port, receiver):
                client = await Client.connect(port)
                await client.begin(b"b@x.example")
                client.writer.write(b"x\r\n.\r\n")
                await until(lambda: desk.taken)
                await asyncio.wait_for(receiver.drain(0.1), PATIENCE)
                with contextlib.suppress(ConnectionError):
                    assert not await client.rest()
                client.close()

        asyncio.run(run())
