"""A certificate is approved while two workers run, and each of them soon believes it (B5, B6)."""

import os
import signal
import smtplib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.mail.headers import split
from app.smime.kinds import Kind, recognise
from tests.handlers.test_revocation import signed
from tests.houses import message
from tests.testpki import ca
from tools.organisation import Organisation

pytestmark = pytest.mark.slow

ALICE, PAUL = "alice@nord.example", "paul@sued.example"
MINUTE = 60.0


def workers(house: Organisation) -> list[int]:
    """Return the process ids of the workers."""
    file = Path(f"/proc/{house.pid}/task/{house.pid}/children")
    return [int(each) for each in file.read_text().split()]


@contextmanager
def only(worker: int, house: Organisation) -> Iterator[None]:
    """Let one worker serve alone: the others stand still meanwhile."""
    others = [each for each in workers(house) if each != worker]
    for each in others:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in others:
            os.kill(each, signal.SIGCONT)


def passed(house: Organisation, sender: str, recipient: str, octets: bytes) -> bytes:
    """Send a message and return what came out."""
    house.empty_mailbox()
    with smtplib.LMTP("127.0.0.1", house.lmtp_port) as session:
        assert session.sendmail(sender, [recipient], octets) == {}
    (letter,) = house.mailbox()
    return letter


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="names workers as Linux does")
def test_an_approval_is_in_force_in_every_worker_within_a_minute(tmp_path: Path) -> None:
    letter = signed(ca("Unknown").issue(ALICE))

    def status(house: Organisation) -> str:
        fields = split(passed(house, ALICE, PAUL, letter)).headers
        return fields.text("X-Sealmon-Signature").partition(";")[0]

    def kind(house: Organisation) -> Kind:
        return recognise(passed(house, PAUL, ALICE, message(PAUL, ALICE))).kind

    house = Organisation(tmp_path / "sued", workers=2)
    house.sealmon("init")
    house.sealmon("domain", "add", "sued.example")
    house.sealmon("relay", "add", "127.0.0.1/32")
    with house:
        pair = workers(house)
        assert len(pair) == 2
        for worker in pair:
            with only(worker, house):
                assert (status(house), kind(house)) == ("untrusted", Kind.PLAIN)
        (waiting,) = house.ask("pending", "list")
        house.sealmon("pending", "approve", str(waiting["id"]))
        approved_at = time.monotonic()
        for worker in pair:
            with only(worker, house):
                while status(house) != "valid":
                    assert time.monotonic() - approved_at < MINUTE
                    time.sleep(0.1)
                # What the client can open is learned from the first valid signature on.
                assert kind(house) in {Kind.ENVELOPED, Kind.AUTH_ENVELOPED}
        assert workers(house) == pair, "nobody had to start again"
