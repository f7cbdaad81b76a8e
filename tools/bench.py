"""Measure the whole path: LMTP in, the work, SMTP out, beside the limit of the same cores.

Everything runs in one go on one machine, so only the ratios count; the machines these run on are
shared. So limit and work take turns in slices, and the median of the slices' ratios is printed.
``smtp-source`` makes the load and ``smtp-sink`` takes the mail (both from Postfix).
"""

import argparse
import asyncio
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import testpki
from tools import bench_engine
from tools.organisation import Organisation, free_port

SLICES = 7
SENDER, RECIPIENT = "alice@nord.example", "bob@sued.example"
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Row:
    """One line of the result."""

    name: str
    rate: float
    of_limit: float | None = None
    latency: tuple[float, float] | None = None
    """p50 and p99 in milliseconds at half of the rate."""

    def __str__(self) -> str:
        text = f"{self.name:<34} {self.rate:>9.0f}/s"
        text += f"  {self.of_limit:6.2f}" if self.of_limit is not None else " " * 8
        if self.latency is not None:
            text += f"   p50 {self.latency[0]:6.1f} ms   p99 {self.latency[1]:6.1f} ms"
        return text


def program(name: str) -> str:
    """Return the path of a program that has to be installed, or end with one line that says so."""
    found = shutil.which(name, path=PATH)
    if found is None:
        sys.exit(f"{name} is not installed; on Debian or Ubuntu: apt-get install postfix openssl")
    return found


def rsa_limit(bits: int, seconds: int) -> float:
    """Return private operations per second on all cores, by ``openssl speed``."""
    said = subprocess.run(
        [
            program("openssl"), "speed", "-multi", str(cores()), "-seconds", str(seconds),
            f"rsa{bits}",
        ],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    found = re.search(rf"rsa\s+{bits} bits\s+\S+\s+\S+\s+([\d.]+)", said)
    assert found is not None, said
    return float(found[1])


def cores() -> int:
    """Return how many cores we may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def sink() -> Iterator[int]:
    """Run smtp-sink on a free port."""
    port = free_port()
    # QUIRK: smtp-sink 3.7 refuses to run as root unless it is told whom to become.
    become = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [program("smtp-sink"), *become, f"127.0.0.1:{port}", "1024"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(0.3)
        yield port
    finally:
        process.terminate()
        process.wait()


@dataclass(frozen=True)
class Load:
    """One message, sent again and again."""

    file: Path
    sender: str
    recipient: str
    sessions: int = 16

    def send(self, port: int, count: int, *, lmtp: bool = True) -> float:
        """Send it so many times and return messages per second."""
        began = time.perf_counter()
        # QUIRK: smtp-source 3.7 reads lines and ends each with CRLF itself.
        lines = self.file.with_suffix(".lf")
        lines.write_bytes(self.file.read_bytes().replace(b"\r\n", b"\n"))
        subprocess.run(
            [
                program("smtp-source"), *(["-L"] if lmtp else []), "-d",
                "-s", str(self.sessions), "-m", str(count), "-F", str(lines),
                "-f", self.sender, "-t", self.recipient, f"127.0.0.1:{port}",
            ],
            check=True,
        )  # fmt: skip
        return count / (time.perf_counter() - began)

    def rates(
        self, port: int, seconds: float, bits: int, *, lmtp: bool = True
    ) -> tuple[float, float]:
        """Send in slices of about so many seconds; return messages per second, and of the limit."""
        self.send(port, 4 * self.sessions, lmtp=lmtp)
        guess = self.send(port, 30 * self.sessions, lmtp=lmtp)
        pairs = [
            (rsa_limit(bits, 1), self.send(port, max(100, int(guess * seconds)), lmtp=lmtp))
            for _ in range(SLICES)
        ]
        rate = statistics.median(rate for _, rate in pairs)
        return rate, statistics.median(rate / limit for limit, rate in pairs)

    def latency(self, port: int, rate: float, seconds: float) -> tuple[float, float]:
        """Return p50 and p99 in milliseconds of messages that start at this rate."""
        return asyncio.run(self._latency(port, rate, seconds))

    async def _latency(self, port: int, rate: float, seconds: float) -> tuple[float, float]:
        octets = re.sub(rb"(?m)^\.", b"..", self.file.read_bytes())
        commands = f"MAIL FROM:<{self.sender}>\r\nRCPT TO:<{self.recipient}>\r\nDATA\r\n".encode()
        idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        for _ in range(4 * self.sessions):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await reader.readline()
            writer.write(b"LHLO bench\r\n")
            while (await reader.readline())[3:4] == b"-":
                pass
            idle.put_nowait((reader, writer))
        took: list[float] = []

        async def one() -> None:
            began = time.perf_counter()
            reader, writer = await idle.get()
            writer.write(commands)
            for _ in range(3):
                await reader.readline()
            writer.write(octets + b".\r\n")
            assert (await reader.readline()).startswith(b"250")
            took.append((time.perf_counter() - began) * 1000)
            idle.put_nowait((reader, writer))

        start, running = time.perf_counter(), []
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
            running.append(asyncio.ensure_future(one()))
        await asyncio.gather(*running)
        while not idle.empty():
            idle.get_nowait()[1].close()
        cuts = statistics.quantiles(took, n=100)
        return cuts[49], cuts[98]


def message(sender: str, recipient: str, octets: int) -> bytes:
    """Return an ordinary 7-bit message of about this size."""
    head = (
        f"From: Alice <{sender}>\r\nTo: Bob <{recipient}>\r\nSubject: Quarterly figures\r\n"
        "Date: Mon, 24 Nov 2025 10:00:00 +0100\r\nMessage-ID: <1234.5678@nord.example>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
    ).encode()
    line = b"The quick brown fox jumps over the lazy dog, and then it does it again.\r\n"
    return head + line * ((octets - len(head)) // len(line))


def policy(**fields: str) -> str:
    """Return a policy file that sets these fields for all outbound mail."""
    lines = "".join(f'{name} = "{value}"\n' for name, value in fields.items())
    return f'[[route]]\nname = "bench"\ndirection = "outbound"\nto = "(any)@(host)"\n{lines}\n'


class Bench:
    """Two organisations, of which one is measured at a time."""

    def __init__(self, folder: Path, sink_port: int, bits: int, octets: int) -> None:
        hop = f"smtp://127.0.0.1:{sink_port}?tls=none"
        self.folder = folder
        self.plain = folder / "plain.eml"
        self.plain.write_bytes(message(SENDER, RECIPIENT, octets))
        self.nord = Organisation(folder / "nord", next_hop=hop, workers=cores())
        self.sued = Organisation(folder / "sued", next_hop=hop, workers=cores())
        issuing = testpki.ca("Issuing", testpki.ca("Root"))
        anchor = folder / "root.pem"
        anchor.write_bytes(testpki.pem(issuing.root))
        for house, own, address in (
            (self.nord, "nord.example", SENDER),
            (self.sued, "sued.example", RECIPIENT),
        ):
            house.sealmon("init")
            house.sealmon("domain", "add", own)
            identity = issuing.issue(address, key=f"rsa{bits}")
            (folder / f"{own}.crt").write_bytes(identity.pem)
            file = folder / f"{own}.pem"
            file.write_bytes(identity.key_pem + identity.pem + testpki.pem(issuing.certificate))
            house.sealmon("trust", "add", anchor)
            house.sealmon("relay", "add", "127.0.0.1/32")
            house.sealmon("relay", "key", "add", str(house.ask("key", "import", file)[0]["id"]))
        self.shipped = self.nord.sealmon("policy", "export")
        self.nord.sealmon("partner", "import", folder / "sued.example.crt")

    def apply(self, **fields: str) -> None:
        """Make this the policy of outbound mail, in front of what is shipped."""
        file = self.folder / "policy.toml"
        file.write_text(policy(**fields) + self.shipped)
        self.nord.sealmon("policy", "apply", file)

    def secured(self) -> Path:
        """Return the message as it leaves nord signed and encrypted."""
        out = self.folder / "secured.eml"
        self.nord.sealmon(
            "try", "outbound", "--from", SENDER, "--to", RECIPIENT, "--peer", "127.0.0.1",
            "--out", str(out), str(self.plain),
        )  # fmt: skip
        return out


def measure(bench: Bench, seconds: float, bits: int) -> Iterator[Row]:
    """Measure each kind of work and yield its row as soon as it is known."""
    out = Load(bench.plain, SENDER, RECIPIENT)
    work = (
        ("pass through", {"sign": "never", "encrypt": "never"}),
        ("sign", {"sign": "auto", "encrypt": "never"}),
        ("encrypt (AES-256-GCM)", {"sign": "never", "encrypt": "require", "profile": "smime4"}),
        ("sign and encrypt", {"sign": "auto", "encrypt": "require", "profile": "smime4"}),
    )
    for name, fields in work:
        bench.apply(**fields)
        with bench.nord:
            rate, of_limit = out.rates(bench.nord.lmtp_port, seconds / 2, bits)
            latency = out.latency(bench.nord.lmtp_port, rate / 2, seconds)
        yield Row(name, rate, of_limit, latency)
    into = Load(bench.secured(), SENDER, RECIPIENT)
    with bench.sued:
        rate, of_limit = into.rates(bench.sued.lmtp_port, seconds / 2, bits)
        latency = into.latency(bench.sued.lmtp_port, rate / 2, seconds)
    yield Row("decrypt, verify and mark", rate, of_limit, latency)


def main() -> None:
    """Run every measurement and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bits", type=int, default=2048, help="RSA key size")
    parser.add_argument("--octets", type=int, default=10_240, help="size of the message")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each measurement")
    options = parser.parse_args()
    limit = rsa_limit(options.bits, max(1, int(options.seconds)))
    print(f"{cores()} cores, messages of {options.octets} octets, RSA-{options.bits}")
    print(f"{'':<34} {'messages':>11}  of RSA")
    print(Row(f"RSA-{options.bits} private operations", limit, 1.0))
    with tempfile.TemporaryDirectory() as folder, sink() as port:
        bench = Bench(Path(folder), port, options.bits, options.octets)
        load = Load(bench.plain, SENDER, RECIPIENT)
        direct = load.rates(port, options.seconds / 2, options.bits, lmtp=False)
        print(Row("smtp-source straight to smtp-sink", *direct))
        for row in measure(bench, options.seconds, options.bits):
            print(row, flush=True)
    print()
    bench_engine.report()


if __name__ == "__main__":
    main()
