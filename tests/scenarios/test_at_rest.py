"""What was said in a letter stands nowhere but where the letter was delivered (T101, T82, T132).

A whole gateway decrypts, verifies, fails and refuses; then every file of its folder is searched:
database, write-ahead log, log, and what a command prints about the message.
"""

import subprocess
from pathlib import Path

import pytest

from app.pki.certificate import Certificate
from app.smime.encrypt import encrypt
from tests.houses import authority, message
from tools.internet import post
from tools.organisation import Organisation

pytestmark = pytest.mark.slow
BOB, ALICE = "bob@nord.example", "alice@far.example"
CANARY = b"canary-6b1f9d"
TEXT = message(ALICE, BOB, "Offer", f"{CANARY.decode()}\r\n" * 3)


def _places(folder: Path) -> list[str]:
    """Return the files with the canary in them, the mailbox aside."""
    files = [each for each in folder.rglob("*") if each.is_file() and "delivered" not in each.parts]
    return [str(each) for each in files if CANARY in each.read_bytes()]


def test_no_text_of_a_letter_is_left_behind(tmp_path: Path) -> None:
    house = Organisation(tmp_path / "house", log_level="DEBUG")
    bob = authority().issue(BOB)
    (tmp_path / "bob.pem").write_bytes(bob.key_pem + bob.pem)
    house.sealmon("init")
    house.sealmon("domain", "add", "nord.example")
    house.sealmon("key", "import", tmp_path / "bob.pem")
    sealed = encrypt(TEXT, [Certificate.from_der(bob.certificate)], profile="smime4").octets
    broken = sealed.replace(b"\r\n\r\nMII", b"\r\n\r\nMIJ")
    mails = [TEXT, sealed, broken, b"X: a\r\n" * 3_000 + TEXT, b"From: x\r\n" + TEXT]
    with house:
        said = [post(house.smtp_port, ALICE, BOB, octets) for octets in mails]
        assert said[0].startswith("250")
        assert said[1].startswith("250")
        # A folder that is gone is a failure in the middle of a delivery.
        delivered = house.folder / "delivered"
        delivered.rename(house.folder / "elsewhere")
        delivered.write_text("no folder")
        said.append(post(house.smtp_port, ALICE, BOB, sealed))
        assert said[-1].startswith("4")
        delivered.unlink()
        (house.folder / "elsewhere").rename(delivered)
        # With the write-ahead log, and without.
        assert _places(house.folder) == []
        house.stop()
    assert sum(CANARY in octets for octets in house.mailbox()) >= 2
    assert _places(house.folder) == []
    assert CANARY.decode() not in "".join(said)
    for words in (("trace",), ("trace", "--json"), ("status",), ("check",)):
        done = house.run(*words)
        assert isinstance(done, subprocess.CompletedProcess)
        assert CANARY not in done.stdout + done.stderr, words
