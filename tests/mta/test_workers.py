"""Supervisor and workers, as real processes that are killed where it hurts."""

import asyncio
import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from operator import gt
from pathlib import Path

import pytest

from tests.mta.servers import Client, Hop, wait_for
from tools.organisation import free_port

ROOT = Path(__file__).parents[2]


class Run:
    """One supervisor under test."""

    def __init__(self, address: str, hop: str, count: int, fault: str = "") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.mta.process", address, hop, str(count), fault],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def line(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.readline().split()

    def wait_ready(self, count: int = 1) -> list[int]:
        """Return the process ids of as many workers, once they are ready."""
        found: list[int] = []
        while len(found) < count:
            words = self.line()
            assert words, "it ended"
            if words[0] == "ready":
                found.append(int(words[1]))
        return found

    def end(self) -> None:
        # The supervisor leads a process group of its own, and its workers are in it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


Start = Callable[..., Run]


@pytest.fixture
def start() -> Iterator[Start]:
    runs: list[Run] = []

    def begin(
        address: str, hop: str = "smtp://127.0.0.1:1", count: int = 1, fault: str = ""
    ) -> Run:
        runs.append(Run(address, hop, count, fault))
        return runs[-1]

    yield begin
    for run in runs:
        run.end()


@pytest.fixture
def port() -> int:
    return free_port()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def greeting(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        return client.recv(100)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_all_in_order(start: Start, port: int, number: signal.Signals) -> None:
    run = start(f"127.0.0.1:{port}", count=2)
    pids = run.wait_ready(2)
    with socket.create_connection(("127.0.0.1", port), 60) as idle:
        assert idle.recv(100).startswith(b"220 ")
        run.process.send_signal(number)
        assert idle.recv(100).startswith(b"421 4.3.2")
    assert run.line() == ["ended"]
    assert run.process.wait(60) == 0
    assert not any(map(is_alive, pids))


def test_killed_worker_is_replaced(start: Start, port: int) -> None:
    run = start(f"127.0.0.1:{port}", count=2)
    first, second = run.wait_ready(2)
    os.kill(first, signal.SIGKILL)
    (third,) = run.wait_ready()
    assert third not in {first, second}
    assert greeting(port).startswith(b"220 ")
    assert is_alive(second)


def test_killed_supervisor_leaves_no_orphan_and_its_port_free(start: Start, port: int) -> None:
    run = start(f"127.0.0.1:{port}", count=2)
    pids = run.wait_ready(2)
    with socket.create_connection(("127.0.0.1", port), 60) as busy:
        busy.sendall(b"EHLO x\r\nMAIL FROM:<a@x>\r\n")
        heard = b""
        while b"250 2.1.0" not in heard:
            heard += (came := busy.recv(1000))
            assert came, heard
        run.process.kill()
        run.process.wait()
        # The next start does not wait for the client of the last one.
        again = start(f"127.0.0.1:{port}")
        (successor,) = again.wait_ready()
        assert greeting(port).startswith(b"220 ")
        assert successor not in pids
    wait_for(lambda: not any(map(is_alive, pids)))


@pytest.mark.slow
def test_supervisor_and_worker_killed_together_leave_the_port_free(start: Start, port: int) -> None:
    run = start(f"127.0.0.1:{port}", count=2)
    first, second = run.wait_ready(2)
    os.kill(first, signal.SIGKILL)
    run.process.kill()
    start(f"127.0.0.1:{port}").wait_ready()
    wait_for(lambda: not is_alive(second))


@pytest.mark.slow
def test_worker_that_dies_young_is_started_more_slowly_each_time(start: Start, port: int) -> None:
    def gaps() -> list[float]:
        run = start(f"127.0.0.1:{port}", fault="dies")
        times = []
        for _ in range(4):
            assert run.line()[0] == "built"
            times.append(time.monotonic())
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(60) == 0
        return [later - earlier for earlier, later in itertools.pairwise(times)]

    # Who hears of one of them late finds the next gap short; not every time.
    assert any(all(map(gt, gaps(), (0.15, 0.35, 0.75))) for _ in range(5))


@pytest.mark.slow
def test_worker_that_hangs_at_the_end_is_killed(start: Start, port: int) -> None:
    run = start(f"127.0.0.1:{port}", fault="hangs")
    (pid,) = run.wait_ready()
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(60) == 0
    assert not is_alive(pid)


@pytest.mark.slow
def test_worker_that_is_stuck_is_killed_and_replaced(start: Start, port: int) -> None:
    # F27
    run = start(f"127.0.0.1:{port}", fault="sticks")
    (first,) = run.wait_ready()
    (second,) = run.wait_ready()
    assert first != second
    assert not is_alive(first)
    run.process.send_signal(signal.SIGTERM)
    assert run.process.wait(60) == 0


@pytest.mark.slow
def test_port_of_another_is_not_taken(start: Start, port: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        run = start(f"127.0.0.1:{port}")
        assert run.process.wait(60) != 0


@pytest.mark.slow
def test_socket_file_is_there_while_it_runs(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "s"
    run = start(str(path))
    run.wait_ready()
    assert path.is_socket()
    run.process.kill()
    run.process.wait()
    again = start(str(path))
    again.wait_ready()
    again.process.send_signal(signal.SIGTERM)
    assert again.process.wait(60) == 0
    assert not path.exists()


def test_message_in_hand_is_finished_before_the_end(start: Start, port: int) -> None:
    # T18
    async def run() -> None:
        reached, release = asyncio.Event(), asyncio.Event()
        async with Hop().listening() as hop:
            process = start(f"127.0.0.1:{port}", str(hop.hop))
            await asyncio.to_thread(process.wait_ready)
            say = hop._say

            async def slowly(*args: object) -> bytes:
                if args[1] == "dot":
                    reached.set()
                    await release.wait()
                return await say(*args)  # type: ignore[arg-type]

            hop._say = slowly  # type: ignore[method-assign, assignment]
            client = await Client.connect(port)
            await client.begin(b"b@x.example")
            client.writer.write(b"x\r\n.\r\n")
            await reached.wait()
            process.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.2)
            release.set()
            assert (await client.reply()).startswith("250 ")
            assert (await client.reply()).startswith("421 ")
            assert await asyncio.to_thread(process.process.wait, 60) == 0
            client.close()
            assert len(hop.messages) == 1

    asyncio.run(run())


@pytest.mark.slow
def test_nothing_that_was_answered_250_is_lost_when_workers_are_killed(
    start: Start, port: int
) -> None:
    # T1, F1 in small; the ledgers of client and next hop are compared.
    chance = random.Random(7)

    async def hand_over(number: int, acknowledged: set[bytes]) -> None:
        name = b"%d@x.example" % number
        for _ in range(20):
            try:
                client = await Client.connect(port)
                try:
                    await client.begin(name)
                    (answer,) = await client.say(b"Subject: " + name + b"\r\n\r\n.\r\n")
                finally:
                    client.close()
            except (OSError, AssertionError, TimeoutError):
                await asyncio.sleep(0.05)
                continue
            if answer.startswith("250"):
                acknowledged.add(name)
                return

    async def run() -> None:
        async with Hop().listening() as hop:
            process = start(f"127.0.0.1:{port}", str(hop.hop), 2)
            alive = await asyncio.to_thread(process.wait_ready, 2)
            acknowledged: set[bytes] = set()
            waiting = [hand_over(number, acknowledged) for number in range(600)]
            gate = asyncio.Semaphore(20)

            async def one(work: object) -> None:
                async with gate:
                    await work  # type: ignore[misc]

            crowd = asyncio.gather(*map(one, waiting))
            kills = 0
            while not crowd.done() and kills < 25:
                await asyncio.sleep(chance.uniform(0.01, 0.04))
                victim = alive.pop(chance.randrange(len(alive)))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                kills += 1
                alive += await asyncio.to_thread(process.wait_ready)
            await crowd
            stored = [b"".join(mail.recipients)[9:-3] for mail in hop.messages]
            assert len(acknowledged) == 600
            assert acknowledged <= set(stored)
            assert len(stored) - len(set(stored)) <= 20 * kills
            assert kills >= 1

    asyncio.run(run())


@pytest.mark.slow
def test_a_message_that_kills_its_worker_is_never_answered_and_the_rest_flows(
    start: Start, port: int
) -> None:
    # T10, T111: the server in front keeps it, and gives it up when it is too old.
    async def hand_over(octets: bytes) -> str:
        client = await Client.connect(port)
        await client.begin(b"b@x.example")
        client.writer.write(octets + b"\r\n.\r\n")
        try:
            return await client.reply()
        finally:
            client.close()

    async def run() -> None:
        async with Hop().listening() as hop:
            process = start(f"127.0.0.1:{port}", str(hop.hop), 2, "poison")
            await asyncio.to_thread(process.wait_ready, 2)
            for number in range(3):
                assert await hand_over(b"poison") == ""
                assert (await hand_over(b"good %d" % number)).startswith("250 ")
                await asyncio.to_thread(process.wait_ready)
            assert [each.octets for each in hop.messages] == [b"good %d\r\n" % n for n in range(3)]

    asyncio.run(run())
