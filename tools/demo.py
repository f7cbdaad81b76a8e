"""Two organisations exchange mail through two gateways, and you see each message on the way.

``make demo`` runs it in a folder that is thrown away: nord.example and sued.example (which also
serves gemeinde.example with one certificate for the whole domain) have three users each, and
ohne.example has nothing of the kind. Every copy on the wire is checked with ``openssl cms``, by a
program that knows nothing of us.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

from tests import testpki
from tools.internet import Internet, Seen, post
from tools.letters import (
    ALICE,
    BERND,
    CARLA,
    DORA,
    PAUL,
    QUITTA,
    RITA,
    Letter,
    letters,
)
from tools.organisation import Organisation, free_port

LEARNED_SECONDS = 1.5
AUTHORITY = "domain-confidentiality-authority@gemeinde.example"


class Demo:
    """The demo's certification authority, its two organisations and the wire between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.root = testpki.ca("Demo Root", key="rsa2048")
        self.issuing = testpki.ca("Demo Issuing CA", self.root, key="rsa2048")
        self.anchor = folder / "root.pem"
        self.anchor.write_bytes(testpki.pem(self.root.certificate))
        self.port = free_port()
        self.internet = Internet(self.port)
        self.identities: dict[str, testpki.TestIdentity] = {}
        self.nord = self._organisation("nord", "nord.example", (ALICE, BERND, CARLA))
        self.sued = self._organisation("sued", "sued.example", (PAUL, QUITTA, RITA))
        self._domain_pair()

    def _organisation(self, name: str, domain: str, users: tuple[str, ...]) -> Organisation:
        house = Organisation(
            self.folder / name,
            hostname=f"gateway.{domain}",
            next_hop_outbound=f"smtp://127.0.0.1:{self.port}?tls=none",
        )
        house.sealmon("init")
        house.sealmon("domain", "add", domain)
        house.sealmon("trust", "add", self.anchor)
        house.sealmon("relay", "add", "127.0.0.1/32")
        for number, user in enumerate(users):
            key = self._import(house, user, "p256" if number == 1 else "rsa2048")
            house.sealmon("relay", "key", "add", key)
        return house

    def _import(self, house: Organisation, user: str, kind: str) -> str:
        identity = self.issuing.issue(user, key=kind)
        self.identities[user] = identity
        file = self.folder / f"{user}.pem"
        chain = b"".join(map(testpki.pem, identity.chain))
        file.write_bytes(identity.key_pem + identity.pem + chain)
        imported = house.ask("key", "import", file)
        return str(imported[0]["id"])

    def _domain_pair(self) -> None:
        """gemeinde.example has one certificate for everybody, and nord.example knows it."""
        self.sued.sealmon("domain", "add", "gemeinde.example")
        key = self._import(self.sued, AUTHORITY, "rsa2048")
        self.sued.sealmon("domain", "key", "gemeinde.example", key)
        self.sued.sealmon("domain", "sign-to", "gemeinde.example", "nord.example")
        self.sued.sealmon("relay", "key", "add", key)
        file = self.folder / "gemeinde.crt"
        authority = self.identities[AUTHORITY]
        self.identities[DORA] = authority
        file.write_bytes(authority.pem)
        self.nord.sealmon("partner", "import", file, "--for", "gemeinde.example")

    def exchange(self) -> list["Row"]:
        """Send every letter and return what became of each copy."""
        self.internet.gateways = {
            "nord.example": self.nord.smtp_port,
            "sued.example": self.sued.smtp_port,
            "gemeinde.example": self.sued.smtp_port,
        }
        rows: list[Row] = []
        with self.internet, self.nord, self.sued:
            self._introduce()
            for letter in letters():
                rows += self._send(letter)
        return rows

    def _introduce(self) -> None:
        """Each user writes to the other side once, so that the gateways learn the certificates."""
        for sender in (ALICE, BERND, CARLA):
            self._hello(self.nord, sender, PAUL)
        for sender in (PAUL, QUITTA, RITA):
            self._hello(self.sued, sender, ALICE)
        self.internet.seen.clear()
        # What was learned is in force in every worker after a second.
        time.sleep(LEARNED_SECONDS)

    def _hello(self, house: Organisation, sender: str, recipient: str) -> None:
        octets = (
            f"From: {sender}\r\nTo: {recipient}\r\nSubject: Hello\r\n"
            "Date: Tue, 24 Nov 2026 08:00:00 +0100\r\n"
            f"Message-ID: <hello-{sender}>\r\n\r\nThis is my certificate.\r\n"
        ).encode()
        answer = post(house.smtp_port, sender, recipient, octets)
        if not answer.startswith("250"):
            sys.exit(f"the introduction of {sender} failed: {answer}")

    def _send(self, letter: Letter) -> list["Row"]:
        # A stranger does not go through a gateway of ours: his mail comes from the Internet.
        domain = letter.reverse_path.rpartition("@")[2]
        port = self.internet.gateways.get(domain, self.port)
        rows = []
        for recipient in letter.recipients:
            wire, boxes = len(self.internet.seen), self._boxes()
            answer = post(port, letter.reverse_path, recipient, letter.octets)
            seen = self.internet.seen[wire:]
            fresh = [box for box in self._boxes() if box not in boxes]
            rows.append(self._row(letter, recipient, answer, seen, fresh))
        return rows

    def _boxes(self) -> list[bytes]:
        return self.nord.mailbox() + self.sued.mailbox()

    def _row(
        self, letter: Letter, recipient: str, answer: str, seen: list[Seen], fresh: list[bytes]
    ) -> "Row":
        wire = seen[0].octets if seen else b""
        checked = self._check(wire, recipient) if wire else Checked("not sent", "")
        subject, found = "(outside)", ""
        if fresh:
            message = message_from_bytes(fresh[0], policy=policy.default)
            subject = str(message["Subject"])
            found = str(message["X-Sealmon-Signature"]).split(";")[0]
        return Row(letter.title, recipient, answer[:3], checked, subject, found)

    def _check(self, wire: bytes, recipient: str) -> "Checked":
        """Open the copy on the wire with openssl, as the recipient would, and check the signer."""
        kinds, current = [], wire
        if b"enveloped-data" in current.lower() or b"authenveloped" in current.lower():
            identity = self.identities[recipient]
            key, certificate = self.folder / "reader.key", self.folder / "reader.crt"
            key.write_bytes(identity.key_pem)
            certificate.write_bytes(identity.pem)
            opened = _openssl(current, "-decrypt", "-inkey", key, "-recip", certificate)
            if opened is None:
                return Checked("encrypted", "openssl cannot decrypt")
            kinds.append("encrypted")
            current = opened
        if b"pkcs7-signature" in current or b"signed-data" in current:
            if _openssl(current, "-verify", "-CAfile", self.anchor, "-purpose", "any") is None:
                return Checked("+".join([*kinds, "signed"]), "openssl cannot verify")
            kinds.append("signed")
        return Checked("+".join(kinds) or "clear", "ok" if kinds else "")


@dataclass(frozen=True)
class Checked:
    """What a copy on the wire is, and what openssl says of it."""

    protection: str
    verdict: str


@dataclass(frozen=True)
class Row:
    """What became of one copy."""

    title: str
    recipient: str
    reply: str
    wire: Checked
    subject: str
    signature: str

    @property
    def failed(self) -> bool:
        """Whether this copy did not arrive, or openssl cannot read it."""
        return self.reply != "250" or "cannot" in self.wire.verdict


def _openssl(message: bytes, *arguments: str | Path) -> bytes | None:
    ended = subprocess.run(
        ["openssl", "cms", *arguments], input=message, capture_output=True, check=False
    )
    return ended.stdout if ended.returncode == 0 else None


def show(rows: list[Row]) -> None:
    """Print the table."""
    print(
        f"\n{'letter':<30} {'recipient':<22} {'':<4} {'on the wire':<17} {'openssl':<8}"
        f"{'signature':<13} subject when delivered"
    )
    for row in rows:
        print(
            f"{row.title:<30} {row.recipient:<22} {row.reply:<4} {row.wire.protection:<17} "
            f"{row.wire.verdict:<8}{row.signature:<13} {row.subject}"
        )


def main() -> None:
    """Run the demo and end with 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="a new folder that keeps everything to look at")
    options = parser.parse_args()
    if shutil.which("openssl") is None:
        sys.exit("the demo checks with openssl; on Debian or Ubuntu: apt-get install openssl")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        rows = Demo((options.keep or Path(temporary)).absolute()).exchange()
    show(rows)
    failed = sum(row.failed for row in rows)
    print(f"\n{len(rows)} copies, {failed} failed, {time.monotonic() - began:.0f} s")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
