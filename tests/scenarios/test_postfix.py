"""The whole chain with real servers: swaks → Postfix → Sealmon (LMTP) → Postfix → Maildir."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import testpki
from tests.houses import authority
from tests.postfix import Postfix, missing
from tools.organisation import Organisation

ALICE, PAUL = "alice@nord.example", "paul@sued.example"
INSIDER, STRANGER = "127.0.0.2", "127.0.0.3"

LACKING = missing() or ("" if shutil.which("swaks") else "apt-get install swaks")
pytestmark = [
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.skipif(bool(LACKING), reason=LACKING),
]


class Chain:
    """A Postfix whose content filter is a Sealmon, which hands the mail back to it."""

    def __init__(self, folder: Path) -> None:
        root = authority()
        self.alice, self.paul = root.issue(ALICE, key="rsa2048"), root.issue(PAUL, key="p256")
        self.postfix = Postfix(folder / "postfix", ("nord.example", "sued.example"))
        self.postfix.mailboxes(ALICE, PAUL)
        hop = f"smtp://127.0.0.1:{self.postfix.exit_port}?tls=none"
        self.sealmon = Organisation(folder / "sealmon", next_hop=hop)
        self.postfix.filter_through(self.sealmon.lmtp_port)
        self.folder = folder
        anchor, key, partner = folder / "root.pem", folder / "alice.pem", folder / "paul.pem"
        anchor.write_bytes(testpki.pem(root.root))
        chain = b"".join(map(testpki.pem, self.alice.chain))
        key.write_bytes(self.alice.key_pem + self.alice.pem + chain)
        partner.write_bytes(self.paul.pem)
        run = self.sealmon.sealmon
        run("init")
        run("domain", "add", "nord.example")
        run("trust", "add", anchor)
        run("relay", "add", "127.0.0.1/32", "--xforward")
        run("relay", "add", f"{INSIDER}/32")
        run("relay", "key", "add", str(self.sealmon.ask("key", "import", key)[0]["id"]))
        run("partner", "import", partner)
        self.root = anchor

    def send(self, client: str, sender: str, to: str, subject: str, body: str = "Hello\n") -> None:
        """Hand a message to Postfix from this client address."""
        subprocess.run(
            [
                "swaks", "--silent", "2", "--server", f"127.0.0.1:{self.postfix.entry_port}",
                "--local-interface", client, "--from", sender, "--to", to,
                "--header", f"Subject: {subject}", "--header", f"From: {sender}", "--body", body,
            ],
            check=True,
        )  # fmt: skip

    def openssl(self, message: bytes, *arguments: str | Path) -> bytes:
        """Run openssl cms on a message and return what it wrote."""
        ended = subprocess.run(
            ["openssl", "cms", *arguments], input=message, capture_output=True, check=False
        )
        assert ended.returncode == 0, ended.stderr.decode()
        return ended.stdout


@pytest.fixture
def chain() -> Iterator[Chain]:
    # pytest's own folders are closed to Postfix's user, and too deep for its sockets.
    with tempfile.TemporaryDirectory(prefix="sealmon") as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = Chain(folder)
        with made.sealmon, made.postfix:
            yield made


def test_outbound_mail_leaves_signed_and_encrypted(chain: Chain) -> None:
    chain.send(INSIDER, ALICE, PAUL, "Re: [SIGNIERT] Offer", "The price is secret.\n.dot\n")
    (wire,) = chain.postfix.wait_for("paul", 1)
    assert b"secret" not in wire
    assert b"Subject: Re: Offer" in wire
    key, certificate = chain.folder / "paul.key", chain.folder / "paul.crt"
    key.write_bytes(chain.paul.key_pem)
    certificate.write_bytes(chain.paul.pem)
    opened = chain.openssl(wire, "-decrypt", "-inkey", key, "-recip", certificate)
    inside = chain.openssl(opened, "-verify", "-CAfile", chain.root)
    assert b"The price is secret.\r\n.dot\r\n" in inside


def test_inbound_mail_is_opened_and_marked(chain: Chain) -> None:
    entity = chain.folder / "entity"
    entity.write_bytes(b"Content-Type: text/plain\r\n\r\nThe price is fine.\r\n")
    key, certificate = chain.folder / "paul.key", chain.folder / "paul.crt"
    key.write_bytes(chain.paul.key_pem)
    certificate.write_bytes(chain.paul.pem)
    reader = chain.folder / "alice.crt"
    reader.write_bytes(chain.alice.pem)
    more = chain.folder / "chain.pem"
    more.write_bytes(b"".join(map(testpki.pem, chain.paul.chain)))
    signed = chain.openssl(
        entity.read_bytes(), "-sign", "-signer", certificate, "-inkey", key, "-certfile", more
    )
    sealed = chain.openssl(
        signed, "-encrypt", "-aes256", "-from", PAUL, "-to", ALICE, "-subject", "Offer", reader
    )
    message = chain.folder / "message"
    message.write_bytes(sealed)
    subprocess.run(
        [
            "swaks", "--silent", "2", "--server", f"127.0.0.1:{chain.postfix.entry_port}",
            "--local-interface", STRANGER, "--from", PAUL, "--to", ALICE, "--data", f"@{message}",
        ],
        check=True,
    )  # fmt: skip
    (got,) = chain.postfix.wait_for("alice", 1)
    assert b"The price is fine." in got
    assert b"[SIGNIERT] Offer" in got or b"=?utf-8?" in got.lower()
    assert b"smime=pass" in got


def test_a_stranger_behind_the_same_postfix_gets_no_signature(chain: Chain) -> None:  # T27, T31
    chain.send(STRANGER, ALICE, PAUL, "Not me")
    (wire,) = chain.postfix.wait_for("paul", 1)
    opened = chain.folder / "opened"
    key, certificate = chain.folder / "paul.key", chain.folder / "paul.crt"
    key.write_bytes(chain.paul.key_pem)
    certificate.write_bytes(chain.paul.pem)
    opened.write_bytes(chain.openssl(wire, "-decrypt", "-inkey", key, "-recip", certificate))
    assert b"pkcs7-signature" not in opened.read_bytes()


def test_mail_waits_in_the_queue_while_the_gateway_is_down_and_is_not_lost(chain: Chain) -> None:
    chain.sealmon.stop()
    for number in range(5):
        chain.send(INSIDER, ALICE, PAUL, f"Number {number}")
    assert chain.postfix.maildir("paul") == []
    chain.sealmon.start()
    chain.postfix.flush()
    assert len(chain.postfix.wait_for("paul", 5)) == 5
