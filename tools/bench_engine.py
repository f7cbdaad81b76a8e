"""Measure the engine alone, in process, beside the limit of the same library and beside OpenSSL.

Each row says what one piece of work costs in processor time, what is to be reached, and what is.
The work and what it is compared with take turns in short slices, and the median of the slices'
ratios counts, so that a noisy neighbour meets both. Large messages are measured in a fresh process
each, whose peak memory the kernel keeps (VmHWM); it is counted beyond the message that the process
already holds.
"""

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.cms.signed import parse_signed
from app.mail.headers import split
from app.mail.originator import originator
from app.pki.certificate import Certificate
from app.pki.path import Anchors, validate
from app.smime.decrypt import decrypt
from app.smime.encrypt import encrypt
from app.smime.judge import Case, judge
from app.smime.kinds import recognise
from app.smime.sign import sign
from app.smime.signature import check
from app.smime.verify import verify
from tests import testpki
from tests.smime import house

Work = Callable[[], object]

SMALL_OCTETS, LARGE_OCTETS = 10_240, 25 * 1024 * 1024
MESSAGES, SLICES = 1_100, 15
C_PROGRAM = Path(__file__).with_name("verify.c")
# What a large message may cost: peak memory in messages, MB a second.
LARGE = {"sign": (1.3, 300), "encrypt": (3.0, 100), "decrypt": (3.0, 100)}


@dataclass(frozen=True)
class Row:
    """One line of the result."""

    name: str
    microseconds: float
    goal: str
    reached: str

    def __str__(self) -> str:
        rate = f"{1e6 / self.microseconds:>8.0f}/s" if self.microseconds else " " * 10
        return f"{self.name:<42} {rate}   goal {self.goal:<24} reached {self.reached}"


class Paths:
    """Many certificates of one issuing authority, and the list that each authority publishes.

    Each comes to a validator that has never seen it, as the first message of a signer does.
    """

    def __init__(self, count: int) -> None:
        root = testpki.ca("Root", key="rsa4096", url="http://pki.example/root")
        issuing = testpki.ca("Issuing", root, key="rsa4096", url="http://pki.example/issuing")
        self.chain = (Certificate.from_der(issuing.certificate),)
        self.anchors = Anchors((Certificate.from_der(root.certificate),), "bench paths")
        made = [issuing.issue(f"p{number}@nord.example", key="rsa2048") for number in range(count)]
        self.leaves = [Certificate.from_der(each.certificate) for each in made]
        self.lists = issuing.crl(), root.crl()

    def about(
        self, pairs: Sequence[tuple[Certificate, Certificate]], at: datetime
    ) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Return both lists, as if they had been fetched."""
        del pairs, at
        return self.lists, ()

    def milliseconds(self, moment: datetime, *, lists: bool) -> list[float]:
        """Return the processor time of each certificate's first validation, shortest first."""
        took = []
        for leaf in self.leaves:
            began = time.thread_time()
            found = validate(
                leaf, self.chain, self.anchors, at=moment, source=self if lists else None
            )
            took.append((time.thread_time() - began) * 1000)
            assert found.status == "trusted", found
        return sorted(took)


def path_rows(count: int) -> Iterator[Row]:
    """Measure the first validation of a certificate, without the network."""
    paths = Paths(count)
    for name, lists in (("without lists", False), ("with two lists", True)):
        # Another moment is another question to the memory for answers.
        after = testpki.AT + timedelta(hours=1 + lists)
        took = paths.milliseconds(after, lists=lists)
        median, most = took[count // 2], took[count * 99 // 100]
        reached = f"{median:.1f} ms, p99 {most:.1f} ms"
        yield Row(f"first validation {name}", median * 1000, "<= 3 ms", reached)


class Engine:
    """A sender and a recipient with RSA-2048 keys, under two RSA-4096 authorities.

    There are more messages than anything of a message is remembered, no two with the same header
    section, content, boundary or time of signing, so that one does not make the next one cheaper
    than mail is.
    """

    def __init__(self, octets: int, count: int) -> None:
        root = testpki.ca("Root", key="rsa4096")
        issuing = testpki.ca("Issuing", root, key="rsa4096")
        self.root = testpki.pem(root.certificate)
        alice = issuing.issue("alice@nord.example", key="rsa2048")
        self.signer = house.signer_of(alice)
        self.recipient = house.key_of(issuing.issue("bob@sued.example", key="rsa2048"))
        self.trust = house.Trust(Anchors((Certificate.from_der(root.certificate),), "bench"))
        self.plain = cycle([_letter(number, octets) for number in range(count)])
        self.signed = cycle([self.sign(number) for number in range(count)])
        self.sealed = cycle([self.encrypt() for _ in range(count)])

    def sign(self, number: int = 0) -> bytes:
        """Make a clear-signed message, so many seconds ago and with a boundary of this number."""
        at, token = testpki.AT - timedelta(seconds=number), b"=_%016x" % number
        return sign(next(self.plain), self.signer, form="clear", at=at, token=token)

    def verify(self) -> None:
        """Verify one, from octets to the finding."""
        message = next(self.signed)
        author = originator(split(message).headers)
        layer = recognise(message)
        found = verify(message, layer, author, self.trust, at=testpki.AT)
        assert found.is_pass, found

    def judging(self) -> Work:
        """Return the part of it that finds path and status, for a certificate met before."""
        message = next(self.signed)
        layer, author = recognise(message), originator(split(message).headers)
        signed = parse_signed(layer.cms)
        checked = check(message, layer, signed, self.trust)
        assert checked.certificate is not None
        assert checked.info is not None
        case = Case(
            checked.certificate, checked.bag, signed.crls, checked.info, checked.weak,
            author, testpki.AT, "soft",
        )  # fmt: skip
        assert judge(case, self.trust).status == "valid"
        return lambda: judge(case, self.trust)

    def encrypt(self) -> bytes:
        """Encrypt with AES-256-GCM to one RSA-2048 certificate."""
        certificates = [self.recipient.certificate]
        return encrypt(next(self.plain), certificates, profile="smime4").octets

    def decrypt(self) -> None:
        """Decrypt one, from octets to the message."""
        message = next(self.sealed)
        done = decrypt(message, recognise(message), [self.recipient])
        assert done.status == "decrypted"

    def raw_sign(self) -> object:
        """Use the private key for a signature, and do nothing else."""
        key = self.signer.key
        assert isinstance(key, rsa.RSAPrivateKey)
        return key.sign(bytes(256), padding.PKCS1v15(), hashes.SHA256())

    def raw_decrypt(self) -> Work:
        """Return the use of the private key for a key transport, and nothing else."""
        key = self.recipient.key
        assert isinstance(key, rsa.RSAPrivateKey)
        encrypted = key.public_key().encrypt(bytes(32), padding.PKCS1v15())
        return lambda: key.decrypt(encrypted, padding.PKCS1v15())


def _letter(number: int, octets: int) -> bytes:
    line = b"The quick brown fox jumps over the lazy dog, and then it does it again.\r\n"
    more = b"X-Number: %d\r\n" % number
    head = house.letter(b"", sender=b"Alice <alice@nord.example>", more=more)
    body = line * ((octets - len(head)) // len(line))
    return b"%bThis is message %d.\r\n%b" % (head, number, body)


def microseconds(work: Work, rounds: int) -> float:
    """Return the processor time of one round."""
    began = time.process_time()
    for _ in range(rounds):
        work()
    return (time.process_time() - began) / rounds * 1e6


def compare(limit: Work, work: Work, rounds: int) -> tuple[float, float]:
    """Return the processor time of the work, and the limit's divided by it."""
    limit()
    work()
    pairs = [(microseconds(limit, rounds), microseconds(work, rounds)) for _ in range(SLICES)]
    ratio = statistics.median(one / other for one, other in pairs)
    return statistics.median(other for _, other in pairs), ratio


def small_rows(rounds: int) -> Iterator[Row]:
    """Measure messages of 10 KB."""
    engine = Engine(SMALL_OCTETS, MESSAGES)
    raw, _ = compare(engine.raw_sign, engine.raw_sign, rounds)
    yield Row("RSA-2048 signature of cryptography", raw, "", "the limit")
    took, ratio = compare(engine.raw_sign, engine.sign, rounds)
    yield Row("clear signature over 10 KB", took, ">= 0.85 of raw RSA", f"{ratio:.2f}")
    took, _ = compare(engine.raw_sign, engine.verify, rounds)
    yield Row("verify 10 KB, path cached", took, ">= 10,000/s", f"{1e6 / took:,.0f}/s")
    yield from _beside_openssl(engine, rounds)
    took, _ = compare(engine.raw_sign, engine.judging(), rounds)
    yield Row("path and status from cache", took, "<= 50 µs", f"{took:.0f} µs")
    took, _ = compare(engine.raw_sign, engine.encrypt, rounds)
    yield Row("encrypt 10 KB, AES-256-GCM", took, ">= 10,000/s", f"{1e6 / took:,.0f}/s")
    took, ratio = compare(engine.raw_decrypt(), engine.decrypt, rounds)
    yield Row("decrypt 10 KB", took, ">= 0.85 of raw RSA", f"{ratio:.2f}")


def _beside_openssl(engine: Engine, rounds: int) -> Iterator[Row]:
    """Measure verification beside that of OpenSSL, which has no cache of paths."""
    with tempfile.TemporaryDirectory() as folder:
        program, message, root = (Path(folder, name) for name in ("verify", "signed", "root"))
        message.write_bytes(next(engine.signed))
        root.write_bytes(engine.root)
        compiler = shutil.which("cc")
        command = [str(compiler), "-O2", "-o", str(program), str(C_PROGRAM), "-lcrypto"]
        if not compiler or subprocess.run(command, capture_output=True, check=False).returncode:
            print("left out: verification by OpenSSL in C (apt-get install gcc libssl-dev)")
            return
        moment = str(int(testpki.AT.timestamp()))
        pairs = []
        for _ in range(SLICES):
            said = subprocess.run(
                [program, message, root, moment, str(rounds)],
                capture_output=True, text=True, check=True,
            ).stdout  # fmt: skip
            pairs.append((float(said), microseconds(engine.verify, rounds)))
    theirs = statistics.median(one for one, _ in pairs)
    ratio = statistics.median(one / other for one, other in pairs)
    goal = ">= 3 x OpenSSL in C"
    yield Row("the same by OpenSSL in C, no cache", theirs, goal, f"{ratio:.1f} x")


def large_rows() -> Iterator[Row]:
    """Measure messages of 25 MB, each in a process of its own, which nothing was done in before."""
    engine = Engine(SMALL_OCTETS, 1)
    fork = get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        plain, sealed = Path(folder, "plain"), Path(folder, "sealed")
        preparing = fork.Process(target=_seal, args=(engine, plain, sealed))
        preparing.start()
        preparing.join()
        for name, (memory, speed) in LARGE.items():
            theirs, ours = fork.Pipe()
            file = sealed if name == "decrypt" else plain
            process = fork.Process(target=_large, args=(engine, name, file, ours))
            process.start()
            peak, rate = theirs.recv()
            process.join()
            goal = f"<= {memory} x, >= {speed} MB/s"
            yield Row(f"{name} 25 MB", 0, goal, f"{peak:.2f} x, {rate:.0f} MB/s")


def _seal(engine: Engine, plain: Path, sealed: Path) -> None:
    plain.write_bytes(_letter(1, LARGE_OCTETS))
    engine.plain = cycle([plain.read_bytes()])
    sealed.write_bytes(engine.encrypt())


def _large(engine: Engine, name: str, file: Path, answer: Connection) -> None:
    """Send the peak memory of one piece of work in messages, and MB a second of it."""
    octets = file.read_bytes()
    setattr(engine, "sealed" if name == "decrypt" else "plain", cycle([octets]))
    work: Work = getattr(engine, name)
    # Forgets the peak so far (proc(5)).
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    work()
    peak = _memory("VmHWM") - before
    took = min(microseconds(work, 1) for _ in range(5))
    answer.send((peak / len(octets), LARGE_OCTETS / took))


def _memory(name: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024


def report(rounds: int = 200) -> None:
    """Run every measurement and print the table."""
    print("The engine in process, one core, processor time")
    for rows in (small_rows(rounds), path_rows(rounds), large_rows()):
        for row in rows:
            print(row, flush=True)


def main() -> None:
    """Measure the engine without the rest of the path."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="rounds in a slice")
    report(parser.parse_args().rounds)


if __name__ == "__main__":
    main()
