"""DATA in blocks: one message whatever the packets, and nothing quadratic."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mta.reader import Gone, Late, Pace, Reader
from tests.timing import own_time

PIECES = st.lists(
    st.sampled_from([b"\r\n", b"\r\n.", b".", b"..", b"\r", b"\n", b"a", b"text", b"\0"])
)


def _feed(reader: Reader, octets: bytes) -> None:
    reader.put(octets)
    reader.wake()


def read(packets: list[bytes], limit_octets: int = 10**6) -> tuple[bytes | None, bytes]:
    """Return the message, and what is left for the next command."""

    async def run() -> tuple[bytes | None, bytes]:
        loop = asyncio.get_running_loop()
        reader = Reader(loop)
        task = asyncio.ensure_future(reader.message(limit_octets, Pace(loop.time(), 60)))
        for packet in packets:
            _feed(reader, packet)
            await asyncio.sleep(0)
        message = await asyncio.wait_for(task, 60)
        _feed(reader, b"\n")
        await reader.fill(loop.time() + 5)
        line = reader.line()
        assert line is not None
        return message, line[:-1]

    return asyncio.run(run())


def expected(stream: bytes) -> tuple[bytes, bytes]:
    """Return what RFC 5321 §4.5.2 makes of it, line by line."""
    lines: list[bytes] = []
    rest = stream
    while True:
        line, _, rest = rest.partition(b"\r\n")
        if line == b".":
            return b"".join(lines), rest
        lines.append(line.removeprefix(b".") + b"\r\n")


@given(PIECES.map(b"".join), st.data())
def test_message_is_the_same_however_it_is_cut(content: bytes, data: st.DataObject) -> None:
    # T14, T23
    stream = content + b"\r\n.\r\nQUIT"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    edges = [0, *cuts, len(stream)]
    packets = [stream[a:b] for a, b in itertools.pairwise(edges) if a < b]
    message, rest = expected(stream)
    assert read(packets) == (message, rest.partition(b"\n")[0])


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7])
def test_end_is_found_across_every_seam(size: int) -> None:
    stream = b"..a\r\n.\r..b\r\n..\r\n.\r\nNOOP"
    packets = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert read(packets) == (b".a\r\n\r..b\r\n.\r\n", b"NOOP")


@pytest.mark.parametrize(("length", "fits"), [(99, True), (100, True), (101, False)])
@pytest.mark.parametrize("letter", [b"x", b"."])
def test_limit_counts_the_message_itself(length: int, fits: bool, letter: bytes) -> None:
    # R8: the dots that stuffing adds do not count.
    lines = [letter * 8 + b"\r\n"] * 9
    octets = b"".join(lines)
    octets += letter * (length - len(octets) - 2) + b"\r\n"
    sent = b"".join(b"." + line if letter == b"." else line for line in octets.splitlines(True))
    for packets in ([sent + b".\r\nX"], [sent[:50], sent[50:] + b".\r", b"\nX"]):
        assert read(packets, 100) == (octets if fits else None, b"X")


@pytest.mark.parametrize("length", range(130, 145))
def test_what_was_dropped_is_never_an_empty_message(length: int) -> None:
    # The dot can come while the message just fits what is kept, and its line end after that.
    octets = b"x" * (length - 2) + b"\r\n"
    assert read([octets + b".\r", b"\nX"], 100) == (None, b"X")


def test_short_lines_of_dots_fit_to_the_limit() -> None:
    octets = b".\r\n" * 3000
    assert read([b"..\r\n" * 3000, b".\r\n"], len(octets))[0] == octets


@pytest.mark.parametrize("size", [1, 3, 1000, 65_535, 65_536, 65_537, 131_072])
def test_long_message_is_whole_however_large_the_packets(size: int) -> None:
    octets = (b"x" * 76 + b"\r\n") * (50 if size < 10 else 2000)
    for sent in (octets + b".\r", octets + b"."):
        packets = [sent[at : at + size] for at in range(0, len(sent), size)]
        rest = b"\r\n" if sent.endswith(b".") else b"\n"
        assert read([*packets, rest]) == (octets, b"")


def test_what_is_over_the_limit_is_not_held() -> None:
    # T30, F20
    async def run() -> None:
        loop = asyncio.get_running_loop()
        reader = Reader(loop)
        pace = Pace(loop.time(), 60)
        task = asyncio.ensure_future(reader.message(1000, pace))
        frame = task.get_coro().cr_frame  # type: ignore[union-attr]
        for _ in range(200):
            _feed(reader, b"x" * 100_000)
            await asyncio.sleep(0)
            assert frame.f_locals["body"].octets <= 1400
        _feed(reader, b"\r\n.\r\n")
        assert await task is None

    asyncio.run(run())


def test_reading_stops_while_nobody_reads() -> None:
    class Transport(asyncio.Transport):
        paused = False

        def pause_reading(self) -> None:
            self.paused = True

        def resume_reading(self) -> None:
            self.paused = False

    async def run() -> None:
        loop = asyncio.get_running_loop()
        reader, transport = Reader(loop), Transport()
        reader.attach(transport)
        _feed(reader, b"x" * 65_537)
        assert transport.paused
        await reader.fill(loop.time() + 1)
        assert not transport.paused

    asyncio.run(run())


def test_client_that_leaves_in_the_middle_hands_nothing_over() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        reader = Reader(loop)
        _feed(reader, b"Subject: half")
        reader.end()
        with pytest.raises(Gone):
            await reader.message(1000, Pace(loop.time(), 60))

    asyncio.run(run())


def test_slow_client_is_late() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        reader = Reader(loop)
        with pytest.raises(Late):
            await reader.fill(loop.time() - 1)

    asyncio.run(run())


@pytest.mark.parametrize(("came", "seconds"), [(0, 60), (500, 61), (50_000, 160), (10**9, 1200)])
def test_pace_asks_for_500_octets_a_second_after_a_minute(came: int, seconds: float) -> None:
    # T28
    assert Pace(0, 60).deadline(came) == seconds


def test_many_lines_in_one_packet_are_not_copied_again_and_again() -> None:
    # T30
    async def run() -> int:
        reader = Reader(asyncio.get_running_loop())
        _feed(reader, b"NOOP\r\n" * 200_000)
        await reader.fill(0)
        count = 0
        while reader.line() is not None:
            count += 1
        return count

    with own_time() as own:
        assert asyncio.run(run()) == 200_000
    # It takes a quarter of a second; 120 GB to be copied take longer anywhere.
    assert own.seconds < 3
