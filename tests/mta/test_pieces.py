"""Replies do not depend on how the octets of a client are cut into packets (T14; RFC 2920 §3.2)."""

import asyncio
import random

import pytest

from tests.mta.servers import Client, Slow, receiving, settings, until

COMMANDS = (
    *[b"MAIL FROM:<a@x>\r\n", b"RCPT TO:<bob@x>\r\n", b"DATA\r\n"] * 4,
    *[b"RCPT TO:<%s@x>\r\n" % who for who in (b"slow", b"slow-stranger", b"gone", b"later")] * 2,
    *[b"RCPT TO:<%s@x>\r\n" % who for who in (b"stranger", b"boom", b"crash", b"short")],
    *(b"EHLO c\r\n", b"LHLO c\r\n", b"RSET\r\n", b"NOOP\r\n", b"HELP\r\n", b"XFORWARD HELO=a\r\n"),
    *(
        b"STARTTLS\r\n",
        b"FOO\r\n",
        b"RSET\n",
        b"\r\n",
        b"\xff\r\n",
        b"DATA x\r\n",
        b"NOOP\r\n" * 40,
    ),
    # T30: too long, also where something in them would be wrong by itself
    *(b"NOOP " + odd * 2500 + end for odd in (b"x", b"\r", b"\xff") for end in (b"\r\n", b"\n")),
    b"NOOP " + b"x" * 2041 + b"\r\n",
    b"NOOP " + b"x" * 2042 + b"\r\n",
)
MESSAGES = (
    *(b".\r\n", b"\r\n.\r\n", b"..\r\n.\r\n", b"QUIT\r\n.\r\n", b"a\n.\nRSET\r\n.\r\n"),
    *(
        b"Subject: a\r\n\r\n..b\r\n.\r\n",
        b"c" * 70_000 + b"\r\n.\r\n",
        b"d" * 90_000 + b"\r\n.\r\n",
    ),
)


async def line_by_line(port: int, chance: random.Random, protocol: str) -> tuple[bytes, str]:
    """Return what a client has said that waits for each reply, and what it was told."""
    client = await Client.connect(port)
    told, said, recipients = [await client.reply()], b"", 0
    for number in range(chance.randrange(3, 30)):
        hello = b"LHLO c\r\n" if protocol == "lmtp" else b"EHLO c\r\n"
        command = chance.choice(COMMANDS) if number else hello
        answers = await client.say(command, replies=command.count(b"\n"))
        if answers[0].startswith("250"):
            is_begin = command.startswith((b"MAIL", b"RSET", b"EHLO", b"LHLO"))
            recipients = 0 if is_begin else recipients + command.startswith(b"RCPT")
        said, told = said + command, told + answers
        if answers[0].startswith("354"):
            message = chance.choice(MESSAGES)
            said += message
            told += await client.say(message, replies=recipients if protocol == "lmtp" else 1)
            recipients = 0
    told += await client.say(b"QUIT\r\n")
    client.close()
    return said + b"QUIT\r\n", "\n".join(told)


async def in_pieces(port: int, said: bytes, chance: random.Random) -> str:
    """Return what a client is told that says the same, cut and paused at random."""
    client = await Client.connect(port)
    most, at = chance.choice([7, 90, 3000, 10**6]), 0
    while at < len(said):
        stop = at + chance.randint(1, most if len(said) < 2000 else max(most, 3000))
        client.writer.write(said[at:stop])
        at = stop
        if chance.random() < 0.4:
            await asyncio.sleep(chance.choice([0, 0, 0.0005]))
    if chance.random() < 0.5:
        client.writer.write_eof()
    told = (await client.rest()).decode()
    client.close()
    return told.replace("\r\n", "\n").rstrip("\n")


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_replies_are_the_same_however_commands_are_cut(protocol: str) -> None:
    async def run() -> None:
        terms = settings(errors=1000, message_octets=80_000, may_xforward=lambda _: True)
        for seed in range(60):
            chance = random.Random(seed)
            async with receiving(desk := Slow(), protocol, terms) as (port, receiver):
                said, told = await line_by_line(port, chance, protocol)
                taken = [(each.recipients, each.octets, each.peer) for each in desk.taken]
                desk.taken.clear()
                assert await in_pieces(port, said, chance) == told, seed
                assert [(each.recipients, each.octets, each.peer) for each in desk.taken] == taken
                await until(lambda: not receiver._fronts[0]._sessions)

    asyncio.run(run())
