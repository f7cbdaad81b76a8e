"""Runs each dialogue of this folder against a receiver."""

import asyncio
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from app.mta.receiver import ReceiverSettings
from tests.mta.servers import Client, Desk, receiving, settings

DIALOGUES = sorted(Path(__file__).parent.glob("*.txt"))
ESCAPE = re.compile(r"\\(r|n|0|x[0-9a-f]{2}|u[0-9a-f]{4})")
NUMBERS = {"size": "message_octets", "errors": "errors", "recipients": "recipients"}
SHORT = {"r": "\r", "n": "\n", "0": "\0"}


# T34: groups of commands in 03 and 18, DATA without a recipient in 04, BDAT in 06; T25: 09
@pytest.mark.parametrize("dialogue", DIALOGUES, ids=lambda path: path.stem)
def test_server_answers_as_written(dialogue: Path) -> None:
    lines = [
        (number, line)
        for number, line in enumerate(dialogue.read_text("utf-8").splitlines(), 1)
        if line and not line.startswith("#")
    ]
    protocol, terms = read_head(lines[0][1])
    asyncio.run(hold(protocol, terms, lines[1:]))


def test_there_are_dialogues() -> None:
    assert len(DIALOGUES) >= 10


def read_head(line: str) -> tuple[str, ReceiverSettings]:
    assert line.startswith("= ")
    protocol, *options = line[2:].split()
    changes: dict[str, object] = {}
    for option in options:
        name, _, value = option.partition("=")
        if name == "utf8":
            changes["smtputf8"] = value != "no"
        elif name == "xforward":
            changes["may_xforward"] = lambda _: True
        else:
            changes[NUMBERS[name]] = int(value)
    return protocol, settings(**changes)


async def hold(protocol: str, terms: ReceiverSettings, lines: list[tuple[int, str]]) -> None:
    async with receiving(Desk(), protocol, terms) as (port, _):
        client = await Client.connect(port)
        try:
            for number, line in lines:
                print(f"line {number}: {line}")
                await turn(client, line[:2], line[3:])
        finally:
            client.close()


async def turn(client: Client, kind: str, text: str) -> None:
    if kind in {"->", ">>"}:
        client.writer.write(unescape(text) + (b"\r\n" if kind == "->" else b""))
        await client.writer.drain()
    elif kind == "<-":
        expect((await client.reader.readline()).decode().rstrip("\r\n"), text)
    elif kind == "<~":
        answer = (await client.reply()).split("\n")
        assert any(fnmatchcase(line, text) for line in answer), answer
    elif kind == "<|":
        expect((await client.rest()).decode().rstrip("\r\n"), text)
    else:
        raise AssertionError(f"what is {kind!r}?")


def expect(said: str, pattern: str) -> None:
    assert fnmatchcase(said, pattern), f"was: {said}"


def unescape(text: str) -> bytes:
    """Return the octets; \\xNN is that octet, \\uNNNN that character in UTF-8."""
    octets = b""
    at = 0
    for found in ESCAPE.finditer(text):
        octets += text[at : found.start()].encode()
        word = found[1]
        if word[0] == "x":
            octets += bytes([int(word[1:], 16)])
        else:
            octets += SHORT.get(word, chr(int(word[1:] or "0", 16))).encode()
        at = found.end()
    return octets + text[at:].encode()
